import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { cannot, cards, openActionDesk } from '../support/order-actions.ts';
import { openRefundDesk } from '../support/refunds.ts';

// Cancels and captures whose outcome nobody knows: how the truth arrives by itself.

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

const { reserved, captured, held, cancelled } = cards;
const changes = () => gateway.midtrans.changeCalls();
const sweep = () => gateway.services.sweep();

const cases = [
  ['the void of a paid card', captured, cancelled, 'cancel', 'cancelled'],
  ['the cancel of a reserved card', reserved, cancelled, 'cancel', 'cancelled'],
  ['the cancel of a held card', held, cancelled, 'cancel', 'cancelled'],
  ['the capture of a reserved card', reserved, captured, 'capture', 'paid'],
] as const;

test.each(cases)('%s whose answer was lost is found by itself', async (...row) => {
  const [, before, after, act, status] = row;
  const told = await actionDesk.orderWith(before);
  actionDesk.loseAnswer(() => actionDesk.setBooks(told, after));
  gateway.midtrans.answerStatuses((req) => req.socket.destroy());
  const lost = await actionDesk[act](told.order_id);
  gateway.midtrans.answerStatuses(undefined);
  actionDesk.refuseChanges();
  await desk.pass('1 minute');

  await sweep();

  expect(lost.body).toMatchObject({ code: 'provider-unavailable', retryable: true });
  expect(await merchant.orderStatus(told.order_id)).toBe(status);
  expect(await actionDesk.actions()).toMatchObject([{ status: 'done', next_check_at: null }]);
  expect(String(await desk.attention())).not.toContain('refused');
});

test.each(cases)('%s that never arrived is asked for again', async (...row) => {
  const [, before, after, act, status] = row;
  const told = await actionDesk.orderWith(before);
  actionDesk.loseAnswer();
  await actionDesk[act](told.order_id);
  actionDesk.loseAnswer(() => actionDesk.setBooks(told, after));
  await desk.pass('1 minute');

  await sweep();

  expect(await merchant.orderStatus(told.order_id)).toBe(status);
  const [first, second] = changes();
  expect(second).toMatchObject({ path: first?.path, body: first?.body });
  expect(changes()).toHaveLength(2);
});

test.each(cases)('%s whose server died is gone on with once its lease ends', async (...row) => {
  const [, before, after, act, status] = row;
  const told = await actionDesk.orderWith(before);
  actionDesk.loseAnswer(() => actionDesk.setBooks(told, after));
  gateway.midtrans.answerStatuses((req) => req.socket.destroy());
  await actionDesk[act](told.order_id);
  gateway.midtrans.answerStatuses(undefined);
  await gateway.admin.query(
    `update order_actions set lease_id = $2, lease_until = now() + interval '2 s',
            next_check_at = now() where tenant_id = $1`,
    [merchant.id, randomUUID()],
  );
  await sweep();
  expect(await actionDesk.actions()).toMatchObject([{ status: 'requested' }]);
  actionDesk.refuseChanges();
  await desk.pass('1 minute');

  await sweep();

  expect(await merchant.orderStatus(told.order_id)).toBe(status);
});

test.each([cases[0], cases[3]])('%s is not called refused while the books lag', async (...row) => {
  const [, before, after, act, status] = row;
  const told = await actionDesk.orderWith(before);
  const key = randomUUID();
  actionDesk.loseAnswer();
  await actionDesk[act](told.order_id, { key });
  actionDesk.refuseChanges();

  const second = await actionDesk[act](told.order_id, { key });
  await desk.pass('29 minutes');
  const third = await actionDesk[act](told.order_id, { key });
  actionDesk.setBooks(told, after);
  const known = await actionDesk[act](told.order_id, { key });
  const replayed = await actionDesk[act](told.order_id, { key });

  for (const answer of [second, third]) {
    expect(answer.body).toMatchObject({ code: 'provider-unavailable', retryable: true });
  }
  expect(known.body.order).toEqual({ orderId: told.order_id, status });
  expect(replayed.headers.get('idempotent-replayed')).toBe('true');
  expect(replayed.body).toEqual(known.body);
});

test('a run whose server died may have called until its lease ended', async () => {
  const told = await actionDesk.orderWith(reserved);
  actionDesk.loseAnswer();
  await actionDesk.capture(told.order_id);
  await desk.pass('1 day');
  await gateway.admin.query(
    'update order_actions set lease_id = $2, lease_until = now() where tenant_id = $1',
    [merchant.id, randomUUID()],
  );
  actionDesk.refuseChanges();

  const answer = await actionDesk.capture(told.order_id);

  expect(answer.body).toMatchObject({ code: 'provider-unavailable', retryable: true });
  expect(await actionDesk.actions()).toMatchObject([{ status: 'requested' }]);
});

test.each([cases[0], cases[3]])('%s is refused when the books deny it for long', async (...row) => {
  const [, before, , act] = row;
  const told = await actionDesk.orderWith(before);
  const key = randomUUID();
  actionDesk.loseAnswer();
  await actionDesk[act](told.order_id, { key });
  actionDesk.refuseChanges();
  await desk.pass('31 minutes');

  await sweep();

  expect(await actionDesk.actions()).toMatchObject([{ status: 'refused' }]);
  expect(await desk.attention()).toContain(cannot.status_message);
  const answer = await actionDesk[act](told.order_id, { key });
  expect(answer.status).toBe(409);
  expect(answer.body.detail).toContain(cannot.status_message);
});

test('a page that could not be ended is ended by itself', async () => {
  const order = anOrder();
  await merchant.create(order);
  gateway.midtrans.answerPageCancels((req) => req.socket.destroy());
  await actionDesk.cancel(order.orderId);
  gateway.midtrans.answerPageCancels(undefined);
  await desk.pass('1 minute');

  await sweep();

  expect(await merchant.orderStatus(order.orderId)).toBe('expired');
  expect(await actionDesk.actions()).toMatchObject([{ kind: 'cancel', status: 'done' }]);
});

test('of an action that stays in doubt a person is told, once, and it is gone on with', async () => {
  const told = await actionDesk.orderWith(reserved);
  actionDesk.loseAnswer();
  await actionDesk.capture(told.order_id);
  await desk.pass('47 hours');
  await sweep();
  expect(await desk.attention()).toBeNull();
  await desk.pass('1 day');
  await sweep();
  expect(await desk.attention()).toContain('Nobody knows what became of the capture');
  await desk.lookedAt();
  await desk.pass('1 day');
  await sweep();
  expect(await desk.attention()).toBeNull();
  actionDesk.loseAnswer(() => actionDesk.setBooks(told, captured));
  await desk.pass('1 day');

  await sweep();

  expect(await merchant.orderStatus(told.order_id)).toBe('paid');
});

test('the database keeps no action without an end that nobody will look at', async () => {
  const told = await actionDesk.orderWith(reserved);
  actionDesk.loseAnswer();
  await actionDesk.capture(told.order_id);

  const forget = gateway.admin.query(
    'update order_actions set next_check_at = null where tenant_id = $1',
    [merchant.id],
  );

  await expect(forget).rejects.toThrow('order_actions_followed');
});
