import { afterAll, beforeEach, expect, test } from 'vitest';
import { createTestDatabase } from '../support/test-database.ts';
import { addTenant, connect } from './support/open.ts';
import { createRowFactory } from './support/row-factory.ts';
import { readTenantTables } from './support/tenant-tables.ts';

const database = await createTestDatabase();
const admin = await connect(database.admin);
const tenant = await addTenant(admin, 'factory');

beforeEach(async () => {
  await admin.query('drop table if exists parts, gadgets');
});
afterAll(async () => {
  await admin.end();
  await database.drop();
});

test('a row of a table that it never saw is found by its checks and references', async () => {
  await admin.query(`create table gadgets (
    tenant_id uuid not null references tenants (id),
    id uuid not null default gen_random_uuid(),
    state text not null check (state in ('new', 'sold', 'it''s gone')),
    sold_at timestamptz,
    price bigint not null, discount bigint not null,
    constraint sale check ((state = 'sold') = (sold_at is not null)),
    constraint only_sold check (state <> 'new' and state <> 'it''s gone'),
    constraint fair check (discount < price and discount in (0, 1)),
    primary key (tenant_id, id))`);
  await admin.query(`create table parts (
    tenant_id uuid not null references tenants (id),
    name text not null,
    gadget_id uuid not null,
    primary key (tenant_id, name),
    foreign key (tenant_id, gadget_id) references gadgets (tenant_id, id))`);
  const factory = createRowFactory(admin, await readTenantTables(admin));

  const part = await factory.store('parts', tenant);

  const { rows } = await admin.query('select id, tenant_id, state from gadgets');
  expect(rows).toEqual([{ id: part.gadget_id, tenant_id: tenant, state: 'sold' }]);
});

test('a draft is a row that can be stored, and is not', async () => {
  const factory = createRowFactory(admin, await readTenantTables(admin));

  const draft = await factory.draft('customers', tenant);

  expect(draft).toMatchObject({ tenant_id: tenant, email: expect.any(String) });
  expect((await admin.query('select from customers')).rowCount).toBe(0);
});

test.each([
  ['check (state = upper(state) and length(state) > 99)'],
  ['references gadgets_of_nobody (name)'],
])('a table whose row cannot be found fails by name: %s', async (condition) => {
  await admin.query('create table if not exists gadgets_of_nobody (name text primary key)');
  await admin.query(`create table gadgets (
    tenant_id uuid not null references tenants (id),
    state text not null ${condition},
    primary key (tenant_id, state))`);
  const factory = createRowFactory(admin, await readTenantTables(admin));

  await expect(factory.store('gadgets', tenant)).rejects.toThrow(/cannot make a row of gadgets/);
});

test('a type without a value fails by the name of its column', async () => {
  await admin.query(`create table gadgets (
    tenant_id uuid not null references tenants (id), place point not null)`);
  const factory = createRowFactory(admin, await readTenantTables(admin));

  await expect(factory.store('gadgets', tenant)).rejects.toThrow(/gadgets\.place, of type point/);
});
