import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { RefundListReply, RefundReply } from '../../src/contracts/refunds.ts';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';
import { openRefundDesk } from '../support/refunds.ts';

let gateway: Gateway;
let merchant: Merchant;
let desk: ReturnType<typeof openRefundDesk>;

const pending = { transaction_status: 'pending', status_code: '201' };
const settled = { transaction_status: 'settlement', status_code: '200' };

beforeAll(async () => {
  gateway = await startGateway({ PROVIDER_TIMEOUT_MS: '500' });
});

beforeEach(async () => {
  gateway.midtrans.answerChanges(undefined);
  gateway.midtrans.answerStatuses(undefined);
  gateway.midtrans.calls.length = 0;
  merchant = await gateway.merchant();
  desk = openRefundDesk(gateway, merchant);
});

afterEach(async () => {
  expect(await desk.findings()).toEqual([]);
});

afterAll(() => gateway.close());

test('a refund of all that is left is made once, and the books follow', async () => {
  const paid = await desk.paidOrder();
  const done = desk.doRefunds(paid);

  const answer = await desk.refund(paid.order_id);

  expect(answer.status).toBe(201);
  RefundReply.parse(answer.body);
  expect(answer.body.refund).toMatchObject({
    status: 'accepted',
    amount: 150_000,
    currency: 'IDR',
    reason: 'broken',
    source: 'merchant',
    confirmedAt: null,
  });
  const [row] = await desk.rows();
  expect(done).toEqual([{ key: row?.id, amount: 150_000 }]);
  expect(desk.refundCalls()).toEqual([{ refund_key: row?.id, amount: 150_000, reason: 'broken' }]);
  expect(gateway.midtrans.changeCalls()[0]?.path).toBe(`/v2/${paid.transaction_id}/refund`);
  expect(await merchant.orderStatus(paid.order_id)).toBe('refunded');
  expect((await merchant.stats()).body.stats).toMatchObject({ paid: 0, revenue: 0 });
});

test('a part, then the rest', async () => {
  const paid = await desk.paidOrder();
  desk.doRefunds(paid);

  await desk.refund(paid.order_id, { amount: '50000' });
  expect(await merchant.orderStatus(paid.order_id)).toBe('partially_refunded');
  expect((await desk.list(paid.order_id)).body.refundable).toBe(100_000);
  await desk.refund(paid.order_id);

  expect(await merchant.orderStatus(paid.order_id)).toBe('refunded');
  const listed = await desk.list(paid.order_id);
  RefundListReply.parse(listed.body);
  expect(listed.body).toMatchObject({ refunds: [{ amount: 50_000 }, { amount: 100_000 }] });
  expect(listed.body.refundable).toBe(0);
});

test('every part lowers the revenue', async () => {
  const paid = await desk.paidOrder();
  desk.doRefunds(paid);

  await desk.refund(paid.order_id, { amount: 50_000 });
  expect((await merchant.stats()).body.stats).toMatchObject({ paid: 1, revenue: 100_000 });
  await desk.refund(paid.order_id, { amount: 30_000 });

  expect((await merchant.stats()).body.stats).toMatchObject({ paid: 1, revenue: 70_000 });
});

test('the history says who asked, why, and what came of it', async () => {
  const paid = await desk.paidOrder();
  desk.doRefunds(paid);

  const answer = await desk.refund(paid.order_id, { reason: 'wrong colour' });

  const requestId = answer.headers.get('x-request-id');
  const events = await merchant.rows<{ kind: string; source: string }>('order_events');
  const told = events.filter(({ kind }) => kind.startsWith('refund-'));
  expect(told).toMatchObject([
    {
      kind: 'refund-requested',
      detail: 'wrong colour',
      source: 'api',
      to_status: 'requested',
      request_id: requestId,
    },
    {
      kind: 'refund-moved',
      from_status: 'requested',
      to_status: 'accepted',
      source: 'api',
      request_id: requestId,
    },
  ]);
});

test('50 refunds at once never exceed what was paid', async () => {
  const paid = await desk.paidOrder();
  const done = desk.doRefunds(paid);

  const answers = await Promise.all(
    Array.from({ length: 50 }, () => desk.refund(paid.order_id, { amount: 10_000 })),
  );

  expect(answers.filter(({ status }) => status === 201)).toHaveLength(15);
  const refused = answers.filter(({ status }) => status !== 201).map(({ body }) => body.code);
  expect(new Set(refused)).toEqual(new Set(['refund-not-possible']));
  expect(done).toHaveLength(15);
  expect(await merchant.orderStatus(paid.order_id)).toBe('refunded');
});

test.each<[string, Record<string, unknown>, string]>([
  ['more than what is left', { amount: 150_001 }, 'refund-too-large'],
  ['nothing', { amount: 0 }, 'invalid-request'],
  ['less than nothing', { amount: -1 }, 'invalid-request'],
  ['a fraction', { amount: 1.5 }, 'invalid-request'],
  ['no number', { amount: 'all' }, 'invalid-request'],
  ['no reason', { reason: undefined }, 'invalid-request'],
  ['a blank reason', { reason: '  ' }, 'invalid-request'],
  ['a reason that is too long', { reason: 'x'.repeat(256) }, 'invalid-request'],
  ['a member that nobody knows', { amuont: 5 }, 'invalid-request'],
])('a refund of %s is refused and calls nobody', async (_name, body, code) => {
  const paid = await desk.paidOrder();

  const answer = await desk.refund(paid.order_id, body);

  expect(answer.body.code).toBe(code);
  expect(desk.refundCalls()).toEqual([]);
  expect(await desk.rows()).toEqual([]);
});

