import { afterAll, expect, test } from 'vitest';
import { createTestDatabase } from '../support/test-database.ts';
import { findFaults } from './support/catalogue-rules.ts';
import { connect } from './support/open.ts';

const database = await createTestDatabase();
const admin = await connect(database.admin);

afterAll(async () => {
  await admin.end();
  await database.drop();
});

const wall = '(tenant_id = app.current_tenant())';
const soundTable = `create table gadgets (
  tenant_id uuid not null constraint gadgets_tenant_fkey references tenants (id),
  id uuid not null default gen_random_uuid(),
  constraint gadgets_pkey primary key (tenant_id, id))`;
const walled = `alter table gadgets enable row level security;
  alter table gadgets force row level security;
  create policy gadgets_tenant on gadgets to kassa_app using ${wall} with check ${wall}`;
const identityTable =
  'create schema if not exists identity; create table identity.cookies (id uuid)';
const fence = `create policy gadgets_fence on gadgets as restrictive to kassa_app using`;

test('the catalogue of a migrated database breaks no rule of tenancy', async () => {
  expect(await findFaults(admin)).toEqual([]);
});

test('a new table that keeps the rules is no fault', async () => {
  expect(await faultsAfter(`${soundTable}; ${walled}`)).toEqual([]);
});

// Each rule is broken once: a rule that cannot fail guards nothing.
test.each<[string, string | RegExp]>([
  ['create table gadgets (id uuid primary key)', 'gadgets has no tenant_id and is not on the list'],
  [
    'create table gadgets (tenant_id uuid, id uuid unique)',
    'gadgets.tenant_id is not uuid not null',
  ],
  [soundTable, 'gadgets has row-level security off'],
  ['alter table plans disable row level security', 'plans has row-level security off'],
  ['alter table orders no force row level security', 'orders does not force row-level security'],
  ['drop policy orders_tenant on orders', 'orders has 0 policies for kassa_app'],
  [
    'create policy more on orders for select to kassa_app using (true)',
    'orders has 2 policies for kassa_app',
  ],
  [
    'create policy more on orders to public using (true)',
    'more on orders to public is not on the list',
  ],
  [
    `alter policy orders_tenant on orders with check (true)`,
    "orders_tenant on orders is not the tenant's wall",
  ],
  [
    `drop policy orders_tenant on orders;
     create policy orders_tenant on orders for select to kassa_app using ${wall}`,
    "orders_tenant on orders is not the tenant's wall",
  ],
  [`${soundTable}; ${walled}; ${fence} ${wall}`, 'gadgets_fence on gadgets is restrictive'],
  [
    `${soundTable}; ${walled}; ${fence} (tenant_id = (select app.current_tenant()))`,
    'gadgets_fence on gadgets has a subselect',
  ],
  [
    'create policy support on orders for select to kassa_platform using (true)',
    'support on orders to kassa_platform is not on the list',
  ],
  [
    'create index orders_status_idx on orders (status)',
    'orders_status_idx on orders does not start with tenant_id',
  ],
  [
    'alter table orders add constraint orders_by_name unique (order_id)',
    'orders_by_name on orders does not start with tenant_id',
  ],
  [
    `alter table orders add constraint o unique (id);
     alter table payments add constraint payments_o_fkey foreign key (order_id) references orders (id)`,
    'payments_o_fkey on payments does not start with tenant_id',
  ],
  [
    `alter table orders add constraint o unique (id, tenant_id);
     alter table payments add constraint payments_o_fkey foreign key (tenant_id, order_id)
       references orders (id, tenant_id)`,
    'payments_o_fkey on payments leads out of the tenant',
  ],
  ['create table gadgets (tenant_id uuid not null)', 'gadgets has no primary key'],
  [
    `alter table payments add constraint payments_o_fkey foreign key (tenant_id, order_id)
       references orders (tenant_id, id) on delete cascade`,
    'payments_o_fkey on payments changes rows behind row-level security',
  ],
  ['grant truncate on orders to kassa_app', 'kassa_app: TRUNCATE on orders'],
  ['grant references on orders to kassa_app', 'kassa_app: REFERENCES on orders'],
  ['grant trigger on outbox to kassa_worker', 'kassa_worker: TRIGGER on outbox'],
  ['grant select (slug) on tenants to kassa_app', 'kassa_app: SELECT on tenants'],
  ['grant insert on api_keys to kassa_app', 'kassa_app: INSERT on api_keys'],
  ['grant select on plans to kassa_app', 'kassa_app: SELECT on plans'],
  ['grant delete on api_keys to kassa_app', 'kassa_app: DELETE on api_keys'],
  [
    'grant delete on order_events to kassa_worker',
    'kassa_worker: DELETE on the history in order_events',
  ],
  ['grant select (amount) on orders to kassa_platform', 'kassa_platform: SELECT on orders'],
  ['grant update on outbox to kassa_worker', 'kassa_worker: UPDATE on outbox'],
  [
    'grant update (detail) on order_events to kassa_app',
    'kassa_app: UPDATE on the history in order_events',
  ],
  ['grant usage on schema identity to kassa_app', 'kassa_app may enter the schema identity'],
  [
    'grant select (email) on identity.users to kassa_worker',
    'kassa_worker: SELECT on identity.users',
  ],
  [
    'grant truncate on identity.sessions to kassa_platform',
    'kassa_platform: TRUNCATE on identity.sessions',
  ],
  [
    'alter table identity.accounts disable row level security',
    'identity.accounts has row-level security off',
  ],
  [
    'create policy more on identity.users to public using (true)',
    'more on identity.users is not for kassa_platform alone',
  ],
  ['grant select on orders to public', 'everybody may use orders'],
  ['alter default privileges grant select on tables to kassa_app', 'there are default privileges'],
  ['create materialized view totals as select 1', 'totals is a materialized view'],
  ['create view totals as select * from orders', 'totals is a view without security_invoker'],
  ['create sequence numbers', 'numbers is a sequence: its values tell of other tenants'],
  [
    `create function app.peek() returns bigint language sql security definer
       as 'select count(*) from public.orders'`,
    'app.peek() is security definer',
  ],
  ['alter function app.current_tenant() immutable', 'app.current_tenant() is not stable'],
  ['alter function app.current_tenant() volatile', 'app.current_tenant() is not stable'],
  ['grant execute on function app.set_tenant(uuid) to public', 'everybody may set the tenant'],
  ['alter role kassa_app superuser', 'kassa_app is a superuser'],
  ['alter role kassa_platform bypassrls', 'kassa_platform has BYPASSRLS'],
  ['alter role kassa_worker createrole', 'kassa_worker may create roles'],
  ['grant kassa_platform to kassa_app', 'kassa_app is a member of kassa_platform'],
  ['alter table orders owner to kassa_app', 'kassa_app owns orders'],
  [
    `alter table orders add constraint ${'x'.repeat(50)} check (amount > 1)`,
    `${'x'.repeat(50)} is too long a name`,
  ],
  [
    `create type mood as enum ('good'); alter table orders add column mood mood`,
    'orders.mood has a type without a leakproof equality: mood',
  ],
  ['create schema reports', 'reports is not on the list of schemas'],
  ['grant create on schema public to kassa_app', 'kassa_app may create in public'],
  ['grant create on schema app to public', 'kassa_worker may create in app'],
  [
    'create schema if not exists identity; grant usage on schema identity to kassa_app',
    'kassa_app may enter the schema identity',
  ],
  [
    `${identityTable}; grant select on identity.cookies to kassa_app`,
    'kassa_app: SELECT on identity.cookies',
  ],
  [
    `${identityTable}; grant delete on identity.cookies to public`,
    'kassa_app: DELETE on identity.cookies',
  ],
  [
    `${identityTable}; grant select (id) on identity.cookies to kassa_worker`,
    'identity.cookies.id has rights of its own',
  ],
  [
    `${identityTable}; create view identity.all_orders as select * from orders`,
    'all_orders is a view without security_invoker',
  ],
  [
    'grant update (midtrans_server_key) on tenants to kassa_platform',
    'tenants.midtrans_server_key has rights of its own',
  ],
  [
    `create function app.peek() returns bigint language sql as 'select 1::bigint'`,
    'app.peek() v is not on the list of functions',
  ],
  [
    'alter function app.is_time_zone immutable',
    'app.is_time_zone(text) i is not on the list of functions',
  ],
  [
    `create function public.peek() returns bigint language sql security definer as 'select 1::bigint'`,
    'peek() is security definer without a search_path',
  ],
  ['alter function app.current_tenant() leakproof', 'app.current_tenant() is leakproof'],
  [
    `create trigger more after insert on orders execute function app.announce_tenant_change()`,
    'more on orders is not on the list of triggers',
  ],
  ['create rule more as on delete to orders do instead nothing', 'more on orders is a rule'],
  [
    `create table gadgets (tenant_id uuid, id uuid) partition by list (tenant_id);
     create table gadgets_of_all partition of gadgets default;
     grant select on gadgets_of_all to kassa_app`,
    'gadgets_of_all is a part with rights of its own',
  ],
  ['create table more () inherits (orders)', 'more inherits from orders'],
  [
    `alter role kassa_app set app.tenant_id = 'x'`,
    'app.tenant_id of kassa_app is not on the list of settings',
  ],
  [
    'alter role kassa_platform set row_security = off',
    'row_security of kassa_platform is not on the list of settings',
  ],
  [
    `do $$ begin execute format('alter database %I set search_path = pg_temp', current_database());
     end $$`,
    'search_path of all is not on the list of settings',
  ],
  [
    'grant set on parameter session_replication_role to kassa_app',
    'kassa_app: SET session_replication_role',
  ],
  ['create publication everything for table orders', 'everything hands rows out past the walls'],
  [
    'alter table orders add column share numeric(5, 2)',
    'orders.share has a type without a leakproof equality: numeric',
  ],
])('%s: is found', async (statements, fault) => {
  expect(await faultsAfter(statements)).toContain(fault);
});

async function faultsAfter(statements: string): Promise<string[]> {
  await admin.query('begin');
  try {
    await admin.query(statements);
    return await findFaults(admin);
  } finally {
    await admin.query('rollback');
  }
}
