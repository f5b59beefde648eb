import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { OrderChangeReply } from '../../src/contracts/refunds.ts';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';
import { openRefundDesk } from '../support/refunds.ts';

let gateway: Gateway;
let merchant: Merchant;
let desk: ReturnType<typeof openRefundDesk>;

beforeAll(async () => {
  gateway = await startGateway({ PROVIDER_TIMEOUT_MS: '500' });
});

beforeEach(async () => {
  gateway.midtrans.answerChanges(undefined);
  gateway.midtrans.answerStatuses(undefined);
  gateway.midtrans.answerCreates(undefined);
  gateway.midtrans.answerPageCancels(undefined);
  merchant = await gateway.merchant();
  desk = openRefundDesk(gateway, merchant);
});

afterEach(async () => {
  expect(await desk.findings()).toEqual([]);
});

afterAll(() => gateway.close());

const card = { payment_type: 'credit_card', fraud_status: 'accept' };
const reserved = { ...card, transaction_status: 'authorize' };
const captured = { ...card, transaction_status: 'capture' };
const held = { ...captured, status_code: '201', fraud_status: 'challenge' };
const cancelled = { ...card, transaction_status: 'cancel', status_code: '200' };
const cannot = { status_code: '412', status_message: 'Merchant cannot modify it' };

const cancel = (orderId: string, sender = {}) =>
  desk.post(`${orderId}/cancel`, { reason: 'out of stock' }, sender);
const capture = (orderId: string, sender = {}) => desk.post(`${orderId}/capture`, {}, sender);

/** An order whose shopper has used a card, as the provider tells. */
async function orderWith(message: object) {
  const order = anOrder();
  await merchant.create(order);
  const told = await merchant.tell(order.orderId, { ...message });
  gateway.midtrans.calls.length = 0;
  return told.message;
}

/** The provider's books from now on. */
function setBooks(message: Awaited<ReturnType<typeof orderWith>>, change: object): void {
  gateway.midtrans.setStatus(message.order_id, { ...message, ...change });
  gateway.midtrans.setStatus(message.transaction_id, { ...message, ...change });
}

/** The provider does what it is asked for, and its books become these. */
function doChanges(message: Awaited<ReturnType<typeof orderWith>>, change: object): void {
  gateway.midtrans.answerChanges((_req, res) => {
    setBooks(message, change);
    json(res, 200, { status_code: '200', status_message: 'Success' });
  });
}

async function history() {
  const rows = await merchant.rows<{ kind: string; detail: string | null }>('order_events');
  return rows.filter(({ kind }) => /^(cancel|capture)-/.test(kind));
}

const changes = () => gateway.midtrans.changeCalls().map(({ path, body }) => ({ path, body }));

test('an order that waits for its payment is cancelled by ending its page', async () => {
  const order = anOrder();
  await merchant.create(order);

  const answer = await cancel(order.orderId);

  expect(answer.status).toBe(200);
  OrderChangeReply.parse(answer.body);
  expect(answer.body.order).toEqual({ orderId: order.orderId, status: 'expired' });
  expect(gateway.midtrans.calls.some(({ path }) => path.startsWith('/snap/v1/transactions/'))).toBe(
    true,
  );
  const requestId = answer.headers.get('x-request-id');
  expect(await history()).toMatchObject([
    { kind: 'cancel-requested', detail: 'out of stock', source: 'api', request_id: requestId },
  ]);
});

test('a page that cannot be ended now leaves the order as it is', async () => {
  const order = anOrder();
  await merchant.create(order);
  gateway.midtrans.answerPageCancels((req) => req.socket.destroy());

  const answer = await cancel(order.orderId);

  expect(answer.body).toMatchObject({ code: 'provider-unavailable', retryable: true });
  expect(await merchant.orderStatus(order.orderId)).toBe('pending');
});

test('an order that is paid while it is cancelled stays paid', async () => {
  const order = anOrder();
  await merchant.create(order);
  gateway.midtrans.answerPageCancels((_req, res) => {
    void merchant
      .tell(order.orderId)
      .then(() => json(res, 400, { error_messages: ['Transaction is on progress'] }));
  });

  const answer = await cancel(order.orderId);

  expect(answer.body).toMatchObject({ code: 'order-not-cancellable' });
  expect(answer.body.detail).toContain('paid meanwhile');
  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
});

test('an order whose payment is being created is not cancelled beside it', async () => {
  const order = anOrder();
  let answerCreate = () => {};
  gateway.midtrans.answerCreates((_req, res) => {
    answerCreate = () => json(res, 201, { token: 't', redirect_url: 'https://app.example/t' });
  });
  const running = merchant.create(order);
  await expect.poll(async () => (await merchant.rows('payments')).length).toBe(1);

  const answer = await cancel(order.orderId);

  expect(answer.body).toMatchObject({ code: 'payment-in-progress', retryable: true });
  answerCreate();
  await running;
});

