import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';
import { openRefundDesk } from '../support/refunds.ts';

// The provider charges the shopper a fee on top of an order. Its books say so; what a message says
// of it is not signed, only the raised amount is.

let gateway: Gateway;
let merchant: Merchant;
let desk: ReturnType<typeof openRefundDesk>;

beforeAll(async () => {
  gateway = await startGateway({ NOTIFICATION_CONFIRM_MS: '300', PROVIDER_TIMEOUT_MS: '500' });
});

beforeEach(async () => {
  gateway.midtrans.answerChanges(undefined);
  gateway.midtrans.answerStatuses(undefined);
  merchant = await gateway.merchant();
  desk = openRefundDesk(gateway, merchant);
});

afterEach(async () => {
  expect(await desk.findings()).toEqual([]);
});

afterAll(() => gateway.close());

const pending = { transaction_status: 'pending', status_code: '201' };
const gopay = { payment_type: 'gopay' };

/** What the provider says of a payment of 150000 with a fee on top. */
function withFee(fee = 4_000, original = 150_000) {
  const info = {
    original_amount: `${original}.00`,
    gross_amount: `${original + fee}.00`,
    customer_imposed_payment_fee: `${fee}.00`,
  };
  return {
    gross_amount: info.gross_amount,
    metadata: { extra_info: { gross_amount_info: info } },
  };
}

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

async function balances(): Promise<Record<string, number>> {
  const { rows } = await gateway.admin.query<{ account: string; balance: string }>(
    `select account, sum(debits - credits) as balance from ledger_days
      where tenant_id = $1 group by account`,
    [merchant.id],
  );
  return Object.fromEntries(rows.map(({ account, balance }) => [account, Number(balance)]));
}

async function reasons(): Promise<string[]> {
  return (await merchant.attention()).map(({ reason }) => reason).sort();
}

async function payment() {
  const [row] = await merchant.rows<Record<string, string>>('payments');
  return row;
}

const stats = async () => (await merchant.stats()).body.stats;
const shown = async (orderId: string) =>
  (await merchant.get(`/orders/${orderId}/status`)).body.order;

/** What a paid order with a fee of 4000 on top is, however it was learned. */
async function expectPaidWithFee(orderId: string): Promise<void> {
  expect(await shown(orderId)).toMatchObject({
    status: 'paid',
    amount: 150_000,
    customerFee: 4_000,
    refundedAmount: 0,
  });
  expect(await payment()).toMatchObject({
    amount: '150000',
    customer_fee: '4000',
    captured_amount: '154000',
  });
  expect(await balances()).toEqual({
    provider_balance: 154_000,
    sales: -150_000,
    customer_fees: -4_000,
  });
  expect(await stats()).toMatchObject({ paid: 1, revenue: 150_000 });
  expect(await reasons()).toEqual(['fee-on-top']);
}

test('a payment with a fee on top pays the order', async () => {
  const { order_id: orderId, transaction_id: transactionId } = await paidOrder();

  await expectPaidWithFee(orderId);
  expect(await merchant.rows('ledger_transfers')).toMatchObject([
    { kind: 'payment', amount: '150000', credit_account: 'sales' },
    { kind: 'fee', amount: '4000', credit_account: 'customer_fees' },
  ]);
  expect((await merchant.attention())[0]?.detail).toBe(
    `Transaction ${transactionId} of 154000 IDR: the shopper paid 4000 on top, 154000 in all.`,
  );
});

test('the fee is read where the documentation has it, and as numbers', async () => {
  const info = {
    original_amount: 150_000,
    gross_amount: 154_000,
    customer_imposed_payment_fee: 4_000,
  };
  const message = await paidOrder({
    metadata: { shop: 'one' },
    extra_info: { gross_amount_info: info },
  });

  await expectPaidWithFee(message.order_id);
});

