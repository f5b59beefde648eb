import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  aNotification,
  anOrder,
  type Gateway,
  type Merchant,
  startGateway,
} from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';

// When a page may be given up, and what becomes of an order when its payments end in odd orders.

type PaymentRow = { id: string; status: string; provider_reference: string };

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

const denied = { transaction_status: 'deny', status_code: '202' };
const pending = { transaction_status: 'pending', status_code: '201' };
const challenged = {
  transaction_status: 'capture',
  status_code: '201',
  fraud_status: 'challenge',
};
const used = 'transaction_details.order_id has been paid and utilized, please use another order ID';
const taken = 'transaction_details.order_id has already been taken';

async function payments(): Promise<PaymentRow[]> {
  const { rows } = await gateway.admin.query<PaymentRow>(
    'select * from payments where tenant_id = $1 order by created_at, id',
    [merchant.id],
  );
  return rows;
}

async function orderWithTwoPages() {
  const order = anOrder();
  await merchant.create(order);
  await merchant.runOut();
  await merchant.create(order);
  const [first, second] = await payments();
  if (!first || !second) throw new Error('The order has not got its two payments.');
  return { order, first, second };
}

async function jobs(topic: string) {
  const rows = await merchant.rows<{ topic: string; payload: { kind?: string } }>('outbox');
  return rows.filter((row) => row.topic === topic).map(({ payload }) => payload);
}

async function end(payment: PaymentRow) {
  return gateway.services.checks.end(await gateway.tenantOf(merchant.slug), payment.id as never);
}

function refuseToCancel(message: string): void {
  gateway.midtrans.answerPageCancels((_req, res) => json(res, 400, { error_messages: [message] }));
}

/** Midtrans knows this reference already, and makes pages for any other. */
function refuseReference(reference: string, message: string): void {
  gateway.midtrans.answerCreates((_req, res, body) => {
    const isUsed = JSON.parse(body).transaction_details.order_id === reference;
    if (isUsed) json(res, 400, { error_messages: [message] });
    else json(res, 201, { token: 'new-token', redirect_url: 'https://app.example/new' });
  });
}

async function letSweepCome(): Promise<void> {
  await gateway.admin.query(
    `update payments set next_check_at = next_check_at - interval '30 days' where tenant_id = $1`,
    [merchant.id],
  );
  await gateway.services.sweep();
}

test('a page in use after a denied card is not given up', async () => {
  const { first, second } = await orderWithTwoPages();
  await merchant.tell(second.provider_reference, denied);
  await merchant.tell(first.provider_reference);
  refuseToCancel('Transaction is on progress');

  expect(await end(second)).toBe('open');

  expect((await payments())[1]?.status).toBe('pending');
});

test('a page in use whose transaction cannot be found by its reference is not given up', async () => {
  const order = anOrder();
  await merchant.create(order);
  await merchant.runOut();
  refuseToCancel('Transaction is on progress');

  const again = await merchant.create(order);

  expect(again.body).toMatchObject({ code: 'payment-in-progress', retryable: true });
  expect((await payments()).map(({ status }) => status)).toEqual(['pending']);
});

test('a page long past its time needs no word about its end', async () => {
  const order = anOrder();
  await merchant.create(order);
  await gateway.admin.query(
    `update payments set expires_at = now() - interval '11 minutes' where tenant_id = $1`,
    [merchant.id],
  );
  refuseToCancel('token sudah kedaluwarsa');

  const again = await merchant.create(order);

  expect(again.status).toBe(200);
  expect((await payments()).map(({ status }) => status)).toEqual(['expired', 'pending']);
});

test('a used reference over another amount is not this order’s: the retry gets another', async () => {
  const order = anOrder();
  const foreign = aNotification({ order_id: order.orderId, gross_amount: '99000.00' });
  gateway.midtrans.setStatus(order.orderId, foreign);
  refuseReference(order.orderId, used);

  const refused = await merchant.create(order);
  const retried = await merchant.create(order);

  expect(refused.body).toMatchObject({ code: 'payment-reference-used', retryable: true });
  expect(retried.status).toBe(200);
});

test('a used reference that cannot be asked about is not sold a second time', async () => {
  const order = anOrder();
  gateway.midtrans.setStatus(order.orderId, aNotification({ order_id: order.orderId }));
  gateway.midtrans.answerStatuses((req) => req.socket.destroy());
  refuseReference(order.orderId, used);

  const first = await merchant.create(order);
  gateway.midtrans.answerStatuses(undefined);
  const second = await merchant.create(order);

  expect(first.body.code).toBe('provider-unavailable');
  expect(second.body.code).toBe('order-already-paid');
});