test.each([
  ['a reserved card', reserved, 'authorized'],
  ['a card that fraud screening holds', held, 'challenged'],
])('%s is released', async (_name, message, status) => {
  const told = await orderWith(message);
  expect(await merchant.rows('payments')).toMatchObject([{ status }]);
  doChanges(told, cancelled);

  const answer = await cancel(told.order_id);

  expect(answer.body.order).toMatchObject({ status: 'cancelled' });
  expect(changes()).toEqual([{ path: `/v2/${told.transaction_id}/cancel`, body: 'null' }]);
  expect(await merchant.rows('ledger_transfers')).toEqual([]);
});

test('a captured card that is not settled is taken back, and the books follow', async () => {
  const told = await orderWith(captured);
  doChanges(told, cancelled);

  const answer = await cancel(told.order_id);

  expect(answer.body.order).toMatchObject({ status: 'cancelled' });
  expect((await merchant.stats()).body.stats).toMatchObject({ paid: 0, revenue: 0 });
  expect((await merchant.rows('ledger_transfers')).length).toBe(2);
});

test('a card that is settled by now is not cancelled: it is to be refunded', async () => {
  const told = await orderWith(captured);
  setBooks(told, { transaction_status: 'settlement' });
  gateway.midtrans.answerChanges((_req, res) => json(res, 200, cannot));

  const answer = await cancel(told.order_id);

  expect(answer.status).toBe(409);
  expect(answer.body).toMatchObject({ code: 'order-not-cancellable', retryable: false });
  expect(answer.body.detail).toContain(cannot.status_message);
  expect(answer.body.detail).toContain('refunded instead');
  expect((await history()).map(({ kind }) => kind).sort()).toEqual([
    'cancel-refused',
    'cancel-requested',
  ]);
  expect(await merchant.orderStatus(told.order_id)).toBe('paid');
});

test.each([
  ['paid by bank transfer', []],
  ['refunded', [{ transaction_status: 'refund', refund_amount: '150000.00' }]],
  ['partially refunded', [{ transaction_status: 'partial_refund', refund_amount: '5000.00' }]],
  ['disputed', [{ transaction_status: 'chargeback' }]],
])('an order that is %s is not cancelled, and nobody is asked', async (_name, later) => {
  const told = await orderWith({ payment_type: 'bank_transfer' });
  for (const change of later) await merchant.tell(told.order_id, { ...told, ...change });
  gateway.midtrans.calls.length = 0;

  const answer = await cancel(told.order_id);

  expect(answer.body.code).toBe('order-not-cancellable');
  expect(gateway.midtrans.calls).toEqual([]);
  expect(await history()).toEqual([]);
});

test('an order that is cancelled is cancelled', async () => {
  const told = await orderWith(captured);
  doChanges(told, cancelled);
  await cancel(told.order_id);
  gateway.midtrans.calls.length = 0;

  const again = await cancel(told.order_id);

  expect(again.body.order).toMatchObject({ status: 'cancelled' });
  expect(gateway.midtrans.calls).toEqual([]);
});

test.each([
  ['cancel', captured, cancelled, cancel, 'cancelled'],
  ['capture', reserved, captured, capture, 'paid'],
] as const)('a %s whose answer is lost is found by the retry', async (...args) => {
  const [, before, after, act, status] = args;
  const told = await orderWith(before);
  gateway.midtrans.answerChanges((req) => {
    setBooks(told, after);
    req.socket.destroy();
  });
  gateway.midtrans.answerStatuses((req) => req.socket.destroy());
  const lost = await act(told.order_id);
  gateway.midtrans.answerChanges((_req, res) => json(res, 200, cannot));
  gateway.midtrans.answerStatuses(undefined);

  const again = await act(told.order_id);
  const third = await act(told.order_id);

  expect(lost.body).toMatchObject({ code: 'provider-unavailable', retryable: true });
  for (const answer of [again, third]) {
    expect(answer.body.order).toEqual({ orderId: told.order_id, status });
  }
});

test.each([
  ['cancel', captured, cancel],
  ['capture', reserved, capture],
] as const)('a %s that nobody knows the outcome of is not called refused', async (...args) => {
  const [, before, act] = args;
  const told = await orderWith(before);
  gateway.midtrans.answerChanges((_req, res) => void res.writeHead(200).end('<h1>busy</h1>'));

  const answer = await act(told.order_id);

  expect(answer.body).toMatchObject({ code: 'provider-unavailable', retryable: true });
});

test('a reserved card is captured, and the order is paid', async () => {
  const told = await orderWith(reserved);
  expect(await merchant.orderStatus(told.order_id)).toBe('pending');
  doChanges(told, captured);

  const answer = await capture(told.order_id);

  expect(answer.status).toBe(200);
  expect(answer.body.order).toEqual({ orderId: told.order_id, status: 'paid' });
  const [call] = changes();
  expect(call?.path).toBe('/v2/capture');
  expect(JSON.parse(call?.body ?? '')).toEqual({
    transaction_id: told.transaction_id,
    gross_amount: 150_000,
  });
  expect((await merchant.stats()).body.stats).toMatchObject({ paid: 1, revenue: 150_000 });
  expect(await history()).toMatchObject([{ kind: 'capture-requested' }]);
});

