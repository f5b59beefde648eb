import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { paymentMethods } from '../../src/domain/payment-methods.ts';
import { aNotification, anOrder, type Gateway, startGateway } from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({ PROVIDER_TIMEOUT_MS: '600' });
});

beforeEach(() => {
  gateway.midtrans.calls.length = 0;
  gateway.midtrans.answerCreates(undefined);
  gateway.midtrans.answerStatuses(undefined);
});

afterAll(() => gateway.close());

/** How many transactions wait for a lock. */
async function countWaiting(): Promise<number> {
  const { rows } = await gateway.admin.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0]?.count ?? 0;
}

test('an order answers the page that its shopper pays on, and counts as pending', async () => {
  const merchant = await gateway.merchant();
  const order = anOrder();

  const answer = await merchant.create(order);

  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({ success: true, orderId: order.orderId });
  expect(answer.body.redirectUrl).toMatch(/^https:\/\/app\.example\/snap\/token-/);
  expect(await merchant.orderStatus(order.orderId)).toBe('pending');
  expect((await merchant.stats()).body.stats).toMatchObject({ pending: 1, paid: 0, revenue: 0 });
});

test('Midtrans is told the amount, the method, the shopper, the way back, and where to report', async () => {
  const merchant = await gateway.merchant({ return_url: 'https://shop.example/thanks?from=kassa' });
  const order = anOrder({ amount: '150000' });

  await merchant.create(order);

  const [call] = gateway.midtrans.createCalls();
  expect(JSON.parse(call?.body ?? '')).toMatchObject({
    transaction_details: { order_id: order.orderId, gross_amount: 150_000 },
    customer_details: { first_name: order.name, email: order.email, phone: order.phone },
    enabled_payments: ['bca_va'],
    callbacks: { finish: `https://shop.example/thanks?from=kassa&orderId=${order.orderId}` },
    expiry: { unit: 'minutes', duration: 1440 },
  });
  expect(call?.headers['x-override-notification']).toBe(
    `http://localhost:3010/webhooks/midtrans?tenant=${merchant.slug}`,
  );
  expect(call?.headers.authorization).toBe(`Basic ${btoa(`${merchant.serverKey}:`)}`);
});

test.each(paymentMethods)('the method %s passes through', async (paymentMethod) => {
  const merchant = await gateway.merchant();

  const answer = await merchant.create(anOrder({ paymentMethod }));

  expect(answer.status).toBe(200);
  const [call] = gateway.midtrans.createCalls();
  expect(JSON.parse(call?.body ?? '').enabled_payments).toEqual([paymentMethod]);
});

test('the same order again answers the same page without a second call', async () => {
  const merchant = await gateway.merchant();
  const order = anOrder();

  const first = await merchant.create(order);
  const again = await merchant.create({ ...order, amount: '150000', utm_source: 'newsletter' });

  expect(again.body).toEqual(first.body);
  expect(gateway.midtrans.createCalls()).toHaveLength(1);
});

test.each([
  ['amount', 160_000],
  ['email', 'other@shop.example'],
  ['name', 'Budi'],
  ['phone', '+628999'],
  ['paymentMethod', 'gopay'],
])('the same order id with another %s is refused', async (field, value) => {
  const merchant = await gateway.merchant();
  const order = anOrder();
  await merchant.create(order);

  const answer = await merchant.create({ ...order, [field]: value });

  expect(answer.status).toBe(409);
  expect(answer.body).toMatchObject({ code: 'order-content-differs', retryable: false });
  expect(await merchant.rows('orders')).toHaveLength(1);
});

test('twenty copies at once are one order, one call, one token', async () => {
  const merchant = await gateway.merchant();
  const order = anOrder();

  const answers = await Promise.all(Array.from({ length: 20 }, () => merchant.create(order)));

  expect(new Set(answers.map(({ body }) => body.token)).size).toBe(1);
  expect(answers.every(({ status }) => status === 200)).toBe(true);
  expect(gateway.midtrans.createCalls()).toHaveLength(1);
  expect(await merchant.rows('payments')).toHaveLength(1);
});

test('copies that all found no order yet are one order', async () => {
  const merchant = await gateway.merchant();
  await merchant.create(anOrder()); // so that the shopper's row is there, and can be held
  const order = anOrder();
  const holder = await gateway.admin.connect();
  await holder.query('begin');
  await holder.query('select from customers where tenant_id = $1 for update', [merchant.id]);
  const copies = [merchant.create(order), merchant.create(order), merchant.create(order)];
  await expect.poll(() => countWaiting()).toBe(copies.length);

  await holder.query('commit');
  holder.release();

  const answers = await Promise.all(copies);
  expect(new Set(answers.map(({ body }) => body.token)).size).toBe(1);
  expect(await merchant.rows('orders')).toHaveLength(2);
  expect(await merchant.rows('usage_counters')).toMatchObject([{ used: 2 }]);
});

