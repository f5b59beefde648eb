import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';
import { openRefundDesk } from '../support/refunds.ts';

// Cancels and captures whose outcome nobody knows: what a repetition acts on, and how the truth
// arrives by itself.

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
  // What earlier tests left due is theirs.
  await gateway.admin.query('update payments set next_check_at = null');
  await gateway.admin.query(
    `update order_actions set next_check_at = now() + interval '1 year' where status = 'requested'`,
  );
  merchant = await gateway.merchant();
  desk = openRefundDesk(gateway, merchant);
});

afterEach(async () => {
  expect(await desk.findings()).toEqual([]);
});

afterAll(() => gateway.close());

type Told = Awaited<ReturnType<typeof orderWith>>;
type Action = { readonly status: string; readonly kind: string; readonly detail: string | null };

const card = { payment_type: 'credit_card', fraud_status: 'accept' };
const reserved = { ...card, transaction_status: 'authorize' };
const captured = { ...card, transaction_status: 'capture' };
const held = { ...captured, status_code: '201', fraud_status: 'challenge' };
const cancelled = { ...card, transaction_status: 'cancel', status_code: '200' };
const cannot = { status_code: '412', status_message: 'Merchant cannot modify it' };

const cancel = (orderId: string, sender = {}) =>
  desk.post(`${orderId}/cancel`, { reason: 'out of stock' }, sender);
const capture = (orderId: string, sender = {}) => desk.post(`${orderId}/capture`, {}, sender);
const actions = () => merchant.rows<Action>('order_actions');
const changes = () => gateway.midtrans.changeCalls();
const sweep = () => gateway.services.sweep();
const refuseChanges = () => gateway.midtrans.answerChanges((_req, res) => json(res, 200, cannot));

async function orderWith(message: object) {
  const order = anOrder();
  await merchant.create(order);
  const told = await merchant.tell(order.orderId, { ...message });
  gateway.midtrans.calls.length = 0;
  return told.message;
}

function setBooks(message: Told, change: object): void {
  gateway.midtrans.setStatus(message.order_id, { ...message, ...change });
  gateway.midtrans.setStatus(message.transaction_id, { ...message, ...change });
}

/** The provider does what it is asked for, or has got to know nothing of it; no answer comes. */
function loseAnswer(does?: () => void): void {
  gateway.midtrans.answerChanges((req) => {
    does?.();
    req.socket.destroy();
  });
}

async function endPayment(): Promise<void> {
  await merchant.runOut();
  await sweep();
}

const cases = [
  ['the void of a paid card', captured, cancelled, cancel, 'cancelled'],
  ['the cancel of a reserved card', reserved, cancelled, cancel, 'cancelled'],
  ['the cancel of a held card', held, cancelled, cancel, 'cancelled'],
  ['the capture of a reserved card', reserved, captured, capture, 'paid'],
] as const;

test.each(cases)('%s whose answer was lost is found by itself', async (...row) => {
  const [, before, after, act, status] = row;
  const told = await orderWith(before);
  loseAnswer(() => setBooks(told, after));
  gateway.midtrans.answerStatuses((req) => req.socket.destroy());
  const lost = await act(told.order_id);
  gateway.midtrans.answerStatuses(undefined);
  refuseChanges();
  await desk.pass('1 minute');

  await sweep();

  expect(lost.body).toMatchObject({ code: 'provider-unavailable', retryable: true });
  expect(await merchant.orderStatus(told.order_id)).toBe(status);
  expect(await actions()).toMatchObject([{ status: 'done', next_check_at: null }]);
  expect(String(await desk.attention())).not.toContain('refused');
});

test.each(cases)('%s that never arrived is asked for again', async (...row) => {
  const [, before, after, act, status] = row;
  const told = await orderWith(before);
  loseAnswer();
  await act(told.order_id);
  loseAnswer(() => setBooks(told, after));
  await desk.pass('1 minute');

  await sweep();

  expect(await merchant.orderStatus(told.order_id)).toBe(status);
  const [first, second] = changes();
  expect(second).toMatchObject({ path: first?.path, body: first?.body });
  expect(changes()).toHaveLength(2);
});

test.each(cases)('%s whose server died is gone on with once its lease ends', async (...row) => {
  const [, before, after, act, status] = row;
  const told = await orderWith(before);
  loseAnswer(() => setBooks(told, after));
  gateway.midtrans.answerStatuses((req) => req.socket.destroy());
  await act(told.order_id);
  gateway.midtrans.answerStatuses(undefined);
  await gateway.admin.query(
    `update order_actions set lease_id = $2, lease_until = now() + interval '2 s',
            next_check_at = now() where tenant_id = $1`,
    [merchant.id, randomUUID()],
  );
  await sweep();
  expect(await actions()).toMatchObject([{ status: 'requested' }]);
  refuseChanges();
  await desk.pass('1 minute');

  await sweep();

  expect(await merchant.orderStatus(told.order_id)).toBe(status);
});