test('a capture that is refused leaves the card reserved', async () => {
  const told = await orderWith(reserved);
  gateway.midtrans.answerChanges((_req, res) => json(res, 200, cannot));

  const answer = await capture(told.order_id);

  expect(answer.status).toBe(409);
  expect(answer.body.code).toBe('order-not-capturable');
  expect(answer.body.detail).toContain(cannot.status_message);
  expect((await history()).map(({ kind }) => kind)).toContain('capture-refused');
  expect(await merchant.rows('payments')).toMatchObject([{ status: 'authorized' }]);
});

test.each([
  ['is paid', {}],
  ['waits', { transaction_status: 'pending', status_code: '201' }],
  ['is held by fraud screening', held],
])('an order that %s is not captured', async (_name, message) => {
  const told = await orderWith(message);

  const answer = await capture(told.order_id);

  expect(answer.body.code).toBe('order-not-capturable');
  expect(gateway.midtrans.calls).toEqual([]);
});

test.each(['cancel', 'capture'])('a stranger cannot %s, or learn of an order', async (action) => {
  const told = await orderWith(reserved);
  const stranger = await gateway.merchant();

  const answer = await desk.post(
    `${told.order_id}/${action}`,
    { reason: 'mine' },
    { from: stranger },
  );

  expect(answer.status).toBe(404);
  expect(answer.body.code).toBe('order-not-found');
  expect(gateway.midtrans.calls).toEqual([]);
  expect(await history()).toEqual([]);
});

test.each([
  ['cancel', {}],
  ['cancel', { reason: ' ' }],
  ['cancel', { reason: 'x'.repeat(256) }],
  ['cancel', { reason: 'x', amount: 1 }],
  ['capture', { reason: 7 }],
  ['capture', { amount: 1 }],
])('a %s of %j is refused', async (action, body) => {
  const told = await orderWith(reserved);

  const answer = await desk.post(`${told.order_id}/${action}`, body);

  expect(answer.body.code).toBe('invalid-request');
  expect(gateway.midtrans.calls).toEqual([]);
});

test.each(['cancel', 'capture'])('without a secret key there is no %s', async (action) => {
  const told = await orderWith(reserved);

  const answer = await merchant.post(`/admin/orders/${told.order_id}/${action}`, { reason: 'x' });

  expect(answer.status).toBe(401);
  expect(gateway.midtrans.calls).toEqual([]);
});

test.each(['cancel', 'capture'])('a merchant without a server key cannot %s', async (action) => {
  const told = await orderWith(reserved);
  await gateway.admin.query('update tenants set midtrans_server_key = null where id = $1', [
    merchant.id,
  ]);

  const answer = await desk.post(`${told.order_id}/${action}`, { reason: 'x' });

  expect(answer.body.code).toBe('provider-not-configured');
});

test('one Idempotency-Key is one capture', async () => {
  const told = await orderWith(reserved);
  doChanges(told, captured);
  const key = randomUUID();

  const [first, second] = [
    await capture(told.order_id, { key }),
    await capture(told.order_id, { key }),
  ];

  expect(second.body).toEqual(first.body);
  expect(changes()).toHaveLength(1);
});

test.each([
  ['cancel', captured, cancel],
  ['capture', reserved, capture],
] as const)('a %s is not called refused while the books are silent', async (...args) => {
  const [, before, act] = args;
  const told = await orderWith(before);
  // What is refused here may be the repetition of a call that worked.
  gateway.midtrans.answerChanges((_req, res) => json(res, 200, cannot));
  gateway.midtrans.answerStatuses((req) => req.socket.destroy());

  const answer = await act(told.order_id);

  expect(answer.body).toMatchObject({ code: 'provider-unavailable', retryable: true });
});

test.each([
  ['cancelled', [captured, captured], cancel, 'order-not-cancellable', 'paid twice'],
  ['charged again', [captured, reserved], capture, 'order-not-capturable', 'no card'],
] as const)('an order that has money twice over is not %s', async (...args) => {
  const [, messages, act, code, words] = args;
  const { order, first, second } = await merchant.orderWithTwoPages();
  const { orderId } = order;
  await merchant.tell(first, { ...messages[0] });
  await merchant.tell(second, { ...messages[1] });
  gateway.midtrans.calls.length = 0;

  const answer = await act(orderId);

  expect(answer.body.code).toBe(code);
  expect(answer.body.detail).toContain(words);
  expect(changes()).toEqual([]);
  expect(await merchant.orderStatus(orderId)).toBe('paid');
});
