import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { withFee } from '../support/fees.ts';
import {
  aNotification,
  anOrder,
  type Gateway,
  type Merchant,
  startGateway,
} from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';
import { openReconciliationDesk } from '../support/reconciliations.ts';
import { openRefundDesk } from '../support/refunds.ts';

let gateway: Gateway;
let merchant: Merchant;
let desk: ReturnType<typeof openReconciliationDesk>;

beforeAll(async () => {
  gateway = await startGateway({ PROVIDER_TIMEOUT_MS: '500' });
});

beforeEach(async () => {
  gateway.midtrans.answerStatuses(undefined);
  gateway.midtrans.calls.length = 0;
  merchant = await gateway.merchant();
  desk = openReconciliationDesk(gateway, merchant);
});

afterEach(async () => {
  expect(await desk.findings()).toEqual([]);
});

afterAll(() => gateway.close());

async function pendingOrder(): Promise<string> {
  const order = anOrder();
  await merchant.create(order);
  return order.orderId;
}

async function paidOrder(overrides: Record<string, unknown> = {}) {
  const orderId = await pendingOrder();
  const { message } = await merchant.tell(orderId, overrides);
  return { orderId, message };
}

/** The provider's books say so, and nobody tells us. */
function setBooks(message: Record<string, unknown>): void {
  gateway.midtrans.setStatus(String(message.order_id), message);
  gateway.midtrans.setStatus(String(message.transaction_id), message);
}

/** The provider has never heard of anything. */
function forgetAll(): void {
  const nothing = { status_code: '404', status_message: "Transaction doesn't exist.", id: 'x' };
  gateway.midtrans.answerStatuses((_req, res) => json(res, 200, nothing));
}

async function sources(): Promise<string[]> {
  const rows = await merchant.rows<{ source: string }>('order_events');
  return rows.map(({ source }) => source);
}

test('books that agree are a report without differences', async () => {
  await paidOrder();
  await pendingOrder();

  const report = await desk.reconcile();

  expect(report).toMatchObject({ status: 'done', trigger: 'merchant', differences: [] });
  expect(report.counts).toMatchObject({ checked: 2, unanswered: 0, differences: 0, open: 0 });
  expect(report.finishedAt).not.toBeNull();
  expect(await sources()).not.toContain('reconciliation');
});

test('money that came late and without a word, after everybody had stopped asking, is booked', async () => {
  const orderId = await pendingOrder();
  await merchant.tell(orderId, { transaction_status: 'expire', status_code: '202' });
  await gateway.admin.query('update payments set next_check_at = null');
  setBooks(aNotification({ order_id: orderId, transaction_id: 'LATE' }));

  const report = await desk.reconcile();

  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(report).toMatchObject({ status: 'done', counts: { repaired: 2, open: 0 } });
  const repaired = { orderId, resolution: 'repaired', resolvedBy: 'reconciliation' };
  expect(report.differences).toMatchObject([
    { ...repaired, what: 'status', ours: 'expired', theirs: 'paid' },
    { ...repaired, what: 'captured', ours: '0', theirs: '150000', currency: 'IDR' },
  ]);
  expect(await sources()).toContain('reconciliation');
  const mails = await merchant.rows<{ payload: { kind?: string } }>('outbox');
  expect(mails.map(({ payload }) => payload.kind)).toContain('paid');
  expect((await desk.reconcile()).differences).toEqual([]);
});

test('a refund that was made in the dashboard without a word is adopted', async () => {
  const refunds = openRefundDesk(gateway, merchant);
  const paid = await refunds.paidOrder();
  refunds.setBooks(paid, [{ key: 'dashboard-1', amount: 50_000, isConfirmed: true }]);

  const report = await desk.reconcile();

  expect(await merchant.orderStatus(paid.order_id)).toBe('partially_refunded');
  expect(await refunds.rows()).toMatchObject([{ source: 'provider', status: 'confirmed' }]);
  expect(report.differences).toMatchObject([
    { what: 'status', ours: 'paid', theirs: 'partially_refunded', resolution: 'repaired' },
    { what: 'refunded', ours: '0', theirs: '50000', resolution: 'repaired' },
    { what: 'refund', refundKey: 'dashboard-1', ours: 'nothing', theirs: 'confirmed 50000' },
  ]);
  expect(report.counts).toMatchObject({ differences: 3, repaired: 3, open: 0 });
});

