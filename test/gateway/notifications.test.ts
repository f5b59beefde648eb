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

test('an edited copy that came first does not swallow the true message', async () => {
  const orderId = await pendingOrder();
  const paid = aNotification({ order_id: orderId });
  gateway.midtrans.setStatus(paid.transaction_id, {
    ...paid,
    transaction_status: 'pending',
    status_code: '201',
  });
  await merchant.notify(merchant.signed(paid));
  gateway.midtrans.setStatus(paid.transaction_id, paid);

  await merchant.notify(merchant.signed(paid));

  expect(await merchant.orderStatus(orderId)).toBe('paid');
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

  expect(await merchant.rows('orders')).toMatchObject([
    { status: 'paid', attention_reason: 'Money arrived after the order had ended.' },
  ]);
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
  expect(await merchant.rows('orders')).toMatchObject([
    { attention_reason: 'The bank took the money back.' },
  ]);
});

test('a second attempt that also paid is flagged, and counted once', async () => {
  const orderId = await pendingOrder();
  for (const _attempt of ['first', 'second']) {
    const paid = aNotification({ order_id: orderId });
    gateway.midtrans.setStatus(paid.transaction_id, paid);
    await merchant.notify(merchant.signed(paid));
  }

  const [order] = await merchant.rows<{ attention_reason: string }>('orders');

  expect(order?.attention_reason).toBe('A second attempt paid the same order.');
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

test('a message that was edited outside its signature does not take the place of the true one', async () => {
  merchant = await gateway.merchant({ midtrans_merchant_id: 'G100000001' });
  const orderId = await pendingOrder();
  const paid = aNotification({ order_id: orderId, merchant_id: 'G100000001' });
  gateway.midtrans.setStatus(paid.transaction_id, paid);

  const edited = await merchant.notify(merchant.signed({ ...paid, merchant_id: 'G200000002' }));
  const genuine = await merchant.notify(merchant.signed(paid));

  expect([edited.status, genuine.status]).toEqual([409, 200]);
  expect(await merchant.orderStatus(orderId)).toBe('paid');
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

test('the key of another merchant signs nothing here', async () => {
  const other = await gateway.merchant();
  const orderId = await pendingOrder();
  const paid = aNotification({ order_id: orderId });
  gateway.midtrans.setStatus(paid.transaction_id, paid);

  const answer = await merchant.notify(other.signed(paid));

  expect(answer.status).toBe(403);
  expect(await merchant.orderStatus(orderId)).toBe('pending');
  expect(await merchant.rows('notifications')).toEqual([]);
});

test('a merchant without a key hears nothing: an empty key could be signed with by anyone', async () => {
  const keyless = await gateway.merchant({ midtrans_server_key: '' });

  const answer = await keyless.notify(keyless.signed(aNotification({ order_id: 'A' })));

  expect(answer.status).toBe(503);
  expect(answer.body.code).toBe('provider-not-configured');
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

test('a flood of variations does not lock out what comes later', async () => {
  const orderId = await pendingOrder();
  const message = aNotification({ order_id: orderId });
  for (let count = 0; count < 25; count += 1) {
    await merchant.notify({ ...merchant.signed(message), transaction_id: `FORGED-${count}` });
  }
  gateway.midtrans.setStatus(orderId, message);
  await gateway.services.sweep();
  expect(await merchant.orderStatus(orderId)).toBe('paid');
  await gateway.admin.query(
    `update notifications set received_at = received_at - interval '2 hours' where tenant_id = $1`,
    [merchant.id],
  );

  await merchant.tell(orderId, {
    ...message,
    transaction_status: 'refund',
    refund_amount: '150000.00',
  });

  expect(await merchant.orderStatus(orderId)).toBe('refunded');
});

test('variations that change nothing are bounded too', async () => {
  const orderId = await pendingOrder();
  const { message } = await merchant.tell(orderId);

  for (let count = 0; count < 40; count += 1) {
    const variation = { transaction_status: 'pending', transaction_id: `FORGED-${count}` };
    await merchant.notify({ ...merchant.signed(message), ...variation });
  }

  expect((await merchant.rows('notifications')).length).toBeLessThanOrEqual(20);
});

test('a denial that was harmless when read is not believed of a payment that was paid meanwhile', async () => {
  const orderId = await pendingOrder();
  const message = aNotification({ order_id: orderId });
  gateway.midtrans.setStatus(message.transaction_id, message);
  const other = await gateway.admin.connect();
  await other.query('begin');
  await other.query('select 1 from orders where tenant_id = $1 for update', [merchant.id]);
  const forged = merchant.notify(
    merchant.signed({ ...message, transaction_status: 'deny', status_code: '202' }),
  );
  await expect
    .poll(async () => {
      const waiting = await gateway.admin.query(
        `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
      );
      return waiting.rowCount;
    })
    .toBe(1);
  await other.query(
    `update payments set status = 'paid', captured_amount = amount, provider_transaction_id = $2
      where tenant_id = $1`,
    [merchant.id, message.transaction_id],
  );
  await other.query(`update orders set status = 'paid' where tenant_id = $1`, [merchant.id]);
  await other.query('commit');
  other.release();

  expect((await forged).status).toBe(200);

  expect(await merchant.orderStatus(orderId)).toBe('paid');
});