test('copies, older news and news in any order end the same', async () => {
  const orderId = await pendingOrder();
  const fee = withFee();
  const { message } = await merchant.tell(orderId, { ...gopay, ...fee });
  const older = { ...message, ...pending };

  await Promise.all(
    [message, older, message, older].map((news) => merchant.notify(merchant.signed(news))),
  );
  await gateway.admin.query('update payments set next_check_at = now() where tenant_id = $1', [
    merchant.id,
  ]);
  await gateway.services.sweep();

  await expectPaidWithFee(orderId);
});

test('a fee that was seen while the payment was pending is nothing until it is paid', async () => {
  const orderId = await pendingOrder();
  const { message } = await merchant.tell(orderId, { ...gopay, ...withFee(), ...pending });
  expect(await shown(orderId)).toMatchObject({ status: 'pending', customerFee: 0 });
  expect(await reasons()).toEqual([]);

  await merchant.tell(orderId, {
    ...message,
    transaction_status: 'settlement',
    status_code: '200',
  });

  await expectPaidWithFee(orderId);
});

test.each<[string, () => void]>([
  ['does not answer', () => gateway.midtrans.answerStatuses((req) => req.socket.destroy())],
  [
    'does not know it yet',
    () => gateway.midtrans.answerStatuses((_req, res) => json(res, 200, { status_code: '404' })),
  ],
])('while the provider %s, nothing is refused, and a job finishes it', async (_name, break_) => {
  const orderId = await pendingOrder();
  break_();
  const { answer } = await merchant.tell(orderId, { ...gopay, ...withFee() });
  expect(answer.status).toBe(200);
  expect(await reasons()).toEqual([]);
  expect(await merchant.orderStatus(orderId)).toBe('pending');
  gateway.midtrans.answerStatuses(undefined);

  const tenant = await gateway.tenantOf(merchant.slug);
  const [stored] = await merchant.rows<{ id: string }>('notifications');
  await gateway.services.notifications.confirmLater(tenant, stored?.id as never, undefined);

  await expectPaidWithFee(orderId);
  expect(await merchant.rows('notifications')).toMatchObject([{ status: 'processed' }]);
});

test('a payment with a fee that nobody told us about is found by asking', async () => {
  const orderId = await pendingOrder();
  gateway.midtrans.answerStatuses((req) => req.socket.destroy());
  await merchant.tell(orderId, { ...gopay, ...withFee() });
  gateway.midtrans.answerStatuses(undefined);
  await merchant.runOut();

  await gateway.services.sweep();

  await expectPaidWithFee(orderId);
});

test('another attempt with another fee: the fee is that of the one that paid', async () => {
  const orderId = await pendingOrder();
  await merchant.tell(orderId, { ...gopay, ...withFee(2_500), ...pending });

  await merchant.tell(orderId, withFee());

  await expectPaidWithFee(orderId);
});

test('two attempts that both paid keep the fee of each', async () => {
  const { order_id: orderId } = await paidOrder();

  await merchant.tell(orderId, withFee(2_500));

  expect(await balances()).toEqual({
    provider_balance: 306_500,
    sales: -300_000,
    customer_fees: -6_500,
  });
  expect(await reasons()).toEqual(['fee-on-top', 'fee-on-top', 'paid-twice']);
});

test('a fee on a page that had expired is late, and taken', async () => {
  const orderId = await pendingOrder();
  await merchant.runOut();
  await gateway.services.sweep();

  await merchant.tell(orderId, withFee());

  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(await reasons()).toEqual(['fee-on-top', 'late-money']);
  expect(await balances()).toMatchObject({ provider_balance: 154_000 });
});

