import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { toCursor } from '../../src/contracts/pages.ts';
import { byOperator } from '../../src/domain/caller.ts';
import { localDate } from '../../src/domain/local-time.ts';
import { withFee } from '../support/fees.ts';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';

let gateway: Gateway;
let merchant: Merchant;

beforeAll(async () => {
  gateway = await startGateway();
});

beforeEach(async () => {
  merchant = await gateway.merchant();
});

afterAll(() => gateway.close());

const today = () => localDate(new Date(), 'Asia/Jakarta').day;

async function paidOrder(order: Record<string, unknown> = {}, paid: Record<string, unknown> = {}) {
  const sent = anOrder(order);
  await merchant.create(sent);
  return (await merchant.tell(sent.orderId, { ...paid })).message;
}

const refundOf = (message: object, sum: number) => ({
  ...message,
  transaction_status: sum === 150_000 ? 'refund' : 'partial_refund',
  refund_amount: `${sum}.00`,
});

async function rebuild(mode: 'look' | 'mend' = 'look') {
  const origin = byOperator('ops', 'test');
  return gateway.services.stats.rebuild(await gateway.tenantOf(merchant.slug), { mode, origin });
}

test('figures are told by status and by method', async () => {
  await paidOrder();
  await paidOrder({ paymentMethod: undefined }, { payment_type: 'gopay' });
  const refunded = await paidOrder({ paymentMethod: undefined }, { payment_type: 'gopay' });
  await merchant.tell(refunded.order_id, refundOf(refunded, 50_000));
  await merchant.create(anOrder({ paymentMethod: undefined }));

  const { stats } = (await merchant.stats()).body;

  expect(stats).toEqual({
    orders: 4,
    pending: 1,
    paid: 3,
    revenue: 400_000,
    currency: 'IDR',
    byStatus: [
      { status: 'paid', orders: 2, amount: 300_000, refunded: 0 },
      { status: 'partially_refunded', orders: 1, amount: 150_000, refunded: 50_000 },
      { status: 'pending', orders: 1, amount: 150_000, refunded: 0 },
    ],
    byMethod: [
      { method: 'bank_transfer', orders: 1, paid: 1, revenue: 150_000 },
      { method: 'gopay', orders: 2, paid: 2, revenue: 250_000 },
      { method: null, orders: 1, paid: 0, revenue: 0 },
    ],
  });
  expect(await rebuild()).toEqual([]);
});

test('an order that waits counts under the method that was asked for, then under the one chosen', async () => {
  const order = anOrder({ paymentMethod: 'bank_transfer' });
  await merchant.create(order);
  const methods = async () =>
    ((await merchant.stats()).body.stats as { byMethod: { method: string }[] }).byMethod;

  expect(await methods()).toMatchObject([{ method: 'bank_transfer', orders: 1 }]);
  await merchant.tell(order.orderId, {
    transaction_status: 'pending',
    status_code: '201',
    va_numbers: [{ bank: 'bni', va_number: '1' }],
  });

  expect(await methods()).toMatchObject([{ method: 'bni_va', orders: 1, paid: 0 }]);
  expect(await rebuild()).toEqual([]);
});

test('the series has every day of the span, with what was booked on it', async () => {
  const message = await paidOrder();
  await merchant.tell(message.order_id, refundOf(message, 40_000));
  const from = new Date(Date.parse(today()) - 2 * 86_400_000).toISOString().slice(0, 10);

  const answer = await merchant.look(`/admin/stats/series?from=${from}&to=${today()}`);

  expect(answer.body).toMatchObject({ currency: 'IDR', timeZone: 'Asia/Jakarta' });
  expect(answer.body.days).toMatchObject([
    { day: from, orders: 0, revenue: 0, booked: { received: 0, refunded: 0, lost: 0 } },
    {},
    {
      day: today(),
      orders: 1,
      paid: 1,
      revenue: 110_000,
      booked: { received: 150_000, refunded: 40_000, lost: 0 },
    },
  ]);
  expect((await merchant.look('/admin/stats/series')).body.days).toHaveLength(30);
});

