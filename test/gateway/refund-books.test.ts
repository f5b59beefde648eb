import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';
import { openRefundDesk } from '../support/refunds.ts';

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

test('a refund made in the dashboard is adopted, once, and followed to its end', async () => {
  const paid = await desk.paidOrder();
  const message = desk.setBooks(paid, [{ key: 'dashboard-1', amount: 50_000 }]);

  await merchant.notify(merchant.signed(message));
  await merchant.notify(merchant.signed(message));

  expect(await desk.rows()).toMatchObject([
    { source: 'provider', status: 'accepted', amount: '50000', provider_key: 'dashboard-1' },
  ]);
  expect((await desk.rows())[0]?.next_check_at).toBeInstanceOf(Date);
  const events = await merchant.rows<{ kind: string }>('order_events');
  expect(events.filter(({ kind }) => kind === 'refund-adopted')).toHaveLength(1);
  const listed = await desk.list(paid.order_id);
  expect(listed.body).toMatchObject({ refunds: [{ source: 'provider' }], refundable: 100_000 });
  expect(await merchant.orderStatus(paid.order_id)).toBe('partially_refunded');
});

test('the second message of a refund confirms it and is not added again', async () => {
  const paid = await desk.paidOrder();
  desk.doRefunds(paid);
  await desk.refund(paid.order_id, { amount: 50_000 });
  const [row] = await desk.rows();
  const confirmed = { key: String(row?.id), amount: 50_000, isConfirmed: true };

  const message = desk.setBooks(paid, [confirmed]);
  await merchant.notify(merchant.signed(message));
  await desk.follow(row?.id);

  expect(await desk.rows()).toMatchObject([{ status: 'confirmed', amount: '50000' }]);
  const listed = await desk.list(paid.order_id);
  expect(listed.body.refunds).toMatchObject([{ confirmedAt: expect.any(String) }]);
  expect((await merchant.stats()).body.stats).toMatchObject({ revenue: 100_000 });
});

test.each([
  ['partial_refund', 50_000],
  ['refund', 150_000],
])('a message of %s cannot make up a refund, or confirm one', async (status, amount) => {
  const paid = await desk.paidOrder();
  desk.doRefunds(paid);
  await desk.refund(paid.order_id, { amount });
  const [row] = await desk.rows();
  const sum = `${amount}.00`;
  const told = {
    ...paid,
    transaction_status: status,
    refund_amount: sum,
    refunds: [
      { refund_key: row?.id, refund_amount: sum, bank_confirmed_at: '2026-01-15 10:05:00' },
      { refund_key: 'made-up', refund_amount: '1.00' },
    ],
  };

  await merchant.notify(merchant.signed(told));

  expect(await desk.rows()).toMatchObject([{ id: row?.id, status: 'accepted' }]);
});

test('refunds here and there are told apart, and neither exceeds what is left', async () => {
  const paid = await desk.paidOrder();
  const done = desk.doRefunds(paid);
  done.push({ key: 'dashboard-1', amount: 60_000 });
  await desk.refund(paid.order_id, { amount: 50_000 });

  const tooLarge = await desk.refund(paid.order_id, { amount: 40_001 });
  const rest = await desk.refund(paid.order_id);

  expect(tooLarge.body.code).toBe('refund-too-large');
  expect(rest.body.refund).toMatchObject({ amount: 40_000 });
  expect((await desk.rows()).map(({ source }) => source).sort()).toEqual([
    'merchant',
    'merchant',
    'provider',
  ]);
  expect(await merchant.orderStatus(paid.order_id)).toBe('refunded');
});

test('a refund that the books list twice is one refund', async () => {
  const paid = await desk.paidOrder();
  const told = desk.setBooks(paid, [{ key: 'dashboard-1', amount: 60_000, isConfirmed: true }]);
  const [listed] = 'refunds' in told ? (told.refunds ?? []) : [];
  const before = { ...listed, bank_confirmed_at: undefined };
  gateway.midtrans.setStatus(paid.transaction_id, { ...told, refunds: [before, listed] });

  await merchant.notify(merchant.signed(told));

  expect(await desk.rows()).toMatchObject([{ status: 'confirmed', amount: '60000' }]);
});