test('a chargeback that nobody told us of is booked', async () => {
  const { orderId, message } = await paidOrder({ payment_type: 'credit_card' });
  setBooks({ ...message, transaction_status: 'chargeback' });

  const report = await desk.reconcile();

  expect(await merchant.orderStatus(orderId)).toBe('disputed');
  expect(report.differences).toMatchObject([
    { what: 'status', ours: 'paid', theirs: 'disputed', resolution: 'repaired' },
  ]);
});

test('a refund that the bank refused after all is taken back', async () => {
  const refunds = openRefundDesk(gateway, merchant);
  const paid = await refunds.paidOrder();
  refunds.doRefunds(paid);
  await refunds.refund(paid.order_id);
  await refunds.pass('1 hour');
  refunds.setBooks(paid, []);

  const report = await desk.reconcile();

  expect(await merchant.orderStatus(paid.order_id)).toBe('paid');
  expect(report.counts).toMatchObject({ differences: 3, repaired: 3, open: 0 });
});

test('a refund that the books do not show yet is no difference', async () => {
  const refunds = openRefundDesk(gateway, merchant);
  const paid = await refunds.paidOrder();
  refunds.doRefunds(paid);
  await refunds.refund(paid.order_id, { amount: 50_000 });
  await desk.settle();
  refunds.setBooks(paid, []);

  const report = await desk.reconcile();

  expect(report).toMatchObject({ status: 'incomplete', counts: { differences: 0, unanswered: 1 } });
  expect(await merchant.orderStatus(paid.order_id)).toBe('partially_refunded');
});

test('a payment that the provider has never heard of stays, and a person is told', async () => {
  const { orderId } = await paidOrder();
  forgetAll();
  await desk.settle();

  const report = await desk.reconcile();

  expect(report).toMatchObject({
    status: 'done',
    counts: { differences: 1, open: 1, repaired: 0 },
  });
  expect(report.differences).toMatchObject([
    { what: 'missing', ours: 'paid', theirs: 'nothing', resolution: 'open', resolvedBy: null },
  ]);
  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(await desk.attention()).toContain('missing: paid here, nothing there');
});

test('what changed a moment ago is asked again before anybody is told', async () => {
  await paidOrder();
  forgetAll();
  const { id } = await desk.begin();

  expect(await desk.work(id)).toBe('paused');

  expect((await desk.report(id)).differences).toEqual([]);
  expect(await merchant.rows('reconciliation_questions')).toMatchObject([
    { reason: 'the payment changed a moment ago' },
  ]);
  expect(await desk.attention()).toBeNull();
  gateway.midtrans.answerStatuses(undefined);
  expect(await desk.workToEnd(id)).toEqual(['over']);
  expect(await desk.report(id)).toMatchObject({ status: 'done', counts: { checked: 1, open: 0 } });
});

test('another amount than was asked for is not booked, and a person is told', async () => {
  const orderId = await pendingOrder();
  setBooks(aNotification({ order_id: orderId, gross_amount: '149999.00' }));

  const report = await desk.reconcile();

  expect(report.differences).toMatchObject([
    { what: 'amount', ours: '150000', theirs: '149999', resolution: 'open' },
  ]);
  expect(await merchant.orderStatus(orderId)).toBe('pending');
  expect(await desk.attention()).toContain('the amount differs from the order');
});

test('what cannot follow is not believed, and a person is told', async () => {
  const { orderId, message } = await paidOrder();
  setBooks({ ...message, transaction_status: 'expire', status_code: '407' });

  const report = await desk.reconcile();

  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(report.differences).toMatchObject([
    { what: 'status', ours: 'paid', theirs: 'expired', resolution: 'open' },
    { what: 'captured', ours: '150000', theirs: '0', resolution: 'open' },
  ]);
  expect(await desk.attention()).toContain('a paid payment cannot expire');
});

test('what is older than our books is not believed, and a person is told', async () => {
  const { orderId, message } = await paidOrder();
  setBooks({ ...message, transaction_status: 'pending', status_code: '201' });
  await desk.settle();

  const report = await desk.reconcile();

  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(report.counts).toMatchObject({ differences: 2, open: 2 });
  expect(await desk.attention()).toContain('status: paid here, pending there');
});

