import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createMidtransAdapter } from '../../src/providers/midtrans/adapter.ts';
import { aNotification, anOrder, type Gateway, startGateway } from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({ PROVIDER_TIMEOUT_MS: '400' });
});

beforeEach(() => {
  gateway.midtrans.calls.length = 0;
  gateway.midtrans.answerCreates(undefined);
  gateway.midtrans.answerStatuses(undefined);
});

afterAll(() => gateway.close());

type Fault = (req: IncomingMessage, res: ServerResponse) => void;

async function drip(_req: IncomingMessage, res: ServerResponse) {
  res.writeHead(201, { 'Content-Type': 'application/json' });
  // Never silent for long: a limit on silence alone would wait for ever.
  for (const letter of '{"token":"dripped","redirect_url":"https://a.example/x"}') {
    if (res.destroyed) return;
    res.write(letter);
    await sleep(100);
  }
  res.end();
}

const taken = 'transaction_details.order_id has already been taken';
const faults: [name: string, fault: Fault, status: number, code: string, retryable: boolean][] = [
  ['never answers', () => {}, 503, 'payment-outcome-unknown', true],
  ['drips its answer', drip, 503, 'payment-outcome-unknown', true],
  ['resets the connection', (req) => req.socket.destroy(), 503, 'payment-outcome-unknown', true],
  [
    'answers HTML with 200',
    (_req, res) => res.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>busy</html>'),
    503,
    'payment-outcome-unknown',
    true,
  ],
  [
    'answers nothing with 204',
    (_q, res) => res.writeHead(204).end(),
    503,
    'payment-outcome-unknown',
    true,
  ],
  ['answers null', (_q, res) => json(res, 200, null), 503, 'payment-outcome-unknown', true],
  [
    'answers JSON of another shape',
    (_q, res) => json(res, 201, { token: 7 }),
    503,
    'payment-outcome-unknown',
    true,
  ],
  [
    'cuts its answer short',
    (_req, res) => {
      res.writeHead(201, { 'Content-Type': 'application/json', 'Content-Length': '500' });
      res.write('{"token":"abc"', () => res.destroy());
    },
    503,
    'payment-outcome-unknown',
    true,
  ],
  [
    'answers 500',
    (_q, res) => json(res, 500, { error_messages: ['sorry'] }),
    503,
    'payment-outcome-unknown',
    true,
  ],
  [
    'redirects',
    (_req, res) => res.writeHead(302, { Location: 'http://127.0.0.1:9/' }).end(),
    503,
    'payment-outcome-unknown',
    true,
  ],
  [
    'is too busy',
    (_q, res) => json(res, 429, { error_messages: ['slow down'] }),
    503,
    'provider-unavailable',
    true,
  ],
  [
    'refuses the key',
    (_q, res) => json(res, 401, { error_messages: ['Access denied'] }),
    502,
    'provider-credentials-refused',
    false,
  ],
  [
    'refuses the payment',
    (_q, res) => json(res, 400, { error_messages: ['gross_amount too low'] }),
    502,
    'payment-refused',
    false,
  ],
  [
    'knows the order id',
    (_q, res) => json(res, 400, { error_messages: [taken] }),
    409,
    'payment-reference-used',
    true,
  ],
];

test.each(faults)(
  'when Midtrans %s, the client learns what to do and a retry works',
  async (_name, fault, status, code, retryable) => {
    const merchant = await gateway.merchant();
    const order = anOrder();
    gateway.midtrans.answerCreates(fault);

    const failed = await merchant.create(order);

    expect(failed.status).toBe(status);
    expect(failed.body).toMatchObject({ success: false, code, retryable });
    expect(await merchant.rows('orders')).toHaveLength(1);
    gateway.midtrans.answerCreates(undefined);
    const retried = await merchant.create(order);
    expect(retried.status).toBe(200);
    expect(await merchant.orderStatus(order.orderId)).toBe('pending');
    const payable = (await merchant.rows<{ token: string | null }>('payments')).filter(
      ({ token }) => token !== null,
    );
    expect(payable).toHaveLength(1);
    expect((await merchant.rows<{ used: number }>('usage_counters'))[0]?.used).toBe(1);
  },
);