test.each<[string, object]>([
  ['claim nothing', { metadata: undefined }],
  ['do not add up', { metadata: { extra_info: { gross_amount_info: parts(150_000, 3_000) } } }],
  ['name another original amount', withFee(14_000, 140_000)],
  ['name another sum', { metadata: { extra_info: { gross_amount_info: parts(150_000, 5_000) } } }],
  ['are no numbers', { metadata: { extra_info: { gross_amount_info: parts('x', 4_000) } } }],
  [
    'are not whole rupiah',
    { metadata: { extra_info: { gross_amount_info: parts(150_000.5, 3_999.5) } } },
  ],
])('books that %s change nothing, and bring the order before a person', async (_name, odd) => {
  const orderId = await pendingOrder();

  const { answer, message } = await merchant.tell(orderId, { ...withFee(), ...odd });
  const again = await merchant.notify(merchant.signed(message));

  expect([answer.status, again.status]).toEqual([409, 409]);
  expect(answer.body.code).toBe('notification-contradicts');
  expect(await merchant.orderStatus(orderId)).toBe('pending');
  expect(await balances()).toEqual({});
  expect(await reasons()).toEqual(['amount-differs']);
  expect(await merchant.rows('notifications')).toMatchObject([{ status: 'rejected', copies: 2 }]);
});

function parts(original: unknown, fee: number) {
  return {
    original_amount: original,
    gross_amount: 154_000,
    customer_imposed_payment_fee: fee,
  };
}

test('books that claim a fee within the order’s amount are refused as well', async () => {
  const orderId = await pendingOrder();

  await merchant.tell(orderId, withFee(4_000, 146_000));

  expect(await merchant.orderStatus(orderId)).toBe('pending');
  expect(await reasons()).toEqual(['amount-differs']);
});

test('what a message says of a fee is not believed', async () => {
  const orderId = await pendingOrder();
  const { message } = await merchant.tell(orderId, pending);
  const books = { ...message, ...withFee(), metadata: undefined };
  gateway.midtrans.setStatus(message.transaction_id, books);

  const answer = await merchant.notify(merchant.signed({ ...books, ...withFee() }));

  expect(answer.status).toBe(409);
  expect(await merchant.orderStatus(orderId)).toBe('pending');
});

test('a refused fee is paid after all once the books make sense', async () => {
  const orderId = await pendingOrder();
  const { message } = await merchant.tell(orderId, { ...withFee(), metadata: undefined });
  gateway.midtrans.setStatus(orderId, { ...message, ...withFee() });
  await merchant.runOut();

  await gateway.services.sweep();

  await expectPaidWithFee(orderId);
  expect(await merchant.attention('resolved')).toMatchObject([
    { reason: 'amount-differs', resolvedBy: 'kassa' },
  ]);
});

test('all that was paid can be refunded, the fee with it', async () => {
  const paid = await paidOrder();
  gateway.midtrans.answerChanges((_req, res, body) => {
    const { refund_key, amount } = JSON.parse(body);
    const sum = `${amount}.00`;
    const refunds = [{ refund_key, refund_amount: sum }];
    const books = { ...paid, transaction_status: 'refund', refund_amount: sum, refunds };
    gateway.midtrans.setStatus(paid.transaction_id, books);
    json(res, 200, { status_code: '200', refund_key });
  });
  const tooMuch = await desk.refund(paid.order_id, { amount: 154_001 });
  expect(tooMuch.body.code).toBe('refund-too-large');
  expect((await desk.list(paid.order_id)).body.refundable).toBe(154_000);

  const answer = await desk.refund(paid.order_id);

  expect(answer.body.refund).toMatchObject({ amount: 154_000, status: 'accepted' });
  expect(await shown(paid.order_id)).toMatchObject({ status: 'refunded', refundedAmount: 154_000 });
  expect(await merchant.rows('orders')).toMatchObject([{ refunded_amount: '150000' }]);
  expect(await payment()).toMatchObject({ refunded_amount: '154000' });
  expect(await balances()).toEqual({
    provider_balance: 0,
    sales: -150_000,
    customer_fees: 0,
    refunds: 150_000,
  });
  expect(await stats()).toMatchObject({ paid: 0, revenue: 0 });
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
  expect(await stats()).toMatchObject({ paid: 1, revenue: 1_000 });

  await tell(153_000, [first, { refund_key: 'dashboard-2', refund_amount: '4000.00' }]);

  expect(await desk.rows()).toHaveLength(2);
  expect(await balances()).toEqual({
    provider_balance: 1_000,
    sales: -150_000,
    customer_fees: -1_000,
    refunds: 150_000,
  });
  expect(await stats()).toMatchObject({ paid: 1, revenue: 0 });
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
  expect(await balances()).toMatchObject({ provider_balance: 0 });
});

