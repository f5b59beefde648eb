import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openBooks } from '../support/books.ts';
import { withFee } from '../support/fees.ts';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { openRefundDesk } from '../support/refunds.ts';

// Of several attempts on one page more than one may take money: each is a payment of its own.

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
const pending = { transaction_status: 'pending', status_code: '201' };
const denied = { transaction_status: 'deny', status_code: '202' };

async function pendingOrder(): Promise<string> {
  const order = anOrder();
  await merchant.create(order);
  return order.orderId;
}

test('a second attempt that paid on the same page is a payment of its own', async () => {
  const orderId = await pendingOrder();
  const { message: first } = await merchant.tell(orderId);

  const { message: second } = await merchant.tell(orderId);

  expect(await books.positions()).toEqual([
    ['paid', 150_000, 0, 0],
    ['paid', 150_000, 0, 0],
  ]);
  expect(await merchant.attention()).toMatchObject([
    { reason: 'paid-twice', detail: expect.stringContaining(second.transaction_id) },
  ]);
  expect((await merchant.attention())[0]?.detail).toContain(first.transaction_id);
  expect(await books.providerBalance()).toBe(300_000);
  expect(await books.stats()).toMatchObject({ paid: 1, revenue: 150_000 });
});

test('however often and in whatever order two attempts are told, there are two payments', async () => {
  const orderId = await pendingOrder();
  const { message: first } = await merchant.tell(orderId);
  const { message: second } = await merchant.tell(orderId);

  await Promise.all(
    [first, second, first, second, first].map((message) =>
      merchant.notify(merchant.signed(message)),
    ),
  );
  await merchant.tell(orderId, { ...second, ...pending });

  expect(await books.positions()).toHaveLength(2);
  expect(await books.providerBalance()).toBe(300_000);
  expect(await books.reasons()).toEqual(['paid-twice']);
});

test('messages that jobs confirm later are about their own attempt', async () => {
  const orderId = await pendingOrder();
  await merchant.tell(orderId);
  gateway.midtrans.answerStatuses((req) => req.socket.destroy());
  const { message: second } = await merchant.tell(orderId);
  await merchant.tell(orderId, { ...second, fraud_status: undefined });
  expect(await books.positions()).toHaveLength(1);
  gateway.midtrans.answerStatuses(undefined);

  const tenant = await gateway.tenantOf(merchant.slug);
  const stored = await merchant.rows<{ id: string; status: string }>('notifications');
  const waiting = stored.filter(({ status }) => status === 'received');
  expect(waiting).toHaveLength(2);
  for (const { id } of waiting) {
    await gateway.services.notifications.confirmLater(tenant, id as never, undefined);
  }

  expect(await books.positions()).toHaveLength(2);
  expect(await books.providerBalance()).toBe(300_000);
});

test('the second attempt is refunded by its own transaction, and the list says that it is settled', async () => {
  const orderId = await pendingOrder();
  await merchant.tell(orderId, { payment_type: 'gopay' });
  const { message: second } = await merchant.tell(orderId, { payment_type: 'gopay' });
  desk.doRefunds(second);

  const answer = await desk.refund(orderId);

  expect(answer.status).toBe(201);
  expect(gateway.midtrans.changeCalls().at(-1)?.path).toContain(second.transaction_id);
  expect(await books.positions()).toEqual([
    ['paid', 150_000, 0, 0],
    ['refunded', 150_000, 150_000, 0],
  ]);
  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(await books.reasons()).toEqual([]);
  expect(await merchant.attention('resolved')).toMatchObject([
    { reason: 'paid-twice', resolvedBy: 'kassa' },
  ]);
  expect(await books.providerBalance()).toBe(150_000);
});

test('what becomes of a second attempt is not mistaken for the first', async () => {
  const orderId = await pendingOrder();
  await merchant.tell(orderId);
  const { message: second } = await merchant.tell(orderId);

  await merchant.tell(orderId, { ...second, ...denied });

  expect(await books.positions()).toEqual([
    ['paid', 150_000, 0, 0],
    ['failed', 150_000, 0, 150_000],
  ]);
  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(await books.reasons()).toEqual(['reversed']);
  expect(await books.providerBalance()).toBe(150_000);
});

test('a second attempt whose money was taken back is asked about by its own transaction', async () => {
  const orderId = await pendingOrder();
  const { message: first } = await merchant.tell(orderId);
  const { message: second } = await merchant.tell(orderId);
  await merchant.tell(orderId, { ...second, ...denied });
  gateway.midtrans.setStatus(orderId, first);
  gateway.midtrans.setStatus(second.transaction_id, second);
  await gateway.admin.query(
    'update payments set next_check_at = now() where tenant_id = $1 and attempt = 2',
    [merchant.id],
  );

  await gateway.services.sweep();

  expect((await books.positions())[1]).toEqual(['paid', 150_000, 0, 0]);
  expect(await books.providerBalance()).toBe(300_000);
  expect(await books.reasons()).toEqual(['late-money', 'paid-twice', 'reversed']);
});

