import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  aNotification,
  anOrder,
  type Gateway,
  type Merchant,
  startGateway,
} from '../support/gateway.ts';

let gateway: Gateway;
let merchant: Merchant;

beforeAll(async () => {
  gateway = await startGateway();
});

beforeEach(async () => {
  merchant = await gateway.merchant();
});

afterAll(() => gateway.close());

async function balances(): Promise<Record<string, number>> {
  const { rows } = await gateway.admin.query<{ account: string; balance: string }>(
    `select account, sum(debits - credits) as balance from ledger_days
      where tenant_id = $1 group by account`,
    [merchant.id],
  );
  return Object.fromEntries(rows.map(({ account, balance }) => [account, Number(balance)]));
}

async function paidOrder() {
  const order = anOrder();
  await merchant.create(order);
  return (await merchant.tell(order.orderId)).message;
}

async function check() {
  return gateway.services.ledger.check(await gateway.tenantOf(merchant.slug));
}

test('an order that waits for its payment moves no money', async () => {
  await merchant.create(anOrder());

  expect(await merchant.rows('ledger_transfers')).toEqual([]);
});

test('a payment, told five times at once, is posted once', async () => {
  const order = anOrder();
  await merchant.create(order);
  const message = aNotification({ order_id: order.orderId });
  gateway.midtrans.setStatus(message.transaction_id, message);

  await Promise.all(Array.from({ length: 5 }, () => merchant.notify(merchant.signed(message))));

  expect(await merchant.rows('ledger_transfers')).toMatchObject([
    {
      kind: 'payment',
      debit_account: 'provider_balance',
      credit_account: 'sales',
      amount: '150000',
    },
  ]);
  expect(await balances()).toEqual({ provider_balance: 150_000, sales: -150_000 });
});

test('refunds made elsewhere are posted as they grow', async () => {
  const paid = await paidOrder();

  for (const refund_amount of ['50000.00', '80000.00']) {
    await merchant.tell(paid.order_id, {
      ...paid,
      transaction_status: 'partial_refund',
      refund_amount,
    });
  }

  expect(await balances()).toEqual({ provider_balance: 70_000, sales: -150_000, refunds: 80_000 });
  expect(await check()).toEqual([]);
});

test.each([
  ['a reversal', { transaction_status: 'deny', status_code: '202' }],
  ['a chargeback', { transaction_status: 'chargeback' }],
  ['a voided card', { transaction_status: 'cancel', status_code: '202' }],
])('%s is a loss', async (_name, change) => {
  const paid = await paidOrder();

  await merchant.tell(paid.order_id, { ...paid, ...change });

  expect(await balances()).toEqual({ provider_balance: 0, sales: -150_000, losses: 150_000 });
  expect(await check()).toEqual([]);
});

test('two payments of one order are both in the books', async () => {
  const order = anOrder();
  await merchant.create(order);
  await merchant.tell(order.orderId);
  await merchant.tell(order.orderId);

  expect(await balances()).toEqual({ provider_balance: 300_000, sales: -300_000 });
  expect(await check()).toEqual([]);
});

test("the server's own login can neither change nor remove a transfer", async () => {
  await paidOrder();
  const app = new pg.Client({ connectionString: gateway.database.app });
  await app.connect();
  try {
    for (const statement of [
      'update ledger_transfers set amount = 1',
      'delete from ledger_transfers',
    ]) {
      await app.query('begin');
      await app.query('select app.set_tenant($1)', [merchant.id]);
      await expect(app.query(statement)).rejects.toMatchObject({ code: '42501' });
      await app.query('rollback');
    }
  } finally {
    await app.end();
  }
});

test.each([
  ['a transfer is missing', 'delete from ledger_transfers where tenant_id = $1', 'captured'],
  [
    'a transfer was changed',
    'update ledger_transfers set amount = amount + 1 where tenant_id = $1',
    'captured',
  ],
  [
    "a day's totals are off",
    `update ledger_days set debits = debits + 1 where tenant_id = $1 and account = 'sales'`,
    'sales',
  ],
  [
    'a payment claims more',
    'update payments set captured_amount = captured_amount - 1 where tenant_id = $1',
    'captured',
  ],
])('the check finds that %s', async (_name, damage, what) => {
  await paidOrder();
  expect(await check()).toEqual([]);

  await gateway.admin.query(damage, [merchant.id]);

  const findings = await check();
  expect(findings.length).toBeGreaterThan(0);
  expect(
    JSON.stringify(findings, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
  ).toContain(what);
});

test("one merchant's books say nothing of another's", async () => {
  await paidOrder();
  merchant = await gateway.merchant();

  expect(await balances()).toEqual({});
  expect(await check()).toEqual([]);
});
