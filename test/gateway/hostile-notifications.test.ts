import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  aNotification,
  anOrder,
  type Gateway,
  type Merchant,
  startGateway,
} from '../support/gateway.ts';

// What somebody could send who has seen, or made, a notification: edited, varied, sent too often.

type PaymentRow = { provider_transaction_id: string };

let gateway: Gateway;
let merchant: Merchant;

beforeAll(async () => {
  gateway = await startGateway({ NOTIFICATION_CONFIRM_MS: '300', PROVIDER_TIMEOUT_MS: '800' });
});

beforeEach(async () => {
  gateway.midtrans.answerCreates(undefined);
  gateway.midtrans.answerStatuses(undefined);
  gateway.midtrans.answerPageCancels(undefined);
  await gateway.admin.query('update payments set next_check_at = null');
  gateway.midtrans.calls.length = 0;
  merchant = await gateway.merchant();
});

afterAll(() => gateway.close());

const payments = () => merchant.rows<PaymentRow>('payments');

test('what the signature does not cover is not written without asking', async () => {
  const order = anOrder();
  await merchant.create(order);
  const pending = { transaction_status: 'pending', status_code: '201' };
  const { message } = await merchant.tell(order.orderId, pending);

  await merchant.notify({ ...merchant.signed(message), transaction_id: 'FORGED-1' });

  expect(await payments()).toMatchObject([{ provider_transaction_id: message.transaction_id }]);
});

test('variations of one true message are bounded', async () => {
  const order = anOrder();
  await merchant.create(order);
  const signed = merchant.signed(aNotification({ order_id: order.orderId }));
  const statuses: number[] = [];

  for (let variation = 0; variation < 30; variation += 1) {
    const answer = await merchant.notify({ ...signed, transaction_id: `FORGED-${variation}` });
    statuses.push(answer.status);
  }

  expect(statuses.filter((status) => status === 200)).toHaveLength(20);
  expect(statuses.at(-1)).toBe(429);
  expect(await merchant.rows('notifications')).toHaveLength(20);
});

test.each(['transaction_status', 'fraud_status', 'payment_type', 'order_id'])(
  'NUL in %s is refused',
  async (member) => {
    const order = anOrder();
    await merchant.create(order);
    const message = merchant.signed(aNotification({ order_id: order.orderId }));

    const answer = await merchant.notify({ ...message, [member]: 'a\0' });

    expect(answer.status).toBe(400);
  },
);

test('a notification with hundreds of long refund keys is stored', async () => {
  const order = anOrder();
  await merchant.create(order);
  const refunds = Array.from({ length: 400 }, (_, n) => ({ refund_key: `${n}-${'k'.repeat(90)}` }));
  const message = aNotification({ order_id: order.orderId, refunds });
  gateway.midtrans.setStatus(message.transaction_id, message);

  expect((await merchant.notify(merchant.signed(message))).status).toBe(200);
});

async function pendingOrder(): Promise<string> {
  const order = anOrder();
  await merchant.create(order);
  return order.orderId;
}

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