test('a second attempt that is known only by its refund is in the books, both ways', async () => {
  const orderId = await pendingOrder();
  await merchant.tell(orderId);

  await merchant.tell(orderId, {
    payment_type: 'gopay',
    transaction_status: 'partial_refund',
    refund_amount: '50000.00',
    refunds: [{ refund_key: 'dashboard-1', refund_amount: '50000.00' }],
  });

  expect(await books.positions()).toEqual([
    ['paid', 150_000, 0, 0],
    ['partially_refunded', 150_000, 50_000, 0],
  ]);
  expect(await desk.rows()).toMatchObject([{ source: 'provider', amount: '50000' }]);
  expect(await books.reasons()).toEqual(['paid-twice']);
  expect(await books.providerBalance()).toBe(250_000);
});

test('a second attempt that pays a refunded order is before a person', async () => {
  const orderId = await pendingOrder();
  const { message } = await merchant.tell(orderId, { payment_type: 'gopay' });
  await merchant.tell(orderId, {
    ...message,
    transaction_status: 'refund',
    refund_amount: '150000.00',
  });

  await merchant.tell(orderId);

  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(await books.reasons()).toEqual(['paid-twice']);
  expect(await books.providerBalance()).toBe(150_000);
});

test('an order that was paid by two attempts is neither cancelled nor sold again', async () => {
  const order = anOrder();
  const page = await merchant.create(order);
  await merchant.tell(order.orderId, card);
  await merchant.tell(order.orderId, card);

  const cancelled = await desk.post(`${order.orderId}/cancel`, { reason: 'twice' });
  const again = await merchant.create(order);

  expect(cancelled.body.code).toBe('order-not-cancellable');
  expect(again.body.token).toBe(page.body.token);
});

test('an old message about an attempt is held against the books once that attempt has paid', async () => {
  const orderId = await pendingOrder();
  const reserve = { ...card, transaction_status: 'authorize' };
  const { message: second } = await merchant.tell(orderId, reserve);
  gateway.midtrans.answerStatuses((req) => req.socket.destroy());
  await merchant.notify(merchant.signed({ ...second, ...denied }));
  gateway.midtrans.answerStatuses(undefined);
  await merchant.tell(orderId);
  await merchant.tell(orderId, { ...second, transaction_status: 'capture' });
  const stored = await merchant.rows<{ id: string; status: string }>('notifications');
  const waiting = stored.find(({ status }) => status === 'received');

  const tenant = await gateway.tenantOf(merchant.slug);
  const confirm = () =>
    gateway.services.notifications.confirmLater(tenant, waiting?.id as never, undefined);

  await expect(confirm()).rejects.toThrow('does not confirm');
  expect((await books.positions()).map(([status]) => status)).toEqual(['paid', 'paid']);
  gateway.midtrans.setStatus(second.transaction_id, { ...second, ...denied });
  await confirm();
  expect((await books.positions()).map(([status]) => status)).toEqual(['paid', 'failed']);
});

test('a card that fraud screening still holds stays before a person when another attempt pays', async () => {
  const orderId = await pendingOrder();
  const hold = { ...card, transaction_status: 'capture', fraud_status: 'challenge' };
  const { message: held } = await merchant.tell(orderId, { ...hold, status_code: '201' });

  await merchant.tell(orderId);

  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(await books.reasons()).toEqual(['fraud-hold']);
  await merchant.tell(orderId, { ...held, status_code: '200', fraud_status: 'accept' });
  expect(await books.reasons()).toEqual(['paid-twice']);
  expect(await books.providerBalance()).toBe(300_000);
});

test('the fee of a reserved card is not held against another attempt that pays without one', async () => {
  const orderId = await pendingOrder();
  await merchant.tell(orderId, { ...card, transaction_status: 'authorize', ...withFee() });

  await merchant.tell(orderId);

  expect(await books.positions()).toEqual([['paid', 150_000, 0, 0]]);
  expect(await books.providerBalance()).toBe(150_000);
  expect(await books.reasons()).toEqual([]);
});

test('after a reversal another attempt is a payment of its own, and the first one keeps its refund', async () => {
  const orderId = await pendingOrder();
  const { message: first } = await merchant.tell(orderId, card);
  gateway.midtrans.answerChanges((req) => req.socket.destroy());
  expect((await desk.refund(orderId, { amount: 50_000 })).status).toBe(503);
  await merchant.tell(orderId, { ...first, ...denied });
  gateway.midtrans.answerChanges(undefined);

  const { message: second } = await merchant.tell(orderId, card);
  gateway.midtrans.setStatus(first.transaction_id, { ...first, ...denied });
  await desk.pass('1 hour');
  gateway.midtrans.calls.length = 0;
  await gateway.services.sweep();

  expect(await books.positions()).toEqual([
    ['failed', 150_000, 0, 150_000],
    ['paid', 150_000, 0, 0],
  ]);
  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(gateway.midtrans.changeCalls()).toEqual([]);
  expect(await desk.rows()).toMatchObject([{ status: 'refused' }]);
  expect(await books.reasons()).toEqual(['late-money', 'refund-refused', 'reversed']);
  expect(second.transaction_id).not.toBe(first.transaction_id);
});
