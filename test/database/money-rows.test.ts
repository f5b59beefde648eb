import { afterAll, expect, test } from 'vitest';
import { createTestDatabase } from '../support/test-database.ts';
import { addTenant, connect } from './support/open.ts';
import { createRowFactory, insertText, type Row } from './support/row-factory.ts';
import { readTenantTables } from './support/tenant-tables.ts';

// What the database itself refuses, whatever the code believes.
const database = await createTestDatabase();
const admin = await connect(database.admin);
const app = await connect(database.app);
const tenant = await addTenant(admin, 'tenant-a');
const factory = createRowFactory(admin, await readTenantTables(admin));

afterAll(async () => {
  await Promise.all([app.end(), admin.end()]);
  await database.drop();
});

test.each([
  ['orders', 'orders_order_id_key', ['order_id']],
  ['payments', 'payments_attempt_key', ['provider', 'provider_reference', 'attempt']],
  ['notifications', 'notifications_dedupe_key', ['provider', 'dedupe_key']],
  ['refunds', 'refunds_provider_key_key', ['payment_id', 'order_id', 'provider_key']],
  ['idempotency_keys', 'idempotency_keys_pkey', ['route', 'key']],
])('%s has no second row of one %s', async (table, constraint, columns) => {
  const first = await factory.store(table, tenant);
  const shared = Object.fromEntries(columns.map((column) => [column, first[column]]));
  const second = { ...(await factory.draft(table, tenant)), ...shared };

  const insert = admin.query(insertText(table, second), Object.values(second));

  await expect(insert).rejects.toMatchObject({ constraint });
});

const at = new Date();
test.each([
  [
    'order_actions',
    'order_actions_open_key',
    { status: 'requested', next_check_at: at },
    ['order_id'],
  ],
  ['reconciliations', 'reconciliations_running_key', { status: 'running', finished_at: null }, []],
  [
    'reconciliations',
    'reconciliations_nightly_key',
    { trigger: 'nightly', status: 'done', finished_at: at, from_day: '2001-01-01' },
    ['to_day'],
  ],
  [
    'attention_items',
    'attention_items_open_key',
    { resolved_at: null, resolved_by: null, resolution: null },
    ['order_id', 'payment_id', 'reason'],
  ],
])('%s has no second row under %s', async (table, constraint, kind, columns) => {
  const first: Row = { ...(await factory.draft(table, tenant)), ...kind };
  const shared = Object.fromEntries(columns.map((column) => [column, first[column]]));
  const second = { ...(await factory.draft(table, tenant)), ...kind, ...shared };
  await admin.query(insertText(table, first), Object.values(first));

  const insert = admin.query(insertText(table, second), Object.values(second));

  await expect(insert).rejects.toMatchObject({ constraint });
});

test.each([
  ['payments', 'captured_amount = amount + 1', 'payments_captured_within_amount'],
  [
    'payments',
    'captured_amount = amount, refunded_amount = amount, lost_amount = 1',
    'payments_outgo_within_captured',
  ],
  ['orders', 'refunded_amount = amount + 1', 'orders_refund_within_amount'],
  ['ledger_transfers', 'amount = 0', 'ledger_transfers_amount_positive'],
  ['ledger_transfers', 'credit_account = debit_account', 'ledger_transfers_two_sides'],
  ['usage_counters', 'used = -1', 'usage_counters_not_negative'],
])('%s cannot have %s', async (table, change, constraint) => {
  await factory.store(table, tenant);

  const update = admin.query(`update ${table} set ${change} where tenant_id = $1`, [tenant]);

  await expect(update).rejects.toMatchObject({ constraint });
});

test.each([
  "update order_events set detail = 'another story'",
  'update ledger_transfers set amount = 1',
  ...['order_events', 'ledger_transfers', 'ledger_days', 'orders', 'payments', 'refunds'].map(
    (table) => `delete from ${table}`,
  ),
])("the server's own login may not %s", async (statement) => {
  await app.query('begin');
  await app.query('select app.set_tenant($1)', [tenant]);

  const refused = app.query(statement);

  await expect(refused).rejects.toMatchObject({ code: '42501' });
  await app.query('rollback');
});