test('a listed refund of more than was paid is not believed', async () => {
  const paid = await desk.paidOrder();
  const told = desk.setBooks(paid, [{ key: 'dashboard-1', amount: 150_001 }]);
  gateway.midtrans.setStatus(paid.transaction_id, { ...told, refund_amount: '1000.00' });

  await merchant.notify(merchant.signed(told));

  expect(await desk.rows()).toEqual([]);
});

test('a refund that is told only as a sum leaves less to refund', async () => {
  const paid = await desk.paidOrder();
  const sum = { transaction_status: 'partial_refund', refund_amount: '60000.00' };
  await merchant.tell(paid.order_id, { ...paid, ...sum });

  const tooLarge = await desk.refund(paid.order_id, { amount: 90_001 });

  expect(tooLarge.body.code).toBe('refund-too-large');
  expect(await desk.rows()).toEqual([]);
});

test('a notification of our own refund that is faster than its answer does not count twice', async () => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges(async (_req, res, body) => {
    const { refund_key } = JSON.parse(body);
    const message = desk.setBooks(paid, [{ key: refund_key, amount: 20_000 }]);
    await merchant.notify(merchant.signed(message));
    json(res, 200, { status_code: '200', refund_key });
  });

  const answer = await desk.refund(paid.order_id, { amount: 20_000 });

  expect(answer.status).toBe(201);
  expect(await desk.rows()).toMatchObject([{ status: 'accepted', source: 'merchant' }]);
  expect((await merchant.stats()).body.stats).toMatchObject({ revenue: 130_000 });
});

test('a refund that the bank refuses after all is taken back, and a person is told', async () => {
  const paid = await desk.paidOrder();
  desk.doRefunds(paid);
  await desk.refund(paid.order_id);
  expect(await merchant.orderStatus(paid.order_id)).toBe('refunded');
  const [row] = await desk.rows();
  await desk.pass('1 hour');
  desk.setBooks(paid, []);

  await desk.follow(row?.id);

  expect(await desk.rows()).toMatchObject([{ status: 'refused', detail: 'The bank refused it.' }]);
  expect(await merchant.orderStatus(paid.order_id)).toBe('paid');
  expect((await merchant.stats()).body.stats).toMatchObject({ paid: 1, revenue: 150_000 });
  expect(await merchant.attention()).toMatchObject([
    {
      reason: 'refund-refused-by-bank',
      detail: `Refund ${row?.id} of 150000 IDR was refused: by its bank.`,
    },
  ]);
  expect(await merchant.rows('payments')).toMatchObject([
    { refunded_amount: '0', lost_amount: '0' },
  ]);
});

test('of two refunds the bank refuses one: the other stays', async () => {
  const paid = await desk.paidOrder();
  const done = desk.doRefunds(paid);
  await desk.refund(paid.order_id, { amount: 100_000 });
  await desk.refund(paid.order_id, { amount: 50_000 });
  const [first] = done;
  await desk.pass('1 hour');
  desk.setBooks(paid, done.slice(1));

  await desk.follow(first?.key);

  expect((await desk.rows()).map(({ status }) => status).sort()).toEqual(['accepted', 'refused']);
  expect(await merchant.orderStatus(paid.order_id)).toBe('partially_refunded');
  expect((await merchant.stats()).body.stats).toMatchObject({ revenue: 100_000 });
  expect((await desk.list(paid.order_id)).body.refundable).toBe(100_000);
});

test('books that lag behind a refund do not take it back', async () => {
  const paid = await desk.paidOrder();
  desk.doRefunds(paid);
  await desk.refund(paid.order_id);
  const [row] = await desk.rows();
  desk.setBooks(paid, []);

  await expect(desk.follow(row?.id)).rejects.toThrow('has not confirmed');

  expect(await merchant.orderStatus(paid.order_id)).toBe('refunded');
  expect(await desk.attention()).toBeNull();
});