test.each([cases[0], cases[3]])('%s is not called refused while the books lag', async (...row) => {
  const [, before, after, act, status] = row;
  const told = await orderWith(before);
  const key = randomUUID();
  loseAnswer();
  await act(told.order_id, { key });
  refuseChanges();

  const second = await act(told.order_id, { key });
  await desk.pass('29 minutes');
  const third = await act(told.order_id, { key });
  setBooks(told, after);
  const known = await act(told.order_id, { key });
  const replayed = await act(told.order_id, { key });

  for (const answer of [second, third]) {
    expect(answer.body).toMatchObject({ code: 'provider-unavailable', retryable: true });
  }
  expect(known.body.order).toEqual({ orderId: told.order_id, status });
  expect(replayed.headers.get('idempotent-replayed')).toBe('true');
  expect(replayed.body).toEqual(known.body);
});

test('a run whose server died may have called until its lease ended', async () => {
  const told = await orderWith(reserved);
  loseAnswer();
  await capture(told.order_id);
  await desk.pass('1 day');
  await gateway.admin.query(
    'update order_actions set lease_id = $2, lease_until = now() where tenant_id = $1',
    [merchant.id, randomUUID()],
  );
  refuseChanges();

  const answer = await capture(told.order_id);

  expect(answer.body).toMatchObject({ code: 'provider-unavailable', retryable: true });
  expect(await actions()).toMatchObject([{ status: 'requested' }]);
});

test.each([cases[0], cases[3]])('%s is refused when the books deny it for long', async (...row) => {
  const [, before, , act] = row;
  const told = await orderWith(before);
  const key = randomUUID();
  loseAnswer();
  await act(told.order_id, { key });
  refuseChanges();
  await desk.pass('31 minutes');

  await sweep();

  expect(await actions()).toMatchObject([{ status: 'refused' }]);
  expect(await desk.attention()).toContain(cannot.status_message);
  const answer = await act(told.order_id, { key });
  expect(answer.status).toBe(409);
  expect(answer.body.detail).toContain(cannot.status_message);
});

test('a repeated cancel ends what its first run chose, and not what came after', async () => {
  const order = anOrder();
  const key = randomUUID();
  await merchant.create(order);
  gateway.midtrans.answerPageCancels((req) => req.socket.destroy());
  await cancel(order.orderId, { key });
  gateway.midtrans.answerPageCancels(undefined);
  await endPayment();
  await merchant.create(order);
  gateway.midtrans.calls.length = 0;

  const again = await cancel(order.orderId, { key });

  expect(again.body).toMatchObject({ success: true, order: { status: 'pending' } });
  expect(gateway.midtrans.calls).toEqual([]);
  const statuses = (await merchant.rows<Action>('payments')).map(({ status }) => status);
  expect(statuses.sort()).toEqual(['expired', 'pending']);
});

test('a cancel that found nothing to do finds nothing later', async () => {
  const order = anOrder();
  const key = randomUUID();
  await merchant.create(order);
  await endPayment();
  await cancel(order.orderId, { key });
  // Its server died before it could store the answer.
  await gateway.admin.query(
    'update idempotency_keys set answer_status = null, answer_body = null where tenant_id = $1',
    [merchant.id],
  );
  await merchant.create(order);
  gateway.midtrans.calls.length = 0;

  const again = await cancel(order.orderId, { key });

  expect(again.body).toMatchObject({ success: true, order: { status: 'pending' } });
  expect(gateway.midtrans.calls).toEqual([]);
});

test('a repeated capture charges the card that its first run chose, and no other', async () => {
  const order = anOrder();
  const key = randomUUID();
  await merchant.create(order);
  const { message } = await merchant.tell(order.orderId, { ...reserved });
  loseAnswer();
  await capture(order.orderId, { key });
  await merchant.tell(order.orderId, { ...message, ...cancelled, status_code: '202' });
  await merchant.create(order);
  const [, second = ''] = await merchant.references();
  await merchant.tell(second, { ...reserved });
  gateway.midtrans.calls.length = 0;

  const soon = await capture(order.orderId, { key });
  await desk.pass('1 hour');
  const later = await capture(order.orderId, { key });

  expect(soon.body).toMatchObject({ code: 'provider-unavailable', retryable: true });
  expect(later.body.code).toBe('order-not-capturable');
  expect(changes()).toEqual([]);
  expect(await merchant.orderStatus(order.orderId)).toBe('pending');
});

