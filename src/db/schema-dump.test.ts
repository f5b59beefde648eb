import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Pool } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { chooseAccount } from '../../local/postgres/account.ts';
import { chooseFreePort } from '../../local/postgres/port.ts';
import { run } from '../../local/postgres/process.ts';
import { removePostgres, startPostgres } from '../../local/postgres/start-postgres.ts';
import { dumpSchema } from './schema-dump.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** Everything that the dump knows how to write, in an order other than that of the dump. */
const schema = `
  create schema app;
  comment on schema app is 'Helpers of the policies.';
  create table pgmigrations (id serial primary key, name text);
  create function app.current_tenant() returns uuid language sql stable parallel safe
    as $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$;
  create table tenants (
    id uuid not null default gen_random_uuid(),
    slug text not null,
    "Odd ""name""" text collate "C" default 'it''s',
    since timestamptz not null default '2026-01-01 00:00:00+07',
    constraint tenants_pkey primary key (id),
    constraint tenants_slug_key unique (slug),
    constraint tenants_slug_form check (slug ~ '^[a-z0-9-]+$')
  );
  create table orders (
    tenant_id uuid not null constraint orders_tenant_fkey references tenants on delete cascade,
    number bigint generated always as identity (start with 1000),
    dropped text,
    amount bigint not null constraint orders_amount_positive check (amount > 0),
    refunded bigint not null default 0,
    kept bigint generated always as (amount - refunded) stored,
    previous bigint,
    tags text[] not null default '{}',
    note varchar(80),
    constraint orders_pkey primary key (tenant_id, number),
    constraint orders_previous_fkey foreign key (tenant_id, previous)
      references orders (tenant_id, number) deferrable initially deferred,
    constraint orders_previous_once unique nulls not distinct (tenant_id, previous, note)
  ) with (fillfactor = 80);
  alter table orders drop column dropped;
  alter table orders add constraint orders_note_short check (length(note) < 40) not valid;
  create unlogged table attempts (key text primary key, at date not null);
  create index orders_amount_idx on orders (tenant_id, amount desc) include (note) where amount > 9;
  create unique index attempts_day_key on attempts (lower(key), at);
  create function app.last_order(of tenants) returns setof orders language sql stable
    begin atomic select o.* from orders o where o.tenant_id = (of).id limit 1; end;
  create procedure app.forget(tenant uuid) language plpgsql security definer set search_path = ''
    as $$ begin delete from public.orders where tenant_id = tenant; end $$;
  create function app.announce() returns trigger language plpgsql
    as $$ begin perform pg_notify('changes', 'it''s'); return null; end $$;
  create trigger orders_announce after insert or update of amount on orders
    for each row when (new.amount > 10) execute function app.announce();
  create trigger orders_silent before delete on orders
    for each statement execute function app.announce();
  alter table orders disable trigger orders_silent;
  alter table orders enable row level security;
  alter table orders force row level security;
  alter table tenants enable row level security;
  create policy orders_tenant on orders
    using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant());
  create policy tenants_platform on tenants for select to kassa_dump_platform, kassa_dump_app
    using (true);
  create policy tenants_never on tenants as restrictive for delete using (slug <> 'keep');
  create view zebra with (security_invoker = true) as
    select o.tenant_id, o.amount + 1 as more, 'o.amount' as text
      from orders o where exists (select from tenants t where t.id = o.tenant_id and o.amount > 5)
     order by o.amount;
  create view aardvark as select z.more, t.slug from zebra z join tenants t on t.id = z.tenant_id;
  create view daily as select at, count(*) as attempts from attempts group by at having count(*) > 1;
  create view both_kinds as select slug from tenants union all select key from attempts;
  revoke all on function app.current_tenant() from public;
  grant execute on function app.current_tenant() to kassa_dump_app;
  grant usage on schema app to kassa_dump_app, kassa_dump_platform;
  revoke all on schema public from public;
  grant usage on schema public to kassa_dump_app;
  grant insert, select on orders to kassa_dump_app;
  grant update (refunded, note), select (note) on orders to kassa_dump_platform;
  grant all on tenants to kassa_dump_platform with grant option;
  grant select on daily to public;
  comment on table orders is 'What is paid for.';
  comment on column orders.amount is 'Minor units; it''s never null.';
  comment on function app.announce() is 'Tells listeners.';
  comment on index orders_amount_idx is 'For the list.';
  comment on constraint orders_pkey on orders is 'Tenant first.';
  comment on policy orders_tenant on orders is 'The wall.';
  comment on trigger orders_announce on orders is 'Not a rule.';
  comment on view daily is 'A view.';`;

