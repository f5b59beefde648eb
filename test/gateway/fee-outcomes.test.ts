import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openBooks } from '../support/books.ts';
import { expectPaidWithFee, withFee } from '../support/fees.ts';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';
import { openRefundDesk } from '../support/refunds.ts';

// What becomes of a payment with a fee on top: refunds, reversals, chargebacks, cancels, captures.

let gateway: Gateway;
let merchant: Merchant;
let desk: ReturnType<typeof openRefundDesk>;
let books: ReturnType<typeof openBooks>;

beforeAll(async () => {
  gateway = await startGateway({ NOTIFICATION_CONFIRM_MS: '300', PROVIDER_TIMEOUT_MS: '500' });
});

beforeEach(async () => {
  gateway.midtrans.answerChanges(undefined);
  gateway.midtrans.answerStatuses(undefined);
  merchant = await gateway.merchant();
  desk = openRefundDesk(gateway, merchant);
  books = openBooks(gateway, merchant);
});

afterEach(async () => {
  expect(await desk.findings()).toEqual([]);
});

afterAll(() => gateway.close());

const pending = { transaction_status: 'pending', status_code: '201' };
const gopay = { payment_type: 'gopay' };

async function pendingOrder(): Promise<string> {
  const order = anOrder();
  await merchant.create(order);
  return order.orderId;
}

async function paidOrder(overrides: object = {}) {
  const orderId = await pendingOrder();
  const { message } = await merchant.tell(orderId, { ...gopay, ...withFee(), ...overrides });
  return message;
}

test('all that was paid can be refunded, the fee with it', async () => {
  const paid = await paidOrder();
  gateway.midtrans.answerChanges((_req, res, body) => {
    const { refund_key, amount } = JSON.parse(body);
    const sum = `${amount}.00`;
    const refunds = [{ refund_key, refund_amount: sum }];
    const said = { ...paid, transaction_status: 'refund', refund_amount: sum, refunds };
    gateway.midtrans.setStatus(paid.transaction_id, said);
    json(res, 200, { status_code: '200', refund_key });
  });
  const tooMuch = await desk.refund(paid.order_id, { amount: 154_001 });
  expect(tooMuch.body.code).toBe('refund-too-large');
  expect((await desk.list(paid.order_id)).body.refundable).toBe(154_000);

  const answer = await desk.refund(paid.order_id);

  expect(answer.body.refund).toMatchObject({ amount: 154_000, status: 'accepted' });
  expect(await books.shown(paid.order_id)).toMatchObject({
    status: 'refunded',
    refundedAmount: 154_000,
  });
  expect(await merchant.rows('orders')).toMatchObject([{ refunded_amount: '150000' }]);
  expect(await books.payment()).toMatchObject({ refunded_amount: '154000' });
  expect(await books.balances()).toEqual({
    provider_balance: 0,
    sales: -150_000,
    customer_fees: 0,
    refunds: 150_000,
  });
  expect(await books.stats()).toMatchObject({ paid: 0, revenue: 0 });
});

test('a refund in the dashboard gives the sale back first, then the fee', async () => {
  const paid = await paidOrder();
  const tell = (sum: number, refunds: object[]) =>
    merchant.tell(paid.order_id, {
      ...paid,
      transaction_status: 'partial_refund',
      refund_amount: `${sum}.00`,
      refunds,
    });
  const first = { refund_key: 'dashboard-1', refund_amount: '149000.00' };
  await tell(149_000, [first]);
  expect(await books.stats()).toMatchObject({ paid: 1, revenue: 1_000 });

  await tell(153_000, [first, { refund_key: 'dashboard-2', refund_amount: '4000.00' }]);

  expect(await desk.rows()).toHaveLength(2);
  expect(await books.balances()).toEqual({
    provider_balance: 1_000,
    sales: -150_000,
    customer_fees: -1_000,
    refunds: 150_000,
  });
  expect(await books.stats()).toMatchObject({ paid: 1, revenue: 0 });
  expect((await desk.list(paid.order_id)).body.refundable).toBe(1_000);
});

test('one refund of everything in the dashboard is adopted with the fee in it', async () => {
  const paid = await paidOrder();

  await merchant.tell(paid.order_id, {
    ...paid,
    transaction_status: 'refund',
    refund_amount: '154000.00',
    refunds: [{ refund_key: 'dashboard-1', refund_amount: '154000.00' }],
  });

  expect(await desk.rows()).toMatchObject([{ source: 'provider', amount: '154000' }]);
  expect(await books.balances()).toMatchObject({ provider_balance: 0 });
});

test('a refund that is told without a sum is of everything', async () => {
  const paid = await paidOrder();

  await merchant.tell(paid.order_id, { ...paid, transaction_status: 'refund' });

  expect(await books.payment()).toMatchObject({ refunded_amount: '154000', status: 'refunded' });
});

test('a refund of more than was paid with the fee is refused', async () => {
  const paid = await paidOrder();

  await merchant.tell(paid.order_id, {
    ...paid,
    transaction_status: 'partial_refund',
    refund_amount: '154001.00',
  });

  expect(await merchant.orderStatus(paid.order_id)).toBe('paid');
  expect(await books.reasons()).toEqual(['fee-on-top', 'news-that-cannot-be']);
});