test('a later attempt that failed says nothing about the one that was paid', async () => {
  const { message } = await paidOrder();
  const denied = { transaction_id: 'SECOND', transaction_status: 'deny', status_code: '202' };
  gateway.midtrans.setStatus(message.order_id, { ...message, ...denied });

  const report = await desk.reconcile();

  expect(report).toMatchObject({ status: 'done', differences: [] });
});

test('a second attempt that was paid as well is money for a person to look at', async () => {
  const { message } = await paidOrder();
  gateway.midtrans.setStatus(message.order_id, { ...message, transaction_id: 'SECOND' });
  await desk.settle();

  const report = await desk.reconcile();

  expect(report.differences).toMatchObject([
    { what: 'paid-twice', ours: message.transaction_id, theirs: 'SECOND', resolution: 'repaired' },
  ]);
  expect(await desk.attention()).toContain('SECOND');
  expect(await merchant.rows('payments')).toMatchObject([{ status: 'paid' }, { status: 'paid' }]);
  expect((await desk.reconcile()).differences).toEqual([]);
});

test('attempts that paid besides and that nobody told of are each a payment of their own', async () => {
  const { message } = await paidOrder();
  const others = ['SECOND', 'THIRD'].map((id) => ({ ...message, transaction_id: id }));
  const denied = { transaction_id: 'FOURTH', transaction_status: 'deny', status_code: '202' };
  // By the reference the books show the attempt that we know.
  gateway.midtrans.setAttempts(message.order_id, [
    ...others,
    { ...message, ...denied },
    { odd: true },
    message,
  ]);
  for (const other of others) gateway.midtrans.setStatus(other.transaction_id, other);
  await desk.settle();

  const { id } = await desk.begin();
  while ((await desk.work(id)) !== 'over');

  expect((await desk.report(id)).differences).toMatchObject([
    { what: 'paid-twice', theirs: 'SECOND', resolution: 'repaired', refundKey: null },
    { what: 'paid-twice', theirs: 'THIRD', resolution: 'repaired' },
  ]);
  const rows = await merchant.rows<{ provider_transaction_id: string }>('payments');
  expect(rows.map((row) => row.provider_transaction_id).sort()).toEqual(
    [message.transaction_id, 'SECOND', 'THIRD'].sort(),
  );
  expect((await desk.reconcile()).differences).toEqual([]);
});

test('while the list of attempts is not to be had, nothing is called compared', async () => {
  const { message } = await paidOrder();
  gateway.midtrans.answerStatuses((req, res) => {
    if (req.url?.endsWith('/status/b2b')) req.socket.destroy();
    else json(res, 200, message);
  });

  const { id } = await desk.begin();

  expect(await desk.work(id)).toBe('paused');
});

test('a fee on top is part of what was paid, and no difference', async () => {
  const orderId = await pendingOrder();
  const paid = aNotification({ order_id: orderId, ...withFee(4_000) });
  setBooks(paid);

  const first = await desk.reconcile();
  const second = await desk.reconcile();

  expect(first.differences).toMatchObject([
    { what: 'status', resolution: 'repaired' },
    { what: 'captured', ours: '0', theirs: '154000', resolution: 'repaired' },
  ]);
  expect(second).toMatchObject({ status: 'done', differences: [] });
  expect(await merchant.rows('payments')).toMatchObject([{ customer_fee: '4000' }]);
});

test('a fee that does not add up is a difference for a person', async () => {
  const orderId = await pendingOrder();
  setBooks(aNotification({ order_id: orderId, ...withFee(4_000), gross_amount: '155000.00' }));

  const report = await desk.reconcile();

  expect(report.differences).toMatchObject([{ what: 'amount', resolution: 'open' }]);
  expect(await merchant.orderStatus(orderId)).toBe('pending');
  expect(await desk.attention()).toContain('does not add up');
});

