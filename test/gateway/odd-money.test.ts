import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openBooks } from '../support/books.ts';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { openRefundDesk } from '../support/refunds.ts';

// Money that comes late, twice, or goes away again: recorded in payment, ledger and statistics, and
// before a person. What comes with a fee on top has a file of its own.

let gateway: Gateway;
let merchant: Merchant;
let desk: ReturnType<typeof openRefundDesk>;
let books: ReturnType<typeof openBooks>;

beforeAll(async () => {
  gateway = await startGateway({ PROVIDER_TIMEOUT_MS: '500' });
});

beforeEach(async () => {
  gateway.midtrans.answerChanges(undefined);
  merchant = await gateway.merchant();
  desk = openRefundDesk(gateway, merchant);
  books = openBooks(gateway, merchant);
});

afterEach(async () => {
  expect(await desk.findings()).toEqual([]);
});

afterAll(() => gateway.close());

const card = { payment_type: 'credit_card', fraud_status: 'accept' };
const denied = { transaction_status: 'deny', status_code: '202' };

async function pendingOrder(): Promise<string> {
  const order = anOrder();
  await merchant.create(order);
  return order.orderId;
}

test('money after expiry is taken', async () => {
  const orderId = await pendingOrder();
  await merchant.runOut();
  await gateway.services.sweep();
  expect(await merchant.orderStatus(orderId)).toBe('expired');

  await merchant.tell(orderId);

  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(await books.reasons()).toEqual(['late-money']);
  expect(await books.positions()).toEqual([['paid', 150_000, 0, 0]]);
  expect(await books.providerBalance()).toBe(150_000);
  expect(await books.stats()).toMatchObject({ paid: 1, revenue: 150_000 });
});

test('money after a cancel at the provider is taken', async () => {
  const orderId = await pendingOrder();
  const cancel = { transaction_status: 'cancel', status_code: '202' };
  await merchant.tell(orderId, cancel);
  expect(await merchant.orderStatus(orderId)).toBe('cancelled');

  await merchant.tell(orderId);

  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(await books.reasons()).toEqual(['late-money']);
  expect(await books.positions()).toEqual([['paid', 150_000, 0, 0]]);
  expect(await books.providerBalance()).toBe(150_000);
  expect(await books.stats()).toMatchObject({ paid: 1, revenue: 150_000 });
});

test('money after a cancel by the merchant is taken', async () => {
  const orderId = await pendingOrder();
  const answer = await desk.post(`${orderId}/cancel`, { reason: 'out of stock' });
  expect(answer.status).toBe(200);

  await merchant.tell(orderId);

  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(await books.reasons()).toEqual(['late-money']);
  expect(await books.providerBalance()).toBe(150_000);
  expect(await books.stats()).toMatchObject({ paid: 1, revenue: 150_000 });
});

test('two pages that were both paid are two payments', async () => {
  const { order, first, second } = await merchant.orderWithTwoPages();
  await merchant.tell(second);

  await merchant.tell(first);

  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
  expect(await books.reasons()).toEqual(['late-money', 'paid-twice']);
  expect(await books.positions()).toEqual([
    ['paid', 150_000, 0, 0],
    ['paid', 150_000, 0, 0],
  ]);
  expect(await books.providerBalance()).toBe(300_000);
  expect(await books.stats()).toMatchObject({ paid: 1, revenue: 150_000 });
});

test.each(['chargeback', 'partial_chargeback'])('a %s disputes the order', async (status) => {
  const orderId = await pendingOrder();
  const { message } = await merchant.tell(orderId, card);

  await merchant.tell(orderId, { ...message, transaction_status: status });
  await merchant.tell(orderId, { ...message, transaction_status: status });

  expect(await merchant.orderStatus(orderId)).toBe('disputed');
  expect(await books.reasons()).toEqual(['charged-back']);
  expect(await books.positions()).toEqual([['disputed', 150_000, 0, 150_000]]);
  expect(await books.providerBalance()).toBe(0);
  expect(await books.stats()).toMatchObject({ paid: 0, revenue: 0 });
});

test('a chargeback of which the payment was never heard of is both late and charged back', async () => {
  const orderId = await pendingOrder();
  await merchant.runOut();
  await gateway.services.sweep();

  await merchant.tell(orderId, { ...card, transaction_status: 'chargeback' });

  expect(await books.reasons()).toEqual(['charged-back', 'late-money']);
  expect(await books.positions()).toEqual([['disputed', 150_000, 0, 150_000]]);
});

test('a settlement that is denied afterwards is a reversal', async () => {
  const orderId = await pendingOrder();
  const { message } = await merchant.tell(orderId);

  await merchant.tell(orderId, { ...message, ...denied });

  expect(await merchant.orderStatus(orderId)).toBe('failed');
  expect(await books.reasons()).toEqual(['reversed']);
  expect(await books.positions()).toEqual([['failed', 150_000, 0, 150_000]]);
  expect(await books.providerBalance()).toBe(0);
  expect(await books.stats()).toMatchObject({ paid: 0, revenue: 0 });
});

test('a denied attempt of a page that nobody paid is nothing for a person', async () => {
  const orderId = await pendingOrder();

  await merchant.tell(orderId, denied);

  expect(await books.reasons()).toEqual([]);
});
