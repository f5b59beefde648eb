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
  gateway = await startGateway({ PROVIDER_TIMEOUT_MS: '400' });
});

beforeEach(async () => {
  gateway.midtrans.answerCreates(undefined);
  gateway.midtrans.answerStatuses(undefined);
  gateway.midtrans.calls.length = 0;
  // What earlier tests left due is theirs.
  await gateway.admin.query('update payments set next_check_at = null');
  merchant = await gateway.merchant();
});

afterAll(() => gateway.close());

async function pendingOrder(): Promise<string> {
  const order = anOrder();
  await merchant.create(order);
  return order.orderId;
}

/** As if so much time had passed since the order was made. */
async function letPass(minutes: number): Promise<void> {
  await gateway.admin.query(
    `update payments
        set expires_at = expires_at - $2 * interval '1 minute',
            next_check_at = next_check_at - $2 * interval '1 minute',
            lease_until = lease_until - $2 * interval '1 minute'
      where tenant_id = $1`,
    [merchant.id, minutes],
  );
}

async function kinds(): Promise<string[]> {
  const rows = await merchant.rows<{ payload: { kind?: string } }>('outbox');
  return rows.map(({ payload }) => String(payload.kind)).sort();
}

const day = 24 * 60;

test('a payment that nobody told us of is found', async () => {
  const orderId = await pendingOrder();
  gateway.midtrans.setStatus(orderId, aNotification({ order_id: orderId }));
  await letPass(5);

  const checked = await gateway.services.sweep();

  expect(checked).toBe(1);
  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(await kinds()).toEqual(['created', 'paid']);
  await letPass(day);
  expect(await gateway.services.sweep()).toBe(0);
});

test('what is not due is not asked for', async () => {
  await pendingOrder();

  const checked = await gateway.services.sweep();

  expect(checked).toBe(0);
  expect(gateway.midtrans.statusCalls()).toEqual([]);
});

test('a page that nobody used expires, and its shopper hears of it', async () => {
  const orderId = await pendingOrder();
  await letPass(day + 1);

  await gateway.services.sweep();

  expect(await merchant.orderStatus(orderId)).toBe('expired');
  expect(await kinds()).toEqual(['created', 'expired']);
  expect((await merchant.stats()).body.stats).toMatchObject({ pending: 0, paid: 0 });
});

test('a transaction that is stuck past its deadline is ended at the provider first', async () => {
  const orderId = await pendingOrder();
  const pending = aNotification({
    order_id: orderId,
    transaction_status: 'pending',
    status_code: '201',
  });
  gateway.midtrans.setStatus(orderId, pending);
  gateway.midtrans.answerStatuses((req, res) => {
    if (req.url?.endsWith('/expire')) {
      gateway.midtrans.setStatus(orderId, {
        ...pending,
        transaction_status: 'expire',
        status_code: '407',
      });
      gateway.midtrans.answerStatuses(undefined);
      res.end('{"status_code":"407","transaction_status":"expire"}');
    } else {
      res.setHeader('Content-Type', 'application/json');
      res.end(JSON.stringify(pending));
    }
  });
  await letPass(day + 1);

  await gateway.services.sweep();

  expect(await merchant.orderStatus(orderId)).toBe('expired');
  const paths = gateway.midtrans.statusCalls().map(({ method, path }) => `${method} ${path}`);
  expect(paths).toEqual([
    `GET /v2/${orderId}/status`,
    `POST /v2/${orderId}/expire`,
    `GET /v2/${orderId}/status`,
  ]);
});

test('money that comes without a word after the end is found', async () => {
  const orderId = await pendingOrder();
  const ended = { transaction_status: 'expire', status_code: '202' };
  const { message } = await merchant.tell(orderId, ended);
  await letPass(day);
  expect(await gateway.services.sweep()).toBe(1);
  expect(await merchant.orderStatus(orderId)).toBe('expired');
  gateway.midtrans.setStatus(
    orderId,
    aNotification({
      ...message,
      transaction_status: 'settlement',
      status_code: '200',
      transaction_id: 'LATE',
    }),
  );
  await letPass(day);

  await gateway.services.sweep();

  expect(await merchant.orderStatus(orderId)).toBe('paid');
});

test('a payment that ended without money is let go of some days after', async () => {
  const orderId = await pendingOrder();
  await merchant.tell(orderId, { transaction_status: 'expire', status_code: '202' });
  const checked: number[] = [];

  for (const _day of [1, 2, 3, 4, 5, 6, 7]) {
    await letPass(day);
    checked.push(await gateway.services.sweep());
  }

  expect(checked).toEqual([1, 1, 1, 1, 0, 0, 0]);
});

test('while the provider is away the gaps grow and nothing is guessed', async () => {
  const orderId = await pendingOrder();
  gateway.midtrans.answerStatuses((req) => req.socket.destroy());
  const gaps: number[] = [];

  for (const _round of [1, 2, 3]) {
    await gateway.admin.query('update payments set next_check_at = now() where tenant_id = $1', [
      merchant.id,
    ]);
    await gateway.services.sweep();
    const { rows } = await gateway.admin.query<{ gap: string }>(
      `select extract(epoch from next_check_at - now()) as gap from payments where tenant_id = $1`,
      [merchant.id],
    );
    gaps.push(Number(rows[0]?.gap));
  }

  expect(await merchant.orderStatus(orderId)).toBe('pending');
  expect(gaps[1]).toBeGreaterThan(Number(gaps[0]) * 1.5);
  expect(gaps[2]).toBeGreaterThan(Number(gaps[1]) * 1.5);
});

test('an order whose page was never heard of expires without a mail about a page', async () => {
  gateway.midtrans.answerCreates((req) => req.socket.destroy());
  const orderId = await pendingOrder();
  await letPass(day + 1);

  await gateway.services.sweep();

  expect(await merchant.orderStatus(orderId)).toBe('expired');
  expect(await kinds()).toEqual([]);
});

test('a payment found with another amount than its order changes nothing and is flagged', async () => {
  const orderId = await pendingOrder();
  gateway.midtrans.setStatus(
    orderId,
    aNotification({ order_id: orderId, gross_amount: '1000.00' }),
  );
  await letPass(5);

  await gateway.services.sweep();

  expect(await merchant.orderStatus(orderId)).toBe('pending');
  expect(await merchant.attention()).toMatchObject([
    { reason: 'amount-differs', detail: expect.stringContaining('amount differs') },
  ]);
});

test('a reply about another order is not believed', async () => {
  const orderId = await pendingOrder();
  gateway.midtrans.setStatus(orderId, aNotification({ order_id: 'ANOTHER' }));
  await letPass(5);

  await gateway.services.sweep();

  expect(await merchant.orderStatus(orderId)).toBe('pending');
});

test('two sweeps at once change an order once', async () => {
  const orderId = await pendingOrder();
  gateway.midtrans.setStatus(orderId, aNotification({ order_id: orderId }));
  await letPass(5);

  await Promise.all([gateway.services.sweep(), gateway.services.sweep()]);

  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(await kinds()).toEqual(['created', 'paid']);
});

test('a create after the page ran out asks the provider before it makes another one', async () => {
  const order = anOrder();
  await merchant.create(order);
  gateway.midtrans.setStatus(order.orderId, aNotification({ order_id: order.orderId }));
  await letPass(day + 1);

  const again = await merchant.create(order);

  expect(again.status).toBe(200);
  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
  expect(gateway.midtrans.createCalls()).toHaveLength(1);
});