test.each<[string, object[]]>([
  ['waits for its payment', []],
  ['has a card that is reserved', [{ transaction_status: 'authorize' }]],
  ['expired', [pending, { transaction_status: 'expire', status_code: '407' }]],
  ['failed', [settled, { transaction_status: 'deny', status_code: '202' }]],
  ['is disputed', [settled, { transaction_status: 'chargeback' }]],
  ['is refunded', [settled, { transaction_status: 'refund', refund_amount: '150000.00' }]],
])('an order that %s is not refunded', async (_name, messages) => {
  const order = anOrder();
  await merchant.create(order);
  const transaction_id = randomUUID();
  for (const message of messages) {
    await merchant.tell(order.orderId, { ...message, transaction_id });
  }

  const answer = await desk.refund(order.orderId);

  expect(answer.status).toBe(409);
  expect(answer.body.code).toBe('refund-not-possible');
  expect((await desk.list(order.orderId)).body.refundable).toBe(0);
  expect(desk.refundCalls()).toEqual([]);
});

test('a stranger can neither refund nor see what is refunded', async () => {
  const paid = await desk.paidOrder();
  desk.doRefunds(paid);
  await desk.refund(paid.order_id, { amount: 1_000 });
  const stranger = await gateway.merchant();
  gateway.midtrans.calls.length = 0;

  const refused = await desk.refund(paid.order_id, {}, { from: stranger });
  const unseen = await desk.list(paid.order_id, { from: stranger });

  for (const answer of [refused, unseen]) {
    expect(answer.status).toBe(404);
    expect(answer.body.code).toBe('order-not-found');
  }
  expect(gateway.midtrans.calls).toEqual([]);
  expect(await stranger.rows('refunds')).toEqual([]);
});

test('without a secret key there is no refund', async () => {
  const paid = await desk.paidOrder();

  const made = await merchant.post(`/admin/orders/${paid.order_id}/refunds`, { reason: 'x' });
  const seen = await merchant.get(`/admin/orders/${paid.order_id}/refunds`);

  expect([made.status, seen.status]).toEqual([401, 401]);
  expect(desk.refundCalls()).toEqual([]);
});

test.each([
  ['Midtrans cannot modify it', { status_code: '412', status_message: 'cannot modify' }],
  ['Midtrans lacks the funds', { status_code: '414', status_message: 'Refund rejected' }],
  ['the bank denies it', { status_code: '202', status_message: 'Refund denied by the bank' }],
])('when %s, the refund is refused with those words', async (_name, reply) => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges((_req, res) => json(res, 200, reply));

  const answer = await desk.refund(paid.order_id);

  expect(answer.status).toBe(409);
  expect(answer.body).toMatchObject({ code: 'refund-refused', retryable: false });
  expect(answer.body.detail).toContain(reply.status_message);
  expect(await desk.rows()).toMatchObject([{ status: 'refused', detail: reply.status_message }]);
  expect(await merchant.orderStatus(paid.order_id)).toBe('paid');
  expect((await desk.list(paid.order_id)).body.refundable).toBe(150_000);
});

test('an order id that cannot be one is refused before anybody is asked', async () => {
  const made = await desk.refund('a%20b');
  const seen = await desk.list('a%20b');

  for (const answer of [made, seen]) {
    expect(answer.status).toBe(400);
    expect(answer.body.errors?.[0]?.field).toBe('orderId');
  }
});

test('an order that nobody knows is not found', async () => {
  expect((await desk.refund('NONE')).body.code).toBe('order-not-found');
  expect((await desk.list('NONE')).body.code).toBe('order-not-found');
});

test('a merchant without a server key cannot refund, and no intent is left', async () => {
  const paid = await desk.paidOrder();
  await gateway.admin.query('update tenants set midtrans_server_key = null where id = $1', [
    merchant.id,
  ]);

  const answer = await desk.refund(paid.order_id);

  expect(answer.body.code).toBe('provider-not-configured');
  expect(await desk.rows()).toEqual([]);
});

test('an order has a bounded number of refunds', async () => {
  const paid = await desk.paidOrder();
  await gateway.admin.query(
    `insert into refunds (tenant_id, order_id, payment_id, source, status, amount, currency,
                          provider_key)
     select tenant_id, order_id, id, 'merchant', 'refused', 1, 'IDR', 'key-' || n
       from payments, generate_series(1, 200) n where tenant_id = $1`,
    [merchant.id],
  );

  const answer = await desk.refund(paid.order_id);

  expect(answer.body.code).toBe('refund-not-possible');
  expect(desk.refundCalls()).toEqual([]);
});

test('a slow provider holds no lock: another refund of the same order goes on', async () => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges(() => {});
  const slow = desk.refund(paid.order_id, { amount: 10_000, reason: 'slow' });
  await expect.poll(() => desk.refundCalls().length).toBe(1);
  expect(await desk.rows()).toMatchObject([{ status: 'requested' }]);
  desk.doRefunds(paid);

  const quick = await desk.refund(paid.order_id, { amount: 20_000 });

  expect(quick.status).toBe(201);
  expect((await desk.rows()).map(({ status }) => status)).toContain('requested');
  expect((await slow).status).toBe(503);
});