const parts = [
  'create schema app;',
  'RETURNS uuid\n LANGUAGE sql\n STABLE PARALLEL SAFE',
  "SECURITY DEFINER\n SET search_path TO ''",
  'create unlogged table public.attempts (\n  key text not null,\n  at date not null,\n  constraint',
  'id uuid default gen_random_uuid() not null,',
  `"Odd ""name""" text collate pg_catalog."C" default 'it''s'::text,`,
  "since timestamp with time zone default '2025-12-31 17:00:00+00'::timestamp with time zone not",
  'generated always as identity (start with 1000 ',
  'kept bigint generated always as ((amount - refunded)) stored,\n  previous bigint,\n',
  ') with (fillfactor=80);',
  'constraint orders_pkey PRIMARY KEY (tenant_id, number)',
  'constraint orders_previous_once UNIQUE NULLS NOT DISTINCT (tenant_id, previous, note)',
  'constraint orders_amount_positive CHECK ((amount > 0))',
  'add constraint orders_note_short CHECK ((length((note)::text) < 40)) NOT VALID;',
  'FOREIGN KEY (tenant_id) REFERENCES public.tenants(id) ON DELETE CASCADE;',
  'REFERENCES public.orders(tenant_id, number) DEFERRABLE INITIALLY DEFERRED;',
  'CREATE UNIQUE INDEX attempts_day_key ON public.attempts USING btree (lower(key), at);',
  'USING btree (tenant_id, amount DESC) INCLUDE (note) WHERE (amount > 9);',
  'create view public.zebra with (security_invoker=true) as\n SELECT tenant_id,',
  'FOR EACH ROW WHEN ((new.amount > 10)) EXECUTE FUNCTION app.announce();',
  'alter table public.orders disable trigger orders_silent;',
  'alter table public.orders force row level security;',
  'alter table public.tenants enable row level security;',
  'create policy orders_tenant on public.orders\n  using ((tenant_id = app.current_tenant()))\n' +
    '  with check ((tenant_id = app.current_tenant()));',
  'on public.tenants for select to kassa_dump_app, kassa_dump_platform\n  using (true);',
  'create policy tenants_never on public.tenants as restrictive for delete\n',
  'revoke all on schema public from public;\ngrant usage on schema public to kassa_dump_app;',
  'revoke all on function app.current_tenant() from public;',
  'grant execute on function app.current_tenant() to kassa_dump_app;',
  'grant insert, select on table public.orders to kassa_dump_app;',
  'grant select (note), update (note, refunded) on table public.orders to kassa_dump_platform;',
  'truncate, update on table public.tenants to kassa_dump_platform with grant option;',
  'grant select on table public.daily to public;',
  "comment on schema app is 'Helpers of the policies.';",
  "comment on column public.orders.amount is 'Minor units; it''s never null.';",
  "comment on function app.announce() is 'Tells listeners.';",
  "comment on index public.orders_amount_idx is 'For the list.';",
  "comment on constraint orders_pkey on public.orders is 'Tenant first.';",
  "comment on trigger orders_announce on public.orders is 'Not a rule.';",
  "comment on policy orders_tenant on public.orders is 'The wall.';",
  "comment on view public.daily is 'A view.';",
];

type TestServer = { readonly url: string; stop(): Promise<void> };

let server: TestServer;

beforeAll(async () => {
  server = await startEmbedded();
});
afterAll(() => server.stop());

test('a dump loaded into an empty database is dumped as the same text', async () => {
  const original = await dumpOf(server, schema);

  const copy = await dumpOf(server, original);

  expect(copy).toBe(original);
});

test('each part of the schema is in the dump', async () => {
  const text = await dumpOf(server, schema);

  for (const part of parts) expect(text).toContain(part);
  expect(text).not.toContain('pgmigrations');
  expect(text).not.toMatch(/grant .* to postgres/);
});

test('the settings of the session neither change the text nor are changed', async () => {
  const [plain, odd, settings] = await inDatabase(server, async (client) => {
    await client.query(schema);
    const before = await dumpSchema(client);
    await client.query(`set timezone = 'Asia/Jakarta'; set search_path = app, public;
      set quote_all_identifiers = on; set datestyle = 'German'`);
    const after = await dumpSchema(client);
    return [before, after, (await client.query('show search_path')).rows[0]];
  });

  expect(odd).toBe(plain);
  expect(settings).toEqual({ search_path: 'app, public' });
});

