import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { cards, openActionDesk } from '../support/order-actions.ts';
import { openReconciliationDesk } from '../support/reconciliations.ts';
import { openRefundDesk } from '../support/refunds.ts';

// By its reference the provider tells of one of a page's attempts, which may be another one than
// what is asked about.

let gateway: Gateway;
let merchant: Merchant;
let desk: ReturnType<typeof openReconciliationDesk>;
let refunds: ReturnType<typeof openRefundDesk>;
let actions: ReturnType<typeof openActionDesk>;

beforeAll(async () => {
  gateway = await startGateway({ PROVIDER_TIMEOUT_MS: '500' });
});

beforeEach(async () => {
  gateway.midtrans.answerChanges(undefined);
  merchant = await gateway.merchant();
  desk = openReconciliationDesk(gateway, merchant);
  refunds = openRefundDesk(gateway, merchant);
  actions = openActionDesk(gateway, merchant, refunds);
});

afterEach(async () => {
  expect(await desk.findings()).toEqual([]);
});

afterAll(() => gateway.close());

const denied = { transaction_status: 'deny', status_code: '202' };

/** A page on which two attempts paid, the first of them by card. */
async function paidTwice() {
  const order = anOrder();
  await merchant.create(order);
  const { message: first } = await merchant.tell(order.orderId, cards.captured);
  const { message: second } = await merchant.tell(order.orderId, { payment_type: 'gopay' });
  return { orderId: order.orderId, first, second };
}

async function statuses(): Promise<string[]> {
  const rows = await merchant.rows<{ attempt: number; status: string }>('payments');
  return rows.sort((a, b) => a.attempt - b.attempt).map(({ status }) => status);
}

/** Nothing was learned of anything in the last minutes. */
async function letSettle(): Promise<void> {
  await gateway.admin.query(
    `update payments set updated_at = updated_at - interval '1 hour' where tenant_id = $1`,
    [merchant.id],
  );
}

test('an attempt whose money was taken back agrees, whatever the other one has', async () => {
  const { orderId, first, second } = await paidTwice();
  await merchant.tell(orderId, { ...first, ...denied });
  gateway.midtrans.setStatus(orderId, second);
  await letSettle();

  const report = await desk.reconcile();

  expect(await statuses()).toEqual(['failed', 'paid']);
  expect(report).toMatchObject({ status: 'done', differences: [] });
  const reasons = (await merchant.attention()).map(({ reason }) => reason);
  expect(reasons).not.toContain('books-differ');
});

test('an attempt that was taken back, and is not any more, is mended beside the other one', async () => {
  const { orderId, first, second } = await paidTwice();
  await merchant.tell(orderId, { ...first, ...denied });
  gateway.midtrans.setStatus(orderId, second);
  gateway.midtrans.setStatus(first.transaction_id, { ...first, ...cards.captured });
  await letSettle();

  const report = await desk.reconcile();

  expect(await statuses()).toEqual(['paid', 'paid']);
  expect(report.counts).toMatchObject({ open: 0, repaired: 2 });
});

test('a void is seen in the books of its own attempt', async () => {
  const { orderId, first, second } = await paidTwice();
  const refunded = { ...second, transaction_status: 'refund', refund_amount: '150000.00' };
  await merchant.tell(orderId, refunded);
  gateway.midtrans.answerChanges((_req, res) => {
    gateway.midtrans.setStatus(first.transaction_id, { ...first, ...cards.cancelled });
    res.writeHead(200, { 'Content-Type': 'application/json' });
    res.end(JSON.stringify({ ...first, ...cards.cancelled }));
  });

  const answer = await actions.cancel(orderId);

  expect(answer.status).toBe(200);
  expect(await statuses()).toEqual(['cancelled', 'refunded']);
  expect(await actions.actions()).toMatchObject([{ kind: 'void', status: 'done' }]);
});

test('money of the first attempt that comes back is seen by a check', async () => {
  const { orderId, first, second } = await paidTwice();
  await merchant.tell(orderId, { ...first, ...denied });
  gateway.midtrans.setStatus(orderId, second);
  gateway.midtrans.setStatus(first.transaction_id, { ...first, ...cards.captured });
  await gateway.admin.query('update payments set next_check_at = now() where tenant_id = $1', [
    merchant.id,
  ]);

  await gateway.services.sweep();

  expect(await statuses()).toEqual(['paid', 'paid']);
});

test('a first attempt that moved and a second one that paid, both unheard of, are both booked', async () => {
  const order = anOrder();
  await merchant.create(order);
  const { message: first } = await merchant.tell(order.orderId, { payment_type: 'gopay' });
  const refunded = { ...first, transaction_status: 'refund', refund_amount: '150000.00' };
  gateway.midtrans.setStatus(first.transaction_id, refunded);
  const second = { ...first, transaction_id: 'SECOND' };
  gateway.midtrans.setStatus(order.orderId, second);
  gateway.midtrans.setStatus('SECOND', second);

  const report = await desk.reconcile();

  expect(await statuses()).toEqual(['refunded', 'paid']);
  expect(report).toMatchObject({ status: 'done', counts: { open: 0, unanswered: 0 } });
  expect(report.differences).toContainEqual(
    expect.objectContaining({ what: 'paid-twice', theirs: 'SECOND', resolution: 'repaired' }),
  );
});