test('what can be paid there although it ended here is ended there, and asked again', async () => {
  const orderId = await pendingOrder();
  const ended = { transaction_status: 'expire', status_code: '202' };
  const { message } = await merchant.tell(orderId, ended);
  await desk.settle();
  setBooks({ ...message, transaction_status: 'pending', status_code: '201' });
  const { id } = await desk.begin();

  expect(await desk.work(id)).toBe('paused');

  const jobs = await merchant.rows<{ topic: string }>('outbox');
  expect(jobs.map(({ topic }) => topic)).toContain('payment-end');
  expect((await desk.report(id)).differences).toMatchObject([{ resolution: 'open' }]);
  setBooks({ ...message, ...ended });
  await desk.workToEnd(id);
  expect(await desk.report(id)).toMatchObject({
    status: 'done',
    differences: [{ what: 'status', resolution: 'repaired', resolvedBy: 'reconciliation' }],
  });
});

test('a difference that a notification mends later is closed by the next run, in its name', async () => {
  const orderId = await pendingOrder();
  const { message } = await merchant.tell(orderId, {
    transaction_status: 'pending',
    status_code: '201',
  });
  forgetAll();
  await desk.settle();
  const first = await desk.reconcile();
  expect(first.differences).toMatchObject([
    { what: 'missing', ours: 'pending', resolution: 'open' },
  ]);

  gateway.midtrans.answerStatuses(undefined);
  await merchant.tell(orderId, { transaction_id: message.transaction_id });
  await desk.reconcile();

  expect((await desk.report(first.id)).differences).toMatchObject([
    { resolution: 'resolved', resolvedBy: 'notification', resolvedAt: expect.any(String) },
  ]);
});

test('a difference that the provider mends is closed by the next run, too', async () => {
  await paidOrder();
  forgetAll();
  await desk.settle();
  const first = await desk.reconcile();

  gateway.midtrans.answerStatuses(undefined);
  await desk.reconcile();

  const { differences } = await desk.report(first.id);
  expect(differences).toMatchObject([{ resolution: 'resolved', resolvedBy: 'provider' }]);
});

test('a notification that is faster than our question leaves no difference', async () => {
  const orderId = await pendingOrder();
  const paid = aNotification({ order_id: orderId });
  let asked = 0;
  gateway.midtrans.answerStatuses(async (_req, res) => {
    asked += 1;
    if (asked === 1) {
      setBooks(paid);
      await merchant.notify(merchant.signed(paid));
    }
    json(res, 200, paid);
  });

  const report = await desk.reconcile();

  expect(report).toMatchObject({ status: 'done', differences: [], counts: { checked: 1 } });
  expect(await merchant.orderStatus(orderId)).toBe('paid');
});

test('an answer from before a notification is asked for again, and harms nothing', async () => {
  const orderId = await pendingOrder();
  const paid = aNotification({ order_id: orderId });
  const late = { ...paid, transaction_status: 'expire', status_code: '407' };
  let asked = 0;
  gateway.midtrans.answerStatuses(async (_req, res) => {
    asked += 1;
    if (asked > 1) return json(res, 200, paid);
    setBooks(paid);
    await merchant.notify(merchant.signed(paid));
    return json(res, 200, late);
  });
  const { id } = await desk.begin();

  expect(await desk.workToEnd(id)).toEqual(['paused', 'over']);

  expect(await desk.report(id)).toMatchObject({ status: 'done', differences: [] });
  expect(await desk.attention()).toBeNull();
});

test('a payment that is being created now is not compared', async () => {
  await pendingOrder();
  await gateway.admin.query(
    `update payments set status = 'creating', lease_id = gen_random_uuid(),
            lease_until = now() + interval '1 minute' where tenant_id = $1`,
    [merchant.id],
  );
  const [reference = ''] = await merchant.references();
  setBooks(aNotification({ order_id: reference }));

  const report = await desk.reconcile();

  expect(report).toMatchObject({ status: 'done', differences: [] });
});

test('a name that another shop of the account had used before is not held against the order', async () => {
  const order = anOrder();
  gateway.midtrans.setStatus(
    order.orderId,
    aNotification({ order_id: order.orderId, gross_amount: '1000.00' }),
  );
  gateway.midtrans.answerCreates((_req, res) =>
    json(res, 400, { error_messages: ['transaction_details.order_id has already been taken'] }),
  );
  await merchant.create(order);
  gateway.midtrans.answerCreates(undefined);

  const report = await desk.reconcile();

  expect(report).toMatchObject({ status: 'done', differences: [], counts: { checked: 1 } });
  expect(await desk.attention()).toBeNull();
});