test('two merchants may use one order id', async () => {
  const one = await gateway.merchant();
  const other = await gateway.merchant();
  const order = anOrder();

  const answers = await Promise.all([one.create(order), other.create(order)]);

  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect(answers[0]?.body.token).not.toBe(answers[1]?.body.token);
});

test('a merchant never learns of the order of another', async () => {
  const owner = await gateway.merchant();
  const stranger = await gateway.merchant();
  const order = anOrder();
  await owner.create(order);

  const refused = await stranger.get(`/orders/${order.orderId}/status`);
  const unknown = await stranger.get('/orders/NO-SUCH-ORDER/status');

  expect(refused.status).toBe(404);
  const strip = ({ body }: typeof refused) => ({ ...body, requestId: '', detail: '' });
  expect(strip(refused)).toEqual(strip(unknown));
});

test('the status tells nothing about the shopper and holds no way to pay', async () => {
  const merchant = await gateway.merchant();
  const order = anOrder();
  await merchant.create(order);

  const { body } = await merchant.get(`/orders/${order.orderId}/status`);

  const text = JSON.stringify(body);
  for (const secret of [order.email, order.name, order.phone, 'token', 'snap']) {
    expect(text).not.toContain(secret);
  }
});

test('members that Kassa does not know are not stored', async () => {
  const merchant = await gateway.merchant();

  await merchant.create(anOrder({ cardNumber: '4811111111111114', note: 'CANARY-NOTE' }));

  for (const table of ['orders', 'customers', 'payments', 'order_events', 'outbox']) {
    const text = JSON.stringify(await merchant.rows(table));
    expect(text).not.toContain('4811111111111114');
    expect(text).not.toContain('CANARY-NOTE');
  }
});

test('after its page expired the same order gets a new payment under another reference', async () => {
  const merchant = await gateway.merchant();
  const order = anOrder();
  const first = await merchant.create(order);
  const expired = aNotification({
    order_id: order.orderId,
    transaction_status: 'expire',
    status_code: '202',
  });
  gateway.midtrans.setStatus(expired.transaction_id, { ...expired, status_code: '407' });
  await merchant.notify(merchant.signed(expired));
  expect(await merchant.orderStatus(order.orderId)).toBe('expired');

  const again = await merchant.create(order);

  expect(again.status).toBe(200);
  expect(again.body.token).not.toBe(first.body.token);
  expect(await merchant.orderStatus(order.orderId)).toBe('pending');
  const references = gateway.midtrans
    .createCalls()
    .map(({ body }) => JSON.parse(body).transaction_details.order_id);
  expect(references[0]).toBe(order.orderId);
  expect(references[1]).toMatch(new RegExp(`^${order.orderId}~[0-9a-f]{12}$`));
  expect((await merchant.stats()).body.stats).toMatchObject({ pending: 1, paid: 0 });
});

test('an order id of 50 characters has a reference of at most 50 on its second payment', async () => {
  const merchant = await gateway.merchant();
  const order = anOrder({ orderId: 'L'.repeat(50) });
  gateway.midtrans.answerCreates((_req, res) => json(res, 401, { error_messages: ['no'] }));
  await merchant.create(order);
  gateway.midtrans.answerCreates(undefined);

  const again = await merchant.create(order);

  expect(again.status).toBe(200);
  const reference = JSON.parse(gateway.midtrans.createCalls()[1]?.body ?? '').transaction_details;
  expect(reference.order_id).toHaveLength(49);
});

test('a merchant without a provider key is told what to do', async () => {
  const merchant = await gateway.merchant({ midtrans_server_key: null });

  const answer = await merchant.create(anOrder());

  expect(answer.status).toBe(503);
  expect(answer.body.code).toBe('provider-not-configured');
  expect(await merchant.rows('orders')).toEqual([]);
});

test.each(['inactive', 'suspended', 'pending', 'archived'])(
  'an %s merchant takes no orders, and still hears of money',
  async (status) => {
    const merchant = await gateway.merchant();
    const order = anOrder();
    await merchant.create(order);
    await gateway.admin.query('update tenants set status = $2 where id = $1', [
      merchant.id,
      status,
    ]);
    await expect.poll(async () => (await merchant.create(anOrder())).status).toBe(403);
    const paid = aNotification({ order_id: order.orderId });
    gateway.midtrans.setStatus(paid.transaction_id, paid);

    const notified = await merchant.notify(merchant.signed(paid));

    expect(notified.status).toBe(200);
    const rows = await merchant.rows<{ order_id: string; status: string }>('orders');
    expect(rows.find(({ order_id }) => order_id === order.orderId)?.status).toBe('paid');
  },
);