test('a pending transaction of another amount is not ended as if it were ours', async () => {
  const order = anOrder();
  gateway.midtrans.answerCreates((req) => req.socket.destroy());
  await merchant.create(order);
  refuseReference(order.orderId, taken);
  gateway.midtrans.setStatus(
    order.orderId,
    aNotification({ ...pending, order_id: order.orderId, gross_amount: '99000.00' }),
  );

  await merchant.create(order);

  const ended = gateway.midtrans.calls.filter(({ path }) => path.endsWith('/expire'));
  expect(ended).toEqual([]);
});

test('a pending transaction that is not ours is left alone when its notification comes', async () => {
  const order = anOrder();
  refuseReference(order.orderId, taken);
  const foreign = aNotification({ ...pending, order_id: order.orderId });
  gateway.midtrans.setStatus(order.orderId, foreign);
  expect((await merchant.create(order)).body.code).toBe('payment-reference-used');

  await merchant.tell(order.orderId, foreign);

  expect(await jobs('payment-end')).toEqual([]);
});

test('a page that came while its payment was ended is not handed out', async () => {
  const order = anOrder();
  gateway.midtrans.answerCreates((req) => req.socket.destroy());
  await merchant.create(order);
  let answer = () => {};
  gateway.midtrans.answerCreates((_req, res) => {
    answer = () => json(res, 201, { token: 'late', redirect_url: 'https://app.example/late' });
  });
  const running = merchant.create(order);
  await expect.poll(() => gateway.midtrans.createCalls().length).toBe(2);
  await merchant.tell(order.orderId, { transaction_status: 'expire', status_code: '202' });
  gateway.midtrans.answerCreates(undefined);

  answer();

  expect((await running).body.token).not.toBe('late');
  expect(await jobs('payment-end')).toHaveLength(1);
});

test('ending what stays pending does not queue itself for ever', async () => {
  const order = anOrder();
  await merchant.create(order);
  await merchant.runOut();
  await gateway.services.sweep();
  await merchant.tell(order.orderId, pending);
  const [payment] = await payments();
  if (!payment) throw new Error('The order has no payment.');

  const endings = [await end(payment), await end(payment), await end(payment)];

  expect(endings).toEqual(['open', 'open', 'open']);
  expect(await jobs('payment-end')).toHaveLength(1);
});

test('a page that its order waits for again is left open', async () => {
  const { order, first, second } = await orderWithTwoPages();
  const { message } = await merchant.tell(first.provider_reference);
  await merchant.tell(first.provider_reference, { ...message, ...denied });
  expect(await merchant.orderStatus(order.orderId)).toBe('pending');
  const tenant = await gateway.tenantOf(merchant.slug);

  await gateway.services.checks.endIfUnwanted(tenant, second.id as never);

  expect(await merchant.orderStatus(order.orderId)).toBe('pending');
  expect((await payments())[1]?.status).toBe('pending');
});

test('a reversal fails the order though a newer page had expired', async () => {
  const { order, first, second } = await orderWithTwoPages();
  const { message } = await merchant.tell(first.provider_reference);
  expect(await end(second)).toBe('ended');

  await merchant.tell(first.provider_reference, { ...message, ...denied });

  expect(await merchant.orderStatus(order.orderId)).toBe('failed');
  const mails = (await jobs('order-mail')).map(({ kind }) => kind);
  expect(mails).toEqual(['created', 'expired', 'created', 'paid', 'failed']);
});

test('a double payment is named, whichever page was paid first', async () => {
  const { first, second } = await orderWithTwoPages();

  await merchant.tell(second.provider_reference);
  await merchant.tell(first.provider_reference);

  expect(await merchant.attention()).toMatchObject([
    { reason: 'paid-twice' },
    { reason: 'late-money' },
  ]);
});

test('a payment that comes back as challenged is asked about until it ends', async () => {
  const order = anOrder();
  await merchant.create(order);
  await merchant.runOut();
  await gateway.services.sweep();
  const { message } = await merchant.tell(order.orderId, challenged);
  gateway.midtrans.setStatus(order.orderId, {
    ...message,
    status_code: '200',
    fraud_status: 'accept',
  });

  await letSweepCome();

  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
});

test('the flag of fraud screening goes when the payment is approved', async () => {
  const order = anOrder();
  await merchant.create(order);
  const { message } = await merchant.tell(order.orderId, challenged);

  await merchant.tell(order.orderId, { ...message, status_code: '200', fraud_status: 'accept' });

  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
  expect(await merchant.attention()).toEqual([]);
  expect(await merchant.attention('resolved')).toMatchObject([
    {
      reason: 'fraud-hold',
      resolvedBy: 'kassa',
      note: 'The provider decided: the payment is paid.',
    },
  ]);
});