test('a refund that is told without a sum is of everything', async () => {
  const paid = await paidOrder();

  await merchant.tell(paid.order_id, { ...paid, transaction_status: 'refund' });

  expect(await payment()).toMatchObject({ refunded_amount: '154000', status: 'refunded' });
});

test('a refund of more than was paid with the fee is refused', async () => {
  const paid = await paidOrder();

  await merchant.tell(paid.order_id, {
    ...paid,
    transaction_status: 'partial_refund',
    refund_amount: '154001.00',
  });

  expect(await merchant.orderStatus(paid.order_id)).toBe('paid');
  expect(await reasons()).toEqual(['fee-on-top', 'news-that-cannot-be']);
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
  expect(await reasons()).toEqual(['fee-on-top', 'reversed']);
});

test.each([
  ['a reversal', { transaction_status: 'deny', status_code: '202' }, 'failed'],
  ['a chargeback', { transaction_status: 'chargeback' }, 'disputed'],
  ['a voided card', { transaction_status: 'cancel', status_code: '202' }, 'cancelled'],
])('%s takes the fee, too', async (_name, change, status) => {
  const paid = await paidOrder();

  await merchant.tell(paid.order_id, { ...paid, ...change });

  expect(await merchant.orderStatus(paid.order_id)).toBe(status);
  expect(await balances()).toEqual({
    provider_balance: 0,
    sales: -150_000,
    customer_fees: -4_000,
    losses: 154_000,
  });
});

test('money that comes back after a reversal with another fee is what it is now', async () => {
  const paid = await paidOrder();
  await merchant.tell(paid.order_id, { ...paid, transaction_status: 'deny', status_code: '202' });

  await merchant.tell(paid.order_id, withFee(2_500));

  expect(await merchant.orderStatus(paid.order_id)).toBe('paid');
  expect(await balances()).toEqual({
    provider_balance: 152_500,
    sales: -150_000,
    customer_fees: -2_500,
    losses: 0,
  });
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

  expect(await shown(orderId)).toMatchObject({ status: 'expired', customerFee: 0 });
  expect(await reasons()).toEqual([]);
});

test('a reserved card is captured with its fee', async () => {
  const orderId = await pendingOrder();
  const card = { payment_type: 'credit_card', transaction_status: 'authorize' };
  const { message } = await merchant.tell(orderId, { ...card, ...withFee() });
  expect(await shown(orderId)).toMatchObject({ status: 'pending', customerFee: 4_000 });
  gateway.midtrans.answerChanges((_req, res) => {
    const books = { ...message, transaction_status: 'capture' };
    gateway.midtrans.setStatus(orderId, books);
    json(res, 200, { status_code: '200' });
  });

  const answer = await desk.post(`${orderId}/capture`, {});

  expect(answer.status).toBe(200);
  const [call] = gateway.midtrans.changeCalls().slice(-1);
  expect(JSON.parse(call?.body ?? '')).toMatchObject({ gross_amount: 154_000 });
  await expectPaidWithFee(orderId);
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
  expect(await shown(orderId)).toMatchObject({ status: 'cancelled', customerFee: 0 });
  expect(await balances()).toEqual({});
});

test('an order id that an earlier page was paid on, with a fee, is not sold a second time', async () => {
  const order = anOrder();
  const books = { order_id: order.orderId, transaction_id: 'EARLIER', ...withFee() };
  gateway.midtrans.answerCreates((_req, res) =>
    json(res, 400, { error_messages: ['transaction_details.order_id has been paid and utilized'] }),
  );
  gateway.midtrans.setStatus(order.orderId, {
    transaction_status: 'settlement',
    status_code: '200',
    ...books,
  });

  const refused = await merchant.create(order);
  gateway.midtrans.answerCreates(undefined);

  expect(refused.body.code).toBe('order-already-paid');
  await expectPaidWithFee(order.orderId);
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