test('a fee on top that a bank took back with the sale leaves nothing of the day', async () => {
  const card = { payment_type: 'credit_card', ...withFee(4_000) };
  const message = await paidOrder({ paymentMethod: undefined }, card);
  await merchant.tell(message.order_id, { ...message, transaction_status: 'chargeback' });

  const { body } = await merchant.look(`/admin/stats/series?from=${today()}&to=${today()}`);

  expect(body.days).toMatchObject([
    { revenue: 0, booked: { received: 150_000, fees: 4_000, refunded: 0, lost: 154_000 } },
  ]);
});

test('figures of a span leave other days out', async () => {
  await paidOrder();
  const span = (from: string, to: string) => merchant.look(`/admin/stats?from=${from}&to=${to}`);

  expect((await span('2026-01-01', '2026-01-31')).body.stats).toMatchObject({ orders: 0 });
  expect((await span('2026-01-01', today())).body.stats).toMatchObject({ orders: 1 });
});

test.each([
  ['/admin/stats?from=yesterday', 'from'],
  ['/admin/stats?from=2026-02-30', 'from'],
  ['/admin/stats?from=2026-02-02&to=2026-02-01', 'from'],
  ['/admin/stats/series?from=2026-02-02', 'from'],
  ['/admin/stats/series?from=2024-01-01&to=2025-01-01', 'from'],
  ['/admin/ledger/balances?until=31.12.2026', 'until'],
  ['/admin/ledger/days?from=2024-01-01&to=2026-01-01', 'from'],
  ['/admin/customers?limit=0', 'limit'],
  ['/admin/customers?limit=many', 'limit'],
  ['/admin/customers?cursor=bm9uc2Vuc2U', 'cursor'],
  [`/admin/customers?cursor=${toCursor({ micros: '1'.repeat(17), id: randomUUID() })}`, 'cursor'],
])('%s is refused for its %s', async (path, field) => {
  const answer = await merchant.look(path);

  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
  expect(answer.body.errors).toMatchObject([{ field }]);
});

test.each([
  '/admin/stats/series',
  '/admin/ledger/balances',
  '/admin/ledger/days',
  '/admin/customers',
])('%s wants a secret key, and shows a stranger nothing', async (path) => {
  await paidOrder();
  const stranger = await gateway.merchant();

  const open = await merchant.get(path);
  const others = await stranger.look(path);

  expect(open.status).toBe(401);
  expect(others.status).toBe(200);
  expect(JSON.stringify(others.body)).not.toMatch(/150000|shopper@/);
});

test('balances and the days that lead to them', async () => {
  const message = await paidOrder();
  await merchant.tell(message.order_id, refundOf(message, 40_000));
  await gateway.admin.query(
    `update ledger_days set day = day - 1 where tenant_id = $1 and account = 'sales'`,
    [merchant.id],
  );

  const balances = await merchant.look('/admin/ledger/balances');
  const before = await merchant.look('/admin/ledger/balances?until=2026-01-01');
  const days = await merchant.look('/admin/ledger/days');

  expect(balances.body.balances).toEqual([
    account('provider_balance', 150_000, 40_000),
    account('refunds', 40_000, 0),
    account('sales', 0, 150_000),
  ]);
  expect(before.body.balances).toEqual([]);
  expect(days.body.days).toMatchObject([
    { account: 'sales', credits: 150_000, closing: -150_000 },
    { day: today(), account: 'provider_balance', closing: 110_000 },
    { day: today(), account: 'refunds', closing: 40_000 },
  ]);
});

function account(name: string, debits: number, credits: number) {
  return { account: name, currency: 'IDR', debits, credits, balance: debits - credits };
}

