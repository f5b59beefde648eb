import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  aNotification,
  anOrder,
  type Gateway,
  type Merchant,
  startGateway,
} from '../support/gateway.ts';

let gateway: Gateway;
let merchant: Merchant;

beforeAll(async () => {
  gateway = await startGateway({ NOTIFICATION_CONFIRM_MS: '300' });
});

beforeEach(async () => {
  gateway.midtrans.answerStatuses(undefined);
  gateway.midtrans.calls.length = 0;
  merchant = await gateway.merchant();
});

afterAll(() => gateway.close());

async function pendingOrder(): Promise<string> {
  const order = anOrder();
  await merchant.create(order);
  return order.orderId;
}

async function mails(): Promise<string[]> {
  const rows = await merchant.rows<{ topic: string; payload: { kind: string } }>('outbox');
  return rows
    .filter(({ topic }) => topic === 'order-mail')
    .map(({ payload }) => payload.kind)
    .sort();
}

async function moves(): Promise<string[]> {
  const events = await merchant.rows<{ kind: string; from_status: string; to_status: string }>(
    'order_events',
  );
  return events
    .filter(({ kind }) => kind === 'order-moved')
    .map((event) => `${event.from_status}>${event.to_status}`);
}

test('a confirmed payment moves the order once, counts its revenue and leaves one mail', async () => {
  const paid = aNotification({ order_id: await pendingOrder() });
  gateway.midtrans.setStatus(paid.transaction_id, paid);

  const answer = await merchant.notify(merchant.signed(paid));

  expect(answer).toMatchObject({ status: 200, body: { success: true } });
  expect(await moves()).toEqual(['pending>paid']);
  expect(await mails()).toEqual(['created', 'paid']);
  const { stats } = (await merchant.stats()).body;
  expect(stats).toMatchObject({ pending: 0, paid: 1, revenue: 150_000 });
});

test('a hundred copies at once, mixed with the others of that payment: one move, one mail', async () => {
  const orderId = await pendingOrder();
  const paid = aNotification({ order_id: orderId });
  const pending = { ...paid, transaction_status: 'pending', status_code: '201' };
  const denied = aNotification({
    order_id: orderId,
    transaction_status: 'deny',
    status_code: '202',
  });
  gateway.midtrans.setStatus(paid.transaction_id, paid);
  gateway.midtrans.setStatus(denied.transaction_id, denied);
  const messages = [
    ...Array.from({ length: 100 }, () => paid),
    ...Array.from({ length: 10 }, () => pending),
    ...Array.from({ length: 10 }, () => denied),
  ]
    .map((message) => ({ message, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ message }) => merchant.signed(message));

  const answers = await Promise.all(messages.map((message) => merchant.notify(message)));

  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(await moves()).toEqual(['pending>paid']);
  expect(await mails()).toEqual(['created', 'paid']);
  const stored = await merchant.rows<{ copies: number; dedupe_key: string }>('notifications');
  expect(stored.map(({ copies }) => copies).sort((a, b) => a - b)).toEqual([10, 10, 100]);
  expect((await merchant.stats()).body.stats).toMatchObject({ paid: 1, revenue: 150_000 });
});

test('a claim that the books do not bear out changes nothing', async () => {
  const orderId = await pendingOrder();
  const claim = aNotification({ order_id: orderId });
  const truth = { ...claim, transaction_status: 'pending', status_code: '201' };
  gateway.midtrans.setStatus(claim.transaction_id, truth);

  const answer = await merchant.notify(merchant.signed(claim));

  expect(answer.status).toBe(200);
  expect(await merchant.orderStatus(orderId)).toBe('pending');
  expect(await merchant.rows('notifications')).toMatchObject([{ status: 'received' }]);
});

test('while the status API is slow the answer is 2xx and a job finishes it', async () => {
  const orderId = await pendingOrder();
  const paid = aNotification({ order_id: orderId });
  gateway.midtrans.setStatus(paid.transaction_id, paid);
  gateway.midtrans.answerStatuses(() => {});
  const copies = Array.from({ length: 5 }, () => merchant.notify(merchant.signed(paid)));

  const answers = await Promise.all(copies);

  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(await merchant.orderStatus(orderId)).toBe('pending');
  const jobs = (
    await merchant.rows<{ topic: string; payload: { notificationId: string } }>('outbox')
  ).filter(({ topic }) => topic === 'notification-confirm');
  expect(jobs).toHaveLength(1);
  gateway.midtrans.answerStatuses(undefined);
  const tenant = await gateway.tenantOf(merchant.slug);
  const id = jobs[0]?.payload.notificationId as never;
  await gateway.services.notifications.confirmLater(tenant, id, undefined);
  await gateway.services.notifications.confirmLater(tenant, id, undefined);
  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(await moves()).toEqual(['pending>paid']);
  expect(await merchant.rows('notifications')).toMatchObject([{ status: 'processed' }]);
});

test('a job goes on failing while the provider does not confirm', async () => {
  const orderId = await pendingOrder();
  await merchant.notify(merchant.signed(aNotification({ order_id: orderId })));
  const [stored] = await merchant.rows<{ id: string }>('notifications');
  const tenant = await gateway.tenantOf(merchant.slug);

  const job = gateway.services.notifications.confirmLater(tenant, stored?.id as never, undefined);

  await expect(job).rejects.toThrow('does not confirm');
  expect(await merchant.orderStatus(orderId)).toBe('pending');
});

