import { select, type Target, type Verb } from './crossing-verbs.ts';

const becoming = (statement: string) => (t: Target) => [statement, select(t)];

/** Ways to become somebody else, or to take the wall down, and to look then. */
export const escapes: readonly Verb[] = [
  ...['kassa_owner', 'kassa_platform', 'kassa_worker', 'postgres', 'pg_read_all_data'].flatMap(
    (role): Verb[] => [
      [`as ${role}`, becoming(`set local role ${role}`)],
      [`signed in as ${role}`, becoming(`set local session authorization ${role}`)],
    ],
  ),
  ['as nobody else', becoming('reset role')],
  ['as who signed in', becoming('reset session authorization')],
  ['without policies', becoming('set local row_security = off')],
  ['as a replica', becoming('set local session_replication_role = replica')],
  ['as the other tenant', (t) => [`select app.set_tenant(${t.other})`, select(t)]],
  [
    'as the other tenant after a savepoint',
    (t) => [
      'savepoint here',
      `do $$ begin perform app.set_tenant(${t.other});
         exception when others then null; end $$`,
      'release here',
      select(t),
    ],
  ],
  [
    'row-level security off',
    (t) => [`alter table ${t.table} disable row level security`, select(t)],
  ],
  ['not forced', (t) => [`alter table ${t.table} no force row level security`, select(t)]],
  ['the policy dropped', (t) => [`drop policy ${t.table}_tenant on ${t.table}`, select(t)]],
  [
    'the policy wider',
    (t) => [`alter policy ${t.table}_tenant on ${t.table} using (true)`, select(t)],
  ],
  ['a policy more', (t) => [`create policy wide on ${t.table} for select using (true)`, select(t)]],
  ['another owner', (t) => [`alter table ${t.table} owner to kassa_app`, select(t)]],
  ['a right more', (t) => [`grant all on ${t.table} to public`, select(t)]],
  [
    'a rule',
    (t) => [
      `create rule wide as on insert to ${t.table} do instead delete from ${t.table}`,
      select(t),
    ],
  ],
  [
    'a trigger',
    (t) => [
      `create trigger wide after insert on ${t.table}
         execute function app.announce_tenant_change()`,
      select(t),
    ],
  ],
  ['a view for all', (t) => [`create view public.wide as ${select(t)}`]],
  ['a table for all', (t) => [`create table public.wide as ${select(t)}`]],
  ['a heap of all', (t) => [`create materialized view public.wide as ${select(t)}`]],
  [
    'another wall',
    (t) => [
      `create or replace function app.current_tenant() returns uuid language sql
         as 'select ${t.other.replaceAll("'", "''")}::uuid'`,
      select(t),
    ],
  ],
  ['a wall that is folded', becoming('alter function app.current_tenant() immutable')],
  ['what it cost', (t) => [`explain (analyze, verbose) ${select(t)}`]],
  ['from a program', (t) => [`copy ${t.table} from program 'cat /dev/null'`]],
  ['to a file', (t) => [`copy ${t.table} to '/tmp/kassa-wide'`]],
  ['to a program', (t) => [`copy ${t.table} to program 'cat'`]],
  ['what the planner knows', (t) => [`select * from pg_stats where tablename = '${t.table}'`]],
  ['what the planner keeps', () => ['select * from pg_statistic']],
  ['the files', () => [`select pg_read_file('PG_VERSION')`]],
  ['removed as a whole', (t) => [`drop table ${t.table} cascade`]],
];
