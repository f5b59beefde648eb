import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';
import { openRefundDesk } from '../support/refunds.ts';

// What a refusal means while the provider's books may lag behind its other calls.

let gateway: Gateway;
let merchant: Merchant;
let desk: ReturnType<typeof openRefundDesk>;

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

/** After so many calls that are not made, one is, and its answer is lost; the books lag. */
function loseAnswer(before = 0) {
  const made: { key: string; amount: number }[] = [];
  let calls = 0;
  gateway.midtrans.answerChanges((req, _res, body) => {
    calls += 1;
    const { refund_key: key, amount } = JSON.parse(body);
    if (calls > before) made.push({ key, amount });
    req.socket.destroy();
  });
  return made;
}

test('a refusal at a later call is believed when the books lack the refund for long', async () => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges((req) => req.socket.destroy());
  await desk.refund(paid.order_id);
  const reply = { status_code: '414', status_message: 'Refund rejected' };
  gateway.midtrans.answerChanges((_req, res) => json(res, 200, reply));
  const [row] = await desk.rows();
  await expect(desk.resolve(row?.id)).rejects.toThrow('unknown');
  await desk.pass('29 minutes');
  // What was refused for sure is not what the books are waited for.
  await expect(desk.resolve(row?.id)).rejects.toThrow('unknown');
  await desk.pass('2 minutes');

  await desk.resolve(row?.id);

  expect(await desk.rows()).toMatchObject([{ status: 'refused', detail: 'Refund rejected' }]);
  expect(await desk.attention()).toContain('Refund rejected');
});

test.each([
  ['the first call', 0],
  ['a call after it', 1],
])('a refund by %s that the books show late is not called refused', async (_name, before) => {
  const paid = await desk.paidOrder();
  const made = loseAnswer(before);
  const key = randomUUID();
  const send = () => desk.refund(paid.order_id, {}, { key });
  while (made.length === 0) await send();
  const reply = { status_code: '412', status_message: 'cannot modify' };
  gateway.midtrans.answerChanges((_req, res) => json(res, 200, reply));

  const refused = await send();
  desk.setBooks(paid, made);
  const known = await send();

  expect(refused.body).toMatchObject({ code: 'refund-outcome-unknown', retryable: true });
  expect(known.status).toBe(201);
  expect(await desk.rows()).toMatchObject([{ status: 'accepted' }]);
  expect(await merchant.orderStatus(paid.order_id)).toBe('refunded');
});

test('books that list less than they say went back do not deny a refund', async () => {
  const paid = await desk.paidOrder();
  loseAnswer();
  await desk.refund(paid.order_id, { amount: 30_000 });
  const reply = { status_code: '412', status_message: 'cannot modify' };
  gateway.midtrans.answerChanges((_req, res) => json(res, 200, reply));
  const listed = desk.setBooks(paid, [{ key: 'dashboard-1', amount: 20_000 }]);
  gateway.midtrans.setStatus(paid.transaction_id, { ...listed, refund_amount: '50000.00' });
  const [row] = await desk.rows();
  await desk.pass('1 hour');

  await expect(desk.resolve(row?.id)).rejects.toThrow('unknown');

  const mine = (await desk.rows()).find(({ id }) => id === row?.id);
  expect(mine).toMatchObject({ status: 'unknown' });
});

test('a call whose server died may have been made until its lease ended', async () => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges((req) => req.socket.destroy());
  await desk.refund(paid.order_id);
  await desk.pass('1 day');
  await gateway.admin.query(
    `update refunds set lease_id = $2, lease_until = now() where tenant_id = $1`,
    [merchant.id, randomUUID()],
  );
  const reply = { status_code: '412', status_message: 'cannot modify' };
  gateway.midtrans.answerChanges((_req, res) => json(res, 200, reply));
  const [row] = await desk.rows();

  await expect(desk.resolve(row?.id)).rejects.toThrow('unknown');

  expect(await desk.rows()).toMatchObject([{ status: 'unknown' }]);
});
