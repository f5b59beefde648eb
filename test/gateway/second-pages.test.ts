import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  aNotification,
  anOrder,
  type Gateway,
  type Merchant,
  startGateway,
} from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';

// An order has one page that can be paid at a time; what comes of the others must not sell it twice.

type PaymentRow = { status: string };

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

async function endJobs() {
  const rows = await merchant.rows<{ topic: string; payload: { paymentId: string } }>('outbox');
  return rows.filter(({ topic }) => topic === 'payment-end');
}

test('a refused call does not unpay an order that was paid meanwhile', async () => {
  const order = anOrder();
  await merchant.create(order);
  await merchant.runOut();
  let refuse = () => {};
  gateway.midtrans.answerCreates((_req, res) => {
    refuse = () => json(res, 401, { error_messages: ['no'] });
  });
  const running = merchant.create(order);
  await expect.poll(() => gateway.midtrans.createCalls().length).toBe(2);
  await merchant.tell(order.orderId);

  refuse();

  expect((await running).status).toBe(502);
  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
  expect((await merchant.stats()).body.stats).toMatchObject({ paid: 1, revenue: 150_000 });
});

test('a page that was made while the order was paid is not shown, and is ended', async () => {
  const order = anOrder();
  const first = await merchant.create(order);
  await merchant.runOut();
  let answer = () => {};
  gateway.midtrans.answerCreates((_req, res) => {
    answer = () => json(res, 201, { token: 'too-late', redirect_url: 'https://app.example/x' });
  });
  const running = merchant.create(order);
  await expect.poll(() => gateway.midtrans.createCalls().length).toBe(2);
  await merchant.tell(order.orderId);

  answer();

  expect((await running).body.token).toBe(first.body.token);
  expect((await endJobs()).length).toBeGreaterThan(0);
});

test('a paid order answers the page that was paid, and its other page is ended', async () => {
  const { order, first } = await merchant.orderWithTwoPages();
  await merchant.tell(first);

  const again = await merchant.create(order);

  expect(again.body.redirectUrl).toMatch(/token-\d+$/);
  const [job] = await endJobs();
  const tenant = await gateway.tenantOf(merchant.slug);
  const ending = await gateway.services.checks.end(tenant, job?.payload.paymentId as never);
  expect(ending).toBe('ended');
  expect((await payments()).map(({ status }) => status).sort()).toEqual(['expired', 'paid']);
  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
  const cancels = gateway.midtrans.calls.filter(({ path }) => path.endsWith('/cancel'));
  expect(cancels.length).toBeGreaterThan(0);
});

test('no second page is made while the first cannot be closed', async () => {
  const order = anOrder();
  await merchant.create(order);
  await merchant.runOut();
  gateway.midtrans.answerPageCancels((req) => req.socket.destroy());

  const refused = await merchant.create(order);

  expect(refused.status).toBe(503);
  expect(refused.body).toMatchObject({ code: 'provider-unavailable', retryable: true });
  expect(await payments()).toHaveLength(1);
  gateway.midtrans.answerPageCancels(undefined);
  expect((await merchant.create(order)).status).toBe(200);
});

test('a method that was chosen at the last moment is asked about before the page is given up', async () => {
  const order = anOrder();
  await merchant.create(order);
  await merchant.runOut();
  gateway.midtrans.answerPageCancels((_req, res) => {
    gateway.midtrans.setStatus(order.orderId, aNotification({ order_id: order.orderId }));
    json(res, 400, { error_messages: ['Transaction is on progress'] });
  });

  await gateway.services.sweep();

  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
});

test('something pending at a page that was given up is ended at the provider', async () => {
  const order = anOrder();
  await merchant.create(order);
  await merchant.runOut();
  await gateway.services.sweep();
  expect(await merchant.orderStatus(order.orderId)).toBe('expired');

  await merchant.tell(order.orderId, { transaction_status: 'pending', status_code: '201' });

  expect(await endJobs()).toHaveLength(1);
});

test('the refund of a duplicate payment leaves the order paid', async () => {
  const { order, first, second } = await merchant.orderWithTwoPages();
  await merchant.tell(first);
  const { message } = await merchant.tell(second);
  expect(await merchant.attention()).toMatchObject([
    { reason: 'paid-twice' },
    { reason: 'late-money' },
  ]);

  await merchant.tell(second, {
    ...message,
    transaction_status: 'refund',
    refund_amount: '150000.00',
  });

  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
  expect((await merchant.stats()).body.stats).toMatchObject({ paid: 1, revenue: 150_000 });
});