test('later books that no longer tell of the fee are about the same payment', async () => {
  const paid = await paidOrder();

  await merchant.tell(paid.order_id, {
    ...paid,
    metadata: undefined,
    transaction_status: 'deny',
    status_code: '202',
  });

  expect(await merchant.orderStatus(paid.order_id)).toBe('failed');
  expect(await books.reasons()).toEqual(['fee-on-top', 'reversed']);
});

test.each([
  ['a reversal', { transaction_status: 'deny', status_code: '202' }, 'failed'],
  ['a chargeback', { transaction_status: 'chargeback' }, 'disputed'],
  ['a voided card', { transaction_status: 'cancel', status_code: '202' }, 'cancelled'],
])('%s takes the fee, too', async (_name, change, status) => {
  const paid = await paidOrder();

  await merchant.tell(paid.order_id, { ...paid, ...change });

  expect(await merchant.orderStatus(paid.order_id)).toBe(status);
  expect(await books.balances()).toEqual({
    provider_balance: 0,
    sales: -150_000,
    customer_fees: -4_000,
    losses: 154_000,
  });
});

test('after a reversal another attempt stands beside it in the books, with a fee of its own', async () => {
  const paid = await paidOrder();
  await merchant.tell(paid.order_id, { ...paid, transaction_status: 'deny', status_code: '202' });

  await merchant.tell(paid.order_id, withFee(2_500));

  expect(await merchant.orderStatus(paid.order_id)).toBe('paid');
  expect(await books.balances()).toEqual({
    provider_balance: 152_500,
    sales: -300_000,
    customer_fees: -6_500,
    losses: 154_000,
  });
  expect((await merchant.stats()).body.stats).toMatchObject({ paid: 1, revenue: 150_000 });
});

test('a pending attempt with a fee is ended with its page', async () => {
  const orderId = await pendingOrder();
  const { message } = await merchant.tell(orderId, { ...gopay, ...withFee(), ...pending });
  gateway.midtrans.answerStatuses((req, res) => {
    const isExpired = gateway.midtrans.calls.some(({ path }) => path.endsWith('/expire'));
    const status = isExpired ? { transaction_status: 'expire', status_code: '407' } : {};
    if (req.method === 'POST') json(res, 200, { status_code: '407' });
    else json(res, 200, { ...message, ...status });
  });
  await merchant.runOut();

  await gateway.services.sweep();

  expect(await books.shown(orderId)).toMatchObject({ status: 'expired', customerFee: 0 });
  expect(await books.reasons()).toEqual([]);
});

test('a reserved card is captured with its fee', async () => {
  const orderId = await pendingOrder();
  const card = { payment_type: 'credit_card', transaction_status: 'authorize' };
  const { message } = await merchant.tell(orderId, { ...card, ...withFee() });
  expect(await books.shown(orderId)).toMatchObject({ status: 'pending', customerFee: 4_000 });
  gateway.midtrans.answerChanges((_req, res) => {
    const said = { ...message, transaction_status: 'capture' };
    gateway.midtrans.setStatus(orderId, said);
    json(res, 200, { status_code: '200' });
  });

  const answer = await desk.post(`${orderId}/capture`, {});

  expect(answer.status).toBe(200);
  const [call] = gateway.midtrans.changeCalls().slice(-1);
  expect(JSON.parse(call?.body ?? '')).toMatchObject({ gross_amount: 154_000 });
  await expectPaidWithFee(books, orderId);
});

test('a reserved card with a fee is released by a cancel', async () => {
  const orderId = await pendingOrder();
  const card = { payment_type: 'credit_card', transaction_status: 'authorize' };
  const { message } = await merchant.tell(orderId, { ...card, ...withFee() });
  gateway.midtrans.answerChanges((_req, res) => {
    gateway.midtrans.setStatus(orderId, { ...message, transaction_status: 'cancel' });
    json(res, 200, { status_code: '200' });
  });

  const answer = await desk.post(`${orderId}/cancel`, { reason: 'out of stock' });

  expect(answer.status).toBe(200);
  expect(await books.shown(orderId)).toMatchObject({ status: 'cancelled', customerFee: 0 });
  expect(await books.balances()).toEqual({});
});

test.each([
  [
    "a fee's transfer is missing",
    "delete from ledger_transfers where tenant_id = $1 and kind = 'fee'",
  ],
  [
    "a fee's transfer was changed",
    "update ledger_transfers set amount = amount + 1 where tenant_id = $1 and kind = 'fee'",
  ],
  [
    'a fee is in neither the transfers nor the totals',
    `with gone as (delete from ledger_transfers where tenant_id = $1 and kind = 'fee')
     update ledger_days
        set debits = debits - case when account = 'provider_balance' then 4000 else 0 end,
            credits = credits - case when account = 'customer_fees' then 4000 else 0 end
      where tenant_id = $1`,
  ],
  ['a payment claims another fee', 'update payments set customer_fee = 4001 where tenant_id = $1'],
  [
    "a day's total of fees is off",
    "update ledger_days set credits = credits - 1 where tenant_id = $1 and account = 'customer_fees'",
  ],
])('the check of the ledger finds that %s', async (_name, damage) => {
  await paidOrder();
  expect(await desk.findings()).toEqual([]);

  await gateway.admin.query(damage, [merchant.id]);

  expect((await desk.findings()).length).toBeGreaterThan(0);
  merchant = await gateway.merchant(); // the damaged one is not checked again
  desk = openRefundDesk(gateway, merchant);
});
