import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openBooks } from '../support/books.ts';
import { expectPaidWithFee, withFee } from '../support/fees.ts';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';
import { openRefundDesk } from '../support/refunds.ts';

// The provider charges the shopper a fee on top of an order. Its books say so; what a message says
// of it is not signed, only the raised amount is.

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

test('a payment with a fee on top pays the order', async () => {
  const { order_id: orderId, transaction_id: transactionId } = await paidOrder();

  await expectPaidWithFee(books, orderId);
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

  await expectPaidWithFee(books, message.order_id);
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

  await expectPaidWithFee(books, orderId);
});

test('a fee that was seen while the payment was pending is nothing until it is paid', async () => {
  const orderId = await pendingOrder();
  const { message } = await merchant.tell(orderId, { ...gopay, ...withFee(), ...pending });
  expect(await books.shown(orderId)).toMatchObject({ status: 'pending', customerFee: 0 });
  expect(await books.reasons()).toEqual([]);

  await merchant.tell(orderId, {
    ...message,
    transaction_status: 'settlement',
    status_code: '200',
  });

  await expectPaidWithFee(books, orderId);
});

test('an attempt with a fee that was denied is nothing for a person', async () => {
  const orderId = await pendingOrder();
  const denied = { transaction_status: 'deny', status_code: '202' };

  const { answer } = await merchant.tell(orderId, { ...withFee(), ...denied });

  expect(answer.status).toBe(200);
  expect(await books.reasons()).toEqual([]);
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
  expect(await books.reasons()).toEqual([]);
  expect(await merchant.orderStatus(orderId)).toBe('pending');
  gateway.midtrans.answerStatuses(undefined);

  const tenant = await gateway.tenantOf(merchant.slug);
  const [stored] = await merchant.rows<{ id: string }>('notifications');
  await gateway.services.notifications.confirmLater(tenant, stored?.id as never, undefined);

  await expectPaidWithFee(books, orderId);
  expect(await merchant.rows('notifications')).toMatchObject([{ status: 'processed' }]);
});

test('a payment with a fee that nobody told us about is found by asking', async () => {
  const orderId = await pendingOrder();
  gateway.midtrans.answerStatuses((req) => req.socket.destroy());
  await merchant.tell(orderId, { ...gopay, ...withFee() });
  gateway.midtrans.answerStatuses(undefined);
  await merchant.runOut();

  await gateway.services.sweep();

  await expectPaidWithFee(books, orderId);
});

test('another attempt with another fee: the fee is that of the one that paid', async () => {
  const orderId = await pendingOrder();
  await merchant.tell(orderId, { ...gopay, ...withFee(2_500), ...pending });

  await merchant.tell(orderId, withFee());

  await expectPaidWithFee(books, orderId);
});

test('two attempts that both paid keep the fee of each', async () => {
  const { order_id: orderId } = await paidOrder();

  await merchant.tell(orderId, withFee(2_500));

  expect(await books.balances()).toEqual({
    provider_balance: 306_500,
    sales: -300_000,
    customer_fees: -6_500,
  });
  expect(await books.reasons()).toEqual(['fee-on-top', 'fee-on-top', 'paid-twice']);
});

test('a fee on a page that had expired is late, and taken', async () => {
  const orderId = await pendingOrder();
  await merchant.runOut();
  await gateway.services.sweep();

  await merchant.tell(orderId, withFee());

  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(await books.reasons()).toEqual(['fee-on-top', 'late-money']);
  expect(await books.balances()).toMatchObject({ provider_balance: 154_000 });
});

test.each<[string, object]>([
  ['claim nothing', { metadata: undefined }],
  ['do not add up', { metadata: { extra_info: { gross_amount_info: parts(150_000, 3_000) } } }],
  ['name another original amount', withFee(14_000, 140_000)],
  ['name another sum', { metadata: { extra_info: { gross_amount_info: parts(150_000, 5_000) } } }],
  [
    'name another original amount and the missing sum as the fee',
    { metadata: { extra_info: { gross_amount_info: parts(140_000, 4_000) } } },
  ],
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
  expect(await books.balances()).toEqual({});
  expect(await books.reasons()).toEqual(['amount-differs']);
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
  expect(await books.reasons()).toEqual(['amount-differs']);
});

test('what a message says of a fee is not believed', async () => {
  const orderId = await pendingOrder();
  const { message } = await merchant.tell(orderId, pending);
  const said = { ...message, ...withFee(), metadata: undefined };
  gateway.midtrans.setStatus(message.transaction_id, said);

  const answer = await merchant.notify(merchant.signed({ ...said, ...withFee() }));

  expect(answer.status).toBe(409);
  expect(await merchant.orderStatus(orderId)).toBe('pending');
});

test('a refused fee is paid after all once the books make sense', async () => {
  const orderId = await pendingOrder();
  const { message } = await merchant.tell(orderId, { ...withFee(), metadata: undefined });
  gateway.midtrans.setStatus(orderId, { ...message, ...withFee() });
  await merchant.runOut();

  await gateway.services.sweep();

  await expectPaidWithFee(books, orderId);
  expect(await merchant.attention('resolved')).toMatchObject([
    { reason: 'amount-differs', resolvedBy: 'kassa' },
  ]);
});

test('an order id that an earlier page was paid on, with a fee, is not sold a second time', async () => {
  const order = anOrder();
  const said = { order_id: order.orderId, transaction_id: 'EARLIER', ...withFee() };
  gateway.midtrans.answerCreates((_req, res) =>
    json(res, 400, { error_messages: ['transaction_details.order_id has been paid and utilized'] }),
  );
  gateway.midtrans.setStatus(order.orderId, {
    transaction_status: 'settlement',
    status_code: '200',
    ...said,
  });

  const refused = await merchant.create(order);
  gateway.midtrans.answerCreates(undefined);

  expect(refused.body.code).toBe('order-already-paid');
  await expectPaidWithFee(books, order.orderId);
});