test('a pool can be dumped from, and an empty database is', async () => {
  await inDatabase(server, async (client, url) => {
    const pool = new Pool({ connectionString: url });
    expect(await dumpSchema(pool)).toBe(await dumpSchema(client));
    await pool.end();
  });
});

test.each([
  ['an enumeration', `create type mood as enum ('good')`, 'type public.mood'],
  ['a sequence', `create sequence numbers`, 'sequence public.numbers'],
  [
    'a partitioned table',
    `create table parts (id int) partition by list (id)`,
    'table public.parts',
  ],
  ['a materialized view', `create materialized view m as select 1 as one`, 'view public.m'],
  ['an heir', `create table a (id int); create table b () inherits (a)`, 'inheritance of public.b'],
  ['a rule', `create table a (id int); create rule r as on delete to a do nothing`, 'rule r'],
  ['an aggregate', `create aggregate total (int) (sfunc = int4pl, stype = int)`, 'public.total'],
])('%s is refused by name rather than left out', async (_, statement, name) => {
  await expect(dumpOf(server, statement)).rejects.toThrow(name);
});

test('another major version gives the same text, and takes it', async ({ skip }) => {
  const programs = await findOtherPostgres();
  if (programs === undefined) return skip('there is no other PostgreSQL in /usr/lib/postgresql');
  const other = await startOther(programs);
  onTestFinished(other.stop);

  const here = await dumpOf(server, schema);
  const there = await dumpOf(other, schema);
  const copied = await dumpOf(other, here);

  expect(there).toBe(here);
  expect(copied).toBe(here);
});

/** What the dump of a new database says after some statements. */
function dumpOf(where: TestServer, statements: string): Promise<string> {
  return inDatabase(where, async (client) => {
    await client.query(statements);
    return dumpSchema(client);
  });
}

async function inDatabase<T>(
  { url }: TestServer,
  work: (client: Client, url: string) => Promise<T>,
): Promise<T> {
  const name = `dump_${randomBytes(6).toString('hex')}`;
  const admin = new Client(url);
  await admin.connect();
  const own = new URL(url);
  own.pathname = `/${name}`;
  const client = new Client(own.href);
  try {
    await admin.query(`create database ${name} template template0`);
    await client.connect();
    return await work(client, own.href);
  } finally {
    await client.end();
    await admin.query(`drop database if exists ${name}`);
    await admin.end();
  }
}

async function createRoles(url: string): Promise<void> {
  const client = new Client(url);
  await client.connect();
  await client.query('create role kassa_dump_app; create role kassa_dump_platform');
  await client.end();
}

async function startEmbedded(): Promise<TestServer> {
  const folder = await makeFolder();
  const dataDir = join(folder, 'data');
  const { url, stop } = await startPostgres({
    dataDir,
    mode: 'fast',
    superuserPassword: randomBytes(16).toString('hex'),
  });
  await createRoles(url);
  const end = async () => {
    await stop();
    await removePostgres(dataDir);
    await rm(folder, { recursive: true });
  };
  return { url, stop: end };
}

/** The launcher only knows the binaries from npm; Debian's are as good for one comparison. */
async function startOther(programs: string): Promise<TestServer> {
  const folder = await makeFolder();
  const account = await chooseAccount(undefined);
  const dataDir = join(folder, 'data');
  await mkdir(dataDir, { mode: 0o700 });
  if (account) await chown(dataDir, account.uid, account.gid);
  const port = await chooseFreePort();
  const call = async (program: string, ...args: string[]) => {
    const { code, output } = await run(join(programs, program), args, account);
    if (code !== 0) throw new Error(`${program} failed: ${output}`);
  };
  await call('initdb', '-D', dataDir, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync');
  const options = `-c port=${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=`;
  const log = join(dataDir, 'server.log');
  await call('pg_ctl', '-D', dataDir, '-w', '-l', log, '-o', options, 'start');
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  await createRoles(url);
  const stop = async () => {
    await call('pg_ctl', '-D', dataDir, '-w', '-m', 'fast', 'stop');
    await rm(folder, { recursive: true });
  };
  return { url, stop };
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kassa-schema-dump-'));
  await chmod(folder, 0o755); // root's server runs as somebody else
  return folder;
}

async function findOtherPostgres(): Promise<string | undefined> {
  const versions = await readdir('/usr/lib/postgresql').catch((): string[] => []);
  const [oldest] = versions.filter((each) => each !== '18').sort();
  return oldest && join('/usr/lib/postgresql', oldest, 'bin');
}