test('books that tell a sum and no list take nothing back', async () => {
  const paid = await desk.paidOrder();
  desk.doRefunds(paid);
  await desk.refund(paid.order_id, { amount: 50_000 });
  const [row] = await desk.rows();
  await desk.pass('1 hour');
  const sum = { ...paid, transaction_status: 'partial_refund', refund_amount: '50000.00' };
  gateway.midtrans.setStatus(paid.transaction_id, sum);

  await expect(desk.follow(row?.id)).rejects.toThrow('has not confirmed');

  expect(await merchant.orderStatus(paid.order_id)).toBe('partially_refunded');
});

test('what the bank has confirmed is not taken back by older books', async () => {
  const paid = await desk.paidOrder();
  desk.doRefunds(paid);
  await desk.refund(paid.order_id);
  const [row] = await desk.rows();
  desk.setBooks(paid, [{ key: String(row?.id), amount: 150_000, isConfirmed: true }]);
  await desk.follow(row?.id);
  await desk.pass('1 hour');
  desk.setBooks(paid, []);

  const tenant = await gateway.tenantOf(merchant.slug);
  const [payment] = await merchant.rows<{ id: string }>('payments');
  await gateway.services.checks.check(tenant, payment?.id as never);

  expect(await desk.rows()).toMatchObject([{ status: 'confirmed' }]);
  expect(await merchant.orderStatus(paid.order_id)).toBe('refunded');
  expect(await desk.attention()).toContain('does not become paid again');
});

test('what the bank has confirmed stays so when older books list it as accepted', async () => {
  const paid = await desk.paidOrder();
  const done = desk.doRefunds(paid);
  await desk.refund(paid.order_id, { amount: 50_000 });
  const [row] = await desk.rows();
  desk.setBooks(paid, [{ key: String(row?.id), amount: 50_000, isConfirmed: true }]);
  await desk.follow(row?.id);

  await merchant.notify(merchant.signed(desk.setBooks(paid, done)));

  expect(await desk.rows()).toMatchObject([{ status: 'confirmed', amount: '50000' }]);
});

test('a refund that was taken for refused comes back when the books show it', async () => {
  const paid = await desk.paidOrder();
  const done = desk.doRefunds(paid);
  await desk.refund(paid.order_id);
  const [row] = await desk.rows();
  await desk.pass('1 hour');
  desk.setBooks(paid, []);
  await desk.follow(row?.id);
  const message = desk.setBooks(paid, done);

  await merchant.notify(merchant.signed(message));

  expect(await desk.rows()).toMatchObject([{ status: 'accepted', detail: null }]);
  expect(await merchant.orderStatus(paid.order_id)).toBe('refunded');
  expect(await merchant.attention()).toEqual([]);
  expect(await merchant.attention('resolved')).toMatchObject([
    { resolvedBy: 'kassa', note: expect.stringContaining('after all') },
  ]);
});

test('of an order that was paid twice, the second payment is refunded first', async () => {
  const { order, first, second: reference } = await merchant.orderWithTwoPages();
  await merchant.tell(first, { payment_type: 'gopay' });
  const { message: second } = await merchant.tell(reference, { payment_type: 'gopay' });
  desk.doRefunds(second);

  const answer = await desk.refund(order.orderId);

  expect(answer.body.refund).toMatchObject({ amount: 150_000 });
  expect(gateway.midtrans.changeCalls()[0]?.path).toContain(second.transaction_id);
  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
  expect((await merchant.stats()).body.stats).toMatchObject({ paid: 1, revenue: 150_000 });
});

test('the books of another attempt say nothing of the refunds of the one that paid', async () => {
  const paid = await desk.paidOrder();
  desk.doRefunds(paid);
  await desk.refund(paid.order_id);
  await desk.pass('1 hour');

  const other = { ...paid, transaction_id: 'ANOTHER-ATTEMPT' };
  gateway.midtrans.setStatus(other.transaction_id, other);
  await merchant.notify(merchant.signed(other));

  expect(await desk.rows()).toMatchObject([{ status: 'accepted' }]);
  const payments = await merchant.rows<{ status: string }>('payments');
  expect(payments.map(({ status }) => status).sort()).toEqual(['paid', 'refunded']);
  expect(await merchant.attention()).toMatchObject([{ reason: 'paid-twice' }]);
});