test('when Midtrans cannot be reached, the client is told to come back', async () => {
  const offline = await startGateway({ MIDTRANS_BASE_URL: 'http://127.0.0.1:9' });
  try {
    const merchant = await offline.merchant();

    const answer = await merchant.create(anOrder());

    expect(answer.status).toBe(503);
    expect(answer.body).toMatchObject({ code: 'provider-unavailable', retryable: true });
    expect(answer.headers.get('retry-after')).toBe('5');
  } finally {
    await offline.close();
  }
});

test('a page whose making was never heard of is replaced, and the order has one token', async () => {
  const merchant = await gateway.merchant();
  const order = anOrder();
  gateway.midtrans.answerCreates((req) => req.socket.destroy());
  await merchant.create(order);
  gateway.midtrans.answerCreates(undefined);

  const [retried, again] = [await merchant.create(order), await merchant.create(order)];

  expect(again.body.token).toBe(retried.body.token);
  const references = gateway.midtrans
    .createCalls()
    .map(({ body }) => JSON.parse(body).transaction_details.order_id);
  expect(references).toEqual([order.orderId, order.orderId]);
});

test('a lost page that was paid is found paid by the retry, and not sold twice', async () => {
  const merchant = await gateway.merchant();
  const order = anOrder();
  gateway.midtrans.answerCreates((req) => req.socket.destroy());
  await merchant.create(order);
  gateway.midtrans.setStatus(order.orderId, aNotification({ order_id: order.orderId }));
  gateway.midtrans.answerCreates((_req, res) => json(res, 400, { error_messages: [taken] }));

  const retried = await merchant.create(order);

  expect(retried.status).toBe(409);
  expect(retried.body.code).toBe('order-already-paid');
  expect(await merchant.orderStatus(order.orderId)).toBe('paid');
});

test('a slow call that lost its lease does not overwrite the page that replaced it', async () => {
  const merchant = await gateway.merchant();
  const order = anOrder();
  let answerFirst = () => {};
  gateway.midtrans.answerCreates((_req, res) => {
    answerFirst = () =>
      json(res, 201, { token: 'late-token', redirect_url: 'https://app.example/late' });
  });
  const slow = merchant.create(order);
  await expect.poll(() => gateway.midtrans.createCalls().length).toBe(1);
  await gateway.admin.query(
    `update payments set lease_until = now() - interval '1 s' where tenant_id = $1`,
    [merchant.id],
  );
  gateway.midtrans.answerCreates(undefined);
  const replaced = await merchant.create(order);

  answerFirst();

  expect((await slow).body).toEqual(replaced.body);
  expect(replaced.body.token).not.toBe('late-token');
});

test('no log line and no answer ever holds the server key', async () => {
  const merchant = await gateway.merchant();
  for (const [, fault] of faults) {
    gateway.midtrans.answerCreates(fault);
    const answer = await merchant.create(anOrder());
    expect(JSON.stringify(answer.body)).not.toContain(merchant.serverKey);
  }

  const logged = gateway.logLines.join('');

  expect(logged).toContain('request failed');
  expect(logged).not.toContain(merchant.serverKey);
  expect(logged).not.toContain(btoa(`${merchant.serverKey}:`));
});

test('what the adapter throws or answers never holds the key, however it is printed', async () => {
  const tenant = await gateway.tenantOf((await gateway.merchant()).slug);
  if (!tenant.midtrans) throw new Error('The merchant has no account.');
  const key = tenant.midtrans.serverKey.reveal();
  const adapter = createMidtransAdapter({ baseUrl: 'http://127.0.0.1:9', timeoutMs: 300 });

  const answer = await adapter.status(tenant.midtrans, { reference: 'A' });

  for (const printed of [inspect(answer), inspect(tenant, { depth: 9 }), JSON.stringify(tenant)]) {
    expect(printed).not.toContain(key);
  }
  expect(answer.kind).toBe('unavailable');
});

test.each(['..', '.', 'a/b', 'a?b', 'a#b', 'a b', ''])(
  'the id %j never reaches a path',
  async (reference) => {
    const tenant = await gateway.tenantOf((await gateway.merchant()).slug);
    const adapter = createMidtransAdapter({ baseUrl: gateway.midtrans.url, timeoutMs: 300 });
    if (!tenant.midtrans) throw new Error('The merchant has no account.');

    await expect(adapter.status(tenant.midtrans, { reference })).rejects.toThrow('cannot stand');

    expect(gateway.midtrans.calls).toEqual([]);
  },
);