test('a capture in doubt is not made any more once another payment has paid the order', async () => {
  const { order, first, second } = await merchant.orderWithTwoPages();
  await merchant.tell(first, { ...reserved });
  loseAnswer();
  await capture(order.orderId);
  await merchant.tell(second);
  gateway.midtrans.calls.length = 0;
  await desk.pass('1 hour');

  await sweep();

  expect(changes()).toEqual([]);
  expect(await actions()).toMatchObject([{ status: 'refused' }]);
  expect(await desk.attention()).toContain('paid by another payment');
});

test('a cancel of an open page does not take money back that came meanwhile', async () => {
  const order = anOrder();
  await merchant.create(order);
  gateway.midtrans.answerPageCancels((req) => req.socket.destroy());
  await cancel(order.orderId);
  gateway.midtrans.answerPageCancels(undefined);
  await merchant.tell(order.orderId, { ...captured });
  gateway.midtrans.calls.length = 0;
  await desk.pass('1 minute');

  await sweep();

  expect(changes()).toEqual([]);
  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
  expect(await actions()).toMatchObject([{ status: 'refused' }]);
  expect(await desk.attention()).toContain('paid meanwhile');
});

test('a page that could not be ended is ended by itself', async () => {
  const order = anOrder();
  await merchant.create(order);
  gateway.midtrans.answerPageCancels((req) => req.socket.destroy());
  await cancel(order.orderId);
  gateway.midtrans.answerPageCancels(undefined);
  await desk.pass('1 minute');

  await sweep();

  expect(await merchant.orderStatus(order.orderId)).toBe('expired');
  expect(await actions()).toMatchObject([{ kind: 'cancel', status: 'done' }]);
});

test.each([
  ['a capture', 'a cancel', cancel, capture, {}],
  ['a cancel', 'a capture', capture, cancel, {}],
  ['a second key', 'a capture', capture, capture, { key: 'another' }],
] as const)('%s waits while %s of the order is in doubt', async (...row) => {
  const [, , first, second, sender] = row;
  const told = await orderWith(reserved);
  loseAnswer();
  await first(told.order_id, { key: 'first' });

  const answer = await second(told.order_id, sender);

  expect(answer.status).toBe(409);
  expect(answer.body).toMatchObject({ code: 'order-change-in-progress', retryable: true });
  expect(answer.headers.get('retry-after')).toBe('2');
  expect(changes()).toHaveLength(1);
});

test('one that is being made is not made beside it', async () => {
  const told = await orderWith(reserved);
  gateway.midtrans.answerChanges(() => {});
  const running = capture(told.order_id);
  await expect.poll(() => changes().length).toBe(1);

  const answer = await capture(told.order_id);

  expect(answer.body).toMatchObject({ code: 'order-change-in-progress' });
  await running;
  expect(changes()).toHaveLength(1);
});

test('an outcome that comes after the lease has ended does not overrule its successor', async () => {
  const told = await orderWith(reserved);
  let refuse = () => {};
  gateway.midtrans.answerChanges((_req, res) => {
    refuse = () => json(res, 200, cannot);
  });
  const slow = capture(told.order_id);
  await expect.poll(() => changes().length).toBe(1);
  await desk.pass('1 hour');
  loseAnswer();
  await sweep();

  refuse();

  expect((await slow).body.code).toBe('provider-unavailable');
  expect(await actions()).toMatchObject([{ status: 'requested' }]);
});

test('of an action that stays in doubt a person is told, once, and it is gone on with', async () => {
  const told = await orderWith(reserved);
  loseAnswer();
  await capture(told.order_id);
  await desk.pass('47 hours');
  await sweep();
  expect(await desk.attention()).toBeNull();
  await desk.pass('1 day');
  await sweep();
  expect(await desk.attention()).toContain('Nobody knows what became of the capture');
  await gateway.admin.query('update orders set attention_reason = null where tenant_id = $1', [
    merchant.id,
  ]);
  await desk.pass('1 day');
  await sweep();
  expect(await desk.attention()).toBeNull();
  loseAnswer(() => setBooks(told, captured));
  await desk.pass('1 day');

  await sweep();

  expect(await merchant.orderStatus(told.order_id)).toBe('paid');
});

test('the database keeps no action without an end that nobody will look at', async () => {
  const told = await orderWith(reserved);
  loseAnswer();
  await capture(told.order_id);

  const forget = gateway.admin.query(
    'update order_actions set next_check_at = null where tenant_id = $1',
    [merchant.id],
  );

  await expect(forget).rejects.toThrow('order_actions_followed');
});
