import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  aNotification,
  anOrder,
  type Gateway,
  type Merchant,
  startGateway,
} from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';

// Each of these once took money twice, lost it, or left an order that nothing would ever end.

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

test('a refunded order is not sold again', async () => {
  const order = anOrder();
  await merchant.create(order);
  const { message } = await merchant.tell(order.orderId);
  await merchant.tell(order.orderId, {
    ...message,
    transaction_status: 'refund',
    refund_amount: '150000.00',
  });

  const again = await merchant.create(order);

  expect(again.status).toBe(409);
  expect(again.body.code).toBe('order-already-paid');
});

test('a denied card and a shopper who leaves: the order ends', async () => {
  const order = anOrder();
  await merchant.create(order);
  await merchant.tell(order.orderId, { transaction_status: 'deny', status_code: '202' });
  await merchant.runOut();

  await gateway.services.sweep();

  expect(await merchant.orderStatus(order.orderId)).toBe('expired');
});

test('attempts told out of order: the order ends', async () => {
  const order = anOrder();
  await merchant.create(order);
  const pending = { transaction_status: 'pending', status_code: '201' };
  const { message: newer } = await merchant.tell(order.orderId, pending);
  await merchant.tell(order.orderId, pending);
  await merchant.tell(order.orderId, {
    ...newer,
    transaction_status: 'expire',
    status_code: '202',
  });
  await merchant.runOut();

  await gateway.services.sweep();

  expect(await merchant.orderStatus(order.orderId)).toBe('expired');
});

test('two tenants who share an account: one payment pays one order', async () => {
  const other = await gateway.merchant({ midtrans_server_key: merchant.serverKey });
  const order = anOrder();
  await merchant.create(order);
  await other.create(order);

  await merchant.tell((await merchant.references())[0] ?? '');
  await gateway.admin.query('update payments set next_check_at = now() where tenant_id = $1', [
    other.id,
  ]);
  await gateway.services.sweep();

  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
  expect(await other.orderStatus(order.orderId)).toBe('pending');
});

test('an order that the account had paid before is not sold a second time', async () => {
  const order = anOrder();
  gateway.midtrans.setStatus(order.orderId, aNotification({ order_id: order.orderId }));
  gateway.midtrans.answerCreates((_req, res) =>
    json(res, 400, {
      error_messages: [
        'transaction_details.order_id has been paid and utilized, please use another order ID',
      ],
    }),
  );

  const refused = await merchant.create(order);

  expect(refused.body.code).toBe('order-already-paid');
  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
});

test.each([403, 404, 408])('HTTP %i in HTML is no word of Midtrans', async (status) => {
  const order = anOrder();
  await merchant.create(order);
  await merchant.runOut();
  gateway.midtrans.answerStatuses((_req, res) => {
    res.writeHead(status, { 'Content-Type': 'text/html' }).end('<h1>proxy</h1>');
  });
  gateway.midtrans.answerCreates((_req, res) => {
    res.writeHead(status, { 'Content-Type': 'text/html' }).end('<h1>proxy</h1>');
  });

  await gateway.services.sweep();
  const created = await merchant.create(anOrder());

  expect(await merchant.orderStatus(order.orderId)).toBe('pending');
  expect(created.body.code).toBe('payment-outcome-unknown');
});

test('two refunds that are told without a list of them both count', async () => {
  const order = anOrder();
  await merchant.create(order);
  const { message } = await merchant.tell(order.orderId);

  for (const refund_amount of ['10000.00', '30000.00']) {
    await merchant.tell(order.orderId, {
      ...message,
      transaction_status: 'partial_refund',
      refund_amount,
    });
  }

  expect((await merchant.stats()).body.stats).toMatchObject({ revenue: 120_000 });
});

test('a signed amount that is not the order’s brings the order before a person', async () => {
  const order = anOrder();
  await merchant.create(order);

  const { answer } = await merchant.tell(order.orderId, { gross_amount: '154000.00' });

  expect(answer.status).toBe(409);
  expect(await merchant.orderStatus(order.orderId)).toBe('pending');
  expect(await merchant.attention()).toMatchObject([
    { reason: 'amount-differs', detail: expect.stringContaining('154000') },
  ]);
});

test('a signed amount below the order’s is refused, whatever the books say', async () => {
  const order = anOrder();
  await merchant.create(order);
  const message = { ...aNotification(), order_id: order.orderId };
  gateway.midtrans.setStatus(message.transaction_id, message);

  const answer = await merchant.notify(merchant.signed({ ...message, gross_amount: '149999.00' }));

  expect(answer.status).toBe(409);
  expect(await merchant.orderStatus(order.orderId)).toBe('pending');
  expect(await merchant.attention()).toMatchObject([
    { reason: 'amount-differs', detail: expect.stringContaining('149999') },
  ]);
});

test('a payment that fraud screening holds brings the order before a person', async () => {
  const order = anOrder();
  await merchant.create(order);

  await merchant.tell(order.orderId, {
    transaction_status: 'capture',
    status_code: '201',
    fraud_status: 'challenge',
  });

  expect(await merchant.orderStatus(order.orderId)).toBe('pending');
  expect(await merchant.attention()).toMatchObject([{ reason: 'fraud-hold' }]);
});

test('an order that never had a page gives its place in the quota back', async () => {
  merchant = await gateway.merchant({ max_orders_per_month: 1 });
  gateway.midtrans.answerCreates((req) => req.socket.destroy());
  await merchant.create(anOrder());
  await merchant.runOut();
  await gateway.services.sweep();
  gateway.midtrans.answerCreates(undefined);

  const next = await merchant.create(anOrder());

  expect(next.status).toBe(200);
});

test('a provider that is away is asked once per request, and the client is told the truth', async () => {
  const order = anOrder();
  await merchant.create(order);
  await merchant.runOut();
  gateway.midtrans.answerStatuses((_req, res) => json(res, 503, { status_code: '503' }));

  const answer = await merchant.create(order);

  expect(answer.body.code).toBe('provider-unavailable');
  expect(gateway.midtrans.statusCalls()).toHaveLength(1);
});

test('payments of an archived merchant are still looked after', async () => {
  const order = anOrder();
  await merchant.create(order);
  gateway.midtrans.setStatus(order.orderId, aNotification({ order_id: order.orderId }));
  await gateway.admin.query(`update tenants set status = 'archived' where id = $1`, [merchant.id]);
  await merchant.runOut();

  await gateway.services.sweep();

  expect(await merchant.rows('orders')).toMatchObject([{ status: 'paid' }]);
});

test('a provider that does not answer is left alone until the next sweep, others are asked', async () => {
  const silent = await gateway.merchant();
  for (let count = 0; count < 6; count += 1) await silent.create(anOrder());
  const order = anOrder();
  await merchant.create(order);
  gateway.midtrans.setStatus(order.orderId, aNotification({ order_id: order.orderId }));
  await gateway.admin.query('update payments set next_check_at = now() where tenant_id = any($1)', [
    [merchant.id, silent.id],
  ]);
  gateway.midtrans.answerStatuses(async (req, res) => {
    const isSilent = req.headers.authorization === `Basic ${btoa(`${silent.serverKey}:`)}`;
    if (isSilent) {
      await sleep(10);
      req.socket.destroy();
    } else {
      json(res, 200, aNotification({ order_id: order.orderId }));
    }
  });

  const checked = await gateway.services.sweep();

  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
  expect(checked).toBe(3 + 1);
});
