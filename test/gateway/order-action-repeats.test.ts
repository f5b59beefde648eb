import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';
import { cannot, cards, openActionDesk } from '../support/order-actions.ts';
import { openRefundDesk } from '../support/refunds.ts';

// What a repeated cancel or capture acts on, and what else may run beside it.

let gateway: Gateway;
let merchant: Merchant;
let desk: ReturnType<typeof openRefundDesk>;
let actionDesk: ReturnType<typeof openActionDesk>;

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
  actionDesk = openActionDesk(gateway, merchant, desk);
});

afterEach(async () => {
  expect(await desk.findings()).toEqual([]);
});

afterAll(() => gateway.close());

const { reserved, captured, cancelled } = cards;
const changes = () => gateway.midtrans.changeCalls();
const sweep = () => gateway.services.sweep();

async function endPayment(): Promise<void> {
  await merchant.runOut();
  await sweep();
}

test('a repeated cancel ends what its first run chose, and not what came after', async () => {
  const order = anOrder();
  const key = randomUUID();
  await merchant.create(order);
  gateway.midtrans.answerPageCancels((req) => req.socket.destroy());
  await actionDesk.cancel(order.orderId, { key });
  gateway.midtrans.answerPageCancels(undefined);
  await endPayment();
  await merchant.create(order);
  gateway.midtrans.calls.length = 0;

  const again = await actionDesk.cancel(order.orderId, { key });

  expect(again.body).toMatchObject({ success: true, order: { status: 'pending' } });
  expect(gateway.midtrans.calls).toEqual([]);
  const statuses = (await merchant.rows<{ status: string }>('payments')).map(
    ({ status }) => status,
  );
  expect(statuses.sort()).toEqual(['expired', 'pending']);
});

test('a cancel that found nothing to do finds nothing later', async () => {
  const order = anOrder();
  const key = randomUUID();
  await merchant.create(order);
  await endPayment();
  await actionDesk.cancel(order.orderId, { key });
  // Its server died before it could store the answer.
  await gateway.admin.query(
    'update idempotency_keys set answer_status = null, answer_body = null where tenant_id = $1',
    [merchant.id],
  );
  await merchant.create(order);
  gateway.midtrans.calls.length = 0;

  const again = await actionDesk.cancel(order.orderId, { key });

  expect(again.body).toMatchObject({ success: true, order: { status: 'pending' } });
  expect(gateway.midtrans.calls).toEqual([]);
});

test('a repeated capture charges the card that its first run chose, and no other', async () => {
  const order = anOrder();
  const key = randomUUID();
  await merchant.create(order);
  const { message } = await merchant.tell(order.orderId, { ...reserved });
  actionDesk.loseAnswer();
  await actionDesk.capture(order.orderId, { key });
  await merchant.tell(order.orderId, { ...message, ...cancelled, status_code: '202' });
  await merchant.create(order);
  const [, second = ''] = await merchant.references();
  await merchant.tell(second, { ...reserved });
  gateway.midtrans.calls.length = 0;

  const soon = await actionDesk.capture(order.orderId, { key });
  await desk.pass('1 hour');
  const later = await actionDesk.capture(order.orderId, { key });

  expect(soon.body).toMatchObject({ code: 'provider-unavailable', retryable: true });
  expect(later.body.code).toBe('order-not-capturable');
  expect(changes()).toEqual([]);
  expect(await merchant.orderStatus(order.orderId)).toBe('pending');
});

test('a capture in doubt is not made any more once another payment has paid the order', async () => {
  const { order, first, second } = await merchant.orderWithTwoPages();
  await merchant.tell(first, { ...reserved });
  actionDesk.loseAnswer();
  await actionDesk.capture(order.orderId);
  await merchant.tell(second);
  gateway.midtrans.calls.length = 0;
  await desk.pass('1 hour');

  await sweep();

  expect(changes()).toEqual([]);
  expect(await actionDesk.actions()).toMatchObject([{ status: 'refused' }]);
  expect(await desk.attention()).toContain('paid by another payment');
});

test('a cancel of an open page does not take money back that came meanwhile', async () => {
  const order = anOrder();
  await merchant.create(order);
  gateway.midtrans.answerPageCancels((req) => req.socket.destroy());
  await actionDesk.cancel(order.orderId);
  gateway.midtrans.answerPageCancels(undefined);
  await merchant.tell(order.orderId, { ...captured });
  gateway.midtrans.calls.length = 0;
  await desk.pass('1 minute');

  await sweep();

  expect(changes()).toEqual([]);
  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
  expect(await actionDesk.actions()).toMatchObject([{ status: 'refused' }]);
  expect(await desk.attention()).toContain('paid meanwhile');
});

test.each([
  ['a capture', 'a cancel', 'cancel', 'capture', {}],
  ['a cancel', 'a capture', 'capture', 'cancel', {}],
  ['a second key', 'a capture', 'capture', 'capture', { key: 'another' }],
] as const)('%s waits while %s of the order is in doubt', async (...row) => {
  const [, , first, second, sender] = row;
  const told = await actionDesk.orderWith(reserved);
  actionDesk.loseAnswer();
  await actionDesk[first](told.order_id, { key: 'first' });

  const answer = await actionDesk[second](told.order_id, sender);

  expect(answer.status).toBe(409);
  expect(answer.body).toMatchObject({ code: 'order-change-in-progress', retryable: true });
  expect(answer.headers.get('retry-after')).toBe('2');
  expect(changes()).toHaveLength(1);
});

test('one that is being made is not made beside it', async () => {
  const told = await actionDesk.orderWith(reserved);
  gateway.midtrans.answerChanges(() => {});
  const running = actionDesk.capture(told.order_id);
  await expect.poll(() => changes().length).toBe(1);

  const answer = await actionDesk.capture(told.order_id);

  expect(answer.body).toMatchObject({ code: 'order-change-in-progress' });
  await running;
  expect(changes()).toHaveLength(1);
});

test('an outcome that comes after the lease has ended does not overrule its successor', async () => {
  const told = await actionDesk.orderWith(reserved);
  let refuse = () => {};
  gateway.midtrans.answerChanges((_req, res) => {
    refuse = () => json(res, 200, cannot);
  });
  const slow = actionDesk.capture(told.order_id);
  await expect.poll(() => changes().length).toBe(1);
  await desk.pass('1 hour');
  actionDesk.loseAnswer();
  await sweep();

  refuse();

  expect((await slow).body.code).toBe('provider-unavailable');
  expect(await actionDesk.actions()).toMatchObject([{ status: 'requested' }]);
});