test("a customer's totals follow refunds and chargebacks", async () => {
  const kept = await paidOrder();
  await merchant.tell(kept.order_id, refundOf(kept, 40_000));
  const lost = await paidOrder();
  await merchant.tell(lost.order_id, { ...lost, transaction_status: 'chargeback' });
  await merchant.create(anOrder());
  await paidOrder({ email: 'other@shop.example' });

  const { customers } = (await merchant.look('/admin/customers')).body;

  expect(customers).toMatchObject([
    { email: 'other@shop.example', totals: [{ orders: 1, paidOrders: 1, spent: 150_000 }] },
    {
      email: 'shopper@shop.example',
      name: 'Siti Rahma',
      totals: [{ orders: 3, paidOrders: 1, spent: 150_000, refunded: 40_000 }],
    },
  ]);
  expect(await rebuild()).toEqual([]);
});

test('40 orders of one customer, paid all at once: the totals have every one', async () => {
  const sent = Array.from({ length: 40 }, () => anOrder());
  await Promise.all(sent.map((order) => merchant.create(order)));

  await Promise.all(sent.map(({ orderId }) => merchant.tell(orderId)));

  expect(await merchant.rows('customer_totals')).toMatchObject([
    { orders: '40', paid_orders: '40', spent_amount: '6000000' },
  ]);
  expect(await rebuild()).toEqual([]);
});

test('customers come page by page, each once', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    await merchant.create(anOrder({ email: `${name}@shop.example` }));
  }
  // Two who were seen in one moment must not hide each other.
  await gateway.admin.query('update customers set last_seen_at = now() where tenant_id = $1', [
    merchant.id,
  ]);
  const seen: string[] = [];
  let next: unknown = '';
  while (next !== null) {
    const { body } = await merchant.look(`/admin/customers?limit=2${next && `&cursor=${next}`}`);
    seen.push(...(body.customers as { email: string }[]).map(({ email }) => email[0] ?? ''));
    next = body.next;
  }

  expect(seen.sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
});

/** Counts two orders too many in each row. */
const damage = (table: string) =>
  gateway.admin.query(
    `update ${table} set orders = orders + 2 where tenant_id = $1 and orders > 0`,
    [merchant.id],
  );

/** How many of the gateway's transactions wait for another one. */
async function countWaiting(): Promise<number> {
  const { rows } = await gateway.admin.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0]?.count ?? 0;
}

test('two who mend at once add what is off once', async () => {
  await paidOrder();
  await damage('customer_totals');
  const holder = await gateway.admin.connect();
  await holder.query('begin');
  await holder.query('select 1 from customer_totals where tenant_id = $1 for update', [
    merchant.id,
  ]);

  const mending = Promise.all([rebuild('mend'), rebuild('mend')]);
  await expect.poll(countWaiting).toBe(2);
  await holder.query('commit');
  holder.release();
  await mending;

  expect(await rebuild()).toEqual([]);
});

test('what is off is found and mended, beside running traffic', async () => {
  await paidOrder();
  await damage('daily_stats');
  await damage('customer_totals');
  await gateway.admin.query(
    `insert into daily_stats (tenant_id, day, currency, status, method, orders, amount)
     values ($1, '2026-01-15', 'IDR', 'paid', 'gopay', 1, 5)`,
    [merchant.id],
  );
  const orders = Array.from({ length: 20 }, () => anOrder());

  const found = await rebuild();
  await Promise.all([
    rebuild('mend'),
    rebuild('mend'),
    ...orders.map((order) => merchant.create(order)),
  ]);

  expect(found.map(({ where, missing }) => [where.split(' ')[0], missing.orders])).toEqual([
    ['2026-01-15', -1n],
    [today(), -2n],
    ['customer', -2n],
  ]);
  expect(await rebuild()).toEqual([]);
  expect((await merchant.stats()).body.stats).toMatchObject({ orders: 21, paid: 1 });
});