test('money that arrives after the order expired is recorded and flagged for a person', async () => {
  const orderId = await pendingOrder();
  const expired = aNotification({
    order_id: orderId,
    transaction_status: 'expire',
    status_code: '202',
  });
  gateway.midtrans.setStatus(expired.transaction_id, { ...expired, status_code: '407' });
  await merchant.notify(merchant.signed(expired));
  const late = aNotification({ order_id: orderId });
  gateway.midtrans.setStatus(late.transaction_id, late);

  await merchant.notify(merchant.signed(late));

  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(await merchant.attention()).toMatchObject([{ orderId, reason: 'late-money' }]);
  expect(await mails()).toEqual(['created', 'expired', 'paid']);
});

test('money taken back by the bank fails the order and is flagged', async () => {
  const orderId = await pendingOrder();
  const paid = aNotification({ order_id: orderId });
  gateway.midtrans.setStatus(paid.transaction_id, paid);
  await merchant.notify(merchant.signed(paid));
  const reversed = { ...paid, transaction_status: 'deny', status_code: '202' };
  gateway.midtrans.setStatus(paid.transaction_id, reversed);

  await merchant.notify(merchant.signed(reversed));

  expect(await merchant.orderStatus(orderId)).toBe('failed');
  expect((await merchant.stats()).body.stats).toMatchObject({ paid: 0, revenue: 0 });
  expect(await merchant.attention()).toMatchObject([{ orderId, reason: 'reversed' }]);
});

test('a second attempt that also paid is flagged, and its order counted once', async () => {
  const orderId = await pendingOrder();
  for (const _attempt of ['first', 'second']) {
    const paid = aNotification({ order_id: orderId });
    gateway.midtrans.setStatus(paid.transaction_id, paid);
    await merchant.notify(merchant.signed(paid));
  }

  const items = await merchant.attention();

  expect(items).toMatchObject([{ orderId, reason: 'paid-twice' }]);
  expect((await merchant.stats()).body.stats).toMatchObject({ paid: 1, revenue: 150_000 });
});

test('a refund made elsewhere lowers the revenue, once', async () => {
  const orderId = await pendingOrder();
  const paid = aNotification({ order_id: orderId });
  gateway.midtrans.setStatus(paid.transaction_id, paid);
  await merchant.notify(merchant.signed(paid));
  const refunds = [{ refund_key: 'r1', refund_amount: '50000.00' }];
  const refunded = {
    ...paid,
    transaction_status: 'partial_refund',
    refund_amount: '50000.00',
    refunds,
  };
  gateway.midtrans.setStatus(paid.transaction_id, refunded);
  const confirmed = { ...refunded, refunds: [{ ...refunds[0], bank_confirmed_at: 'now' }] };

  await merchant.notify(merchant.signed(refunded));
  await merchant.notify(merchant.signed(confirmed));

  expect(await merchant.orderStatus(orderId)).toBe('partially_refunded');
  expect((await merchant.stats()).body.stats).toMatchObject({ paid: 1, revenue: 100_000 });
});

test('a smaller sum of refunds that comes late takes nothing back', async () => {
  const orderId = await pendingOrder();
  const paid = aNotification({ order_id: orderId });
  gateway.midtrans.setStatus(paid.transaction_id, paid);
  await merchant.notify(merchant.signed(paid));

  for (const refund_amount of ['90000.00', '40000.00']) {
    const refunded = { ...paid, transaction_status: 'partial_refund', refund_amount };
    gateway.midtrans.setStatus(paid.transaction_id, refunded);
    await merchant.notify(
      merchant.signed({ ...refunded, refunds: [{ refund_key: refund_amount }] }),
    );
  }

  expect((await merchant.stats()).body.stats).toMatchObject({ revenue: 60_000 });
});

test('a message that overtook its order is kept, and works when it comes again', async () => {
  const order = anOrder();
  const paid = aNotification({ order_id: order.orderId });
  gateway.midtrans.setStatus(paid.transaction_id, paid);

  const early = await merchant.notify(merchant.signed(paid));
  await merchant.create(order);
  const repeated = await merchant.notify(merchant.signed(paid));

  expect(early.status).toBe(404);
  expect(repeated.status).toBe(200);
  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
});

test('a message that came before the create call returned keeps its state and gets its page', async () => {
  const order = anOrder();
  const pending = aNotification({
    order_id: order.orderId,
    transaction_status: 'pending',
    status_code: '201',
  });
  gateway.midtrans.setStatus(pending.transaction_id, pending);
  gateway.midtrans.answerCreates(async (_req, res) => {
    await merchant.notify(merchant.signed(pending));
    res
      .writeHead(201, { 'Content-Type': 'application/json' })
      .end('{"token":"the-token","redirect_url":"https://app.example/x"}');
  });
  try {
    const created = await merchant.create(order);

    expect(created.body.token).toBe('the-token');
    expect((await merchant.create(order)).body.token).toBe('the-token');
    expect(await merchant.rows('payments')).toMatchObject([
      { status: 'pending', provider_transaction_id: pending.transaction_id },
    ]);
  } finally {
    gateway.midtrans.answerCreates(undefined);
  }
});

test('a late message of a transaction that ended is finished, and asks for nothing more', async () => {
  const orderId = await pendingOrder();
  const { message } = await merchant.tell(orderId, {
    transaction_status: 'cancel',
    status_code: '202',
  });
  const late = { ...message, transaction_status: 'capture', status_code: '200' };

  await merchant.notify(merchant.signed(late));

  const stored = await merchant.rows<{ status: string }>('notifications');
  expect(stored.map(({ status }) => status)).toEqual(['processed', 'processed']);
  expect(await merchant.orderStatus(orderId)).toBe('cancelled');
});
