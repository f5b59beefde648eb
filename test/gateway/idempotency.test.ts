import { randomUUID } from 'node:crypto';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';

type Sent = {
  readonly key?: string | string[] | undefined;
  readonly type?: string;
  readonly from?: Merchant;
};

let gateway: Gateway;
let merchant: Merchant;
let key: string;

beforeAll(async () => {
  gateway = await startGateway({ PROVIDER_TIMEOUT_MS: '600' });
});

beforeEach(async () => {
  gateway.midtrans.calls.length = 0;
  gateway.midtrans.answerCreates(undefined);
  merchant = await gateway.merchant();
  key = randomUUID();
});

afterAll(() => gateway.close());

/** Sends a create as it is given, and answers the bytes that came back. */
async function create(body: unknown, { type = 'application/json', from, ...sent }: Sent = {}) {
  const given = 'key' in sent ? sent.key : key;
  const req = request(`${gateway.url}/payment/create?tenant=${(from ?? merchant).slug}`, {
    method: 'POST',
    headers: { 'Content-Type': type, ...(given !== undefined && { 'Idempotency-Key': given }) },
  });
  req.end(typeof body === 'string' ? body : JSON.stringify(body));
  return new Promise<Awaited<ReturnType<typeof read>>>((resolve, reject) => {
    req.on('error', reject).on('response', (res) => void read(res).then(resolve, reject));
  });
}

async function read(res: IncomingMessage) {
  const bytes = await text(res);
  return {
    status: res.statusCode,
    type: res.headers['content-type'],
    bytes,
    body: JSON.parse(bytes) as Record<string, unknown>,
    isReplay: res.headers['idempotent-replayed'] === 'true',
    retryAfter: res.headers['retry-after'],
  };
}

type KeyRow = { lease_id: string | null; answer_status: number | null; resource_id: string };
const keys = () => merchant.rows<KeyRow>('idempotency_keys');

/** Lets creates at the provider wait until the test answers them. */
function holdCreates(): ServerResponse[] {
  const held: ServerResponse[] = [];
  gateway.midtrans.answerCreates((_req, res) => void held.push(res));
  return held;
}

/** As if so much time had passed for the keys of the merchant. */
async function pass(time: string): Promise<void> {
  await gateway.admin.query(
    `update idempotency_keys
        set expires_at = expires_at - $2::interval, lease_until = lease_until - $2::interval
      where tenant_id = $1`,
    [merchant.id, time],
  );
}

test('the same request again gets the same answer, byte for byte, and has no effect', async () => {
  const order = anOrder();

  const first = await create(order);
  const again = await create(order);

  expect(first).toMatchObject({ status: 200, isReplay: false });
  expect(again).toEqual({ ...first, isReplay: true });
  expect(gateway.midtrans.createCalls()).toHaveLength(1);
  expect(await merchant.rows('order_events')).toHaveLength(2);
});

test('without a key nothing is kept', async () => {
  const order = anOrder();

  const answers = [
    await create(order, { key: undefined }),
    await create(order, { key: undefined }),
  ];

  expect(answers).toMatchObject([
    { status: 200, isReplay: false },
    { status: 200, isReplay: false },
  ]);
  expect(await keys()).toEqual([]);
});

test('what is ignored, or written in another way, is the same request', async () => {
  const order = anOrder({ paymentMethod: undefined });
  const first = await create(order);

  const again = await create({
    utm_source: 'newsletter',
    ...order,
    amount: '150000',
    email: order.email.toUpperCase(),
    paymentMethod: '',
  });

  expect(again).toEqual({ ...first, isReplay: true });
});

test.each([
  ['orderId', 'ANOTHER-ORDER'],
  ['amount', 160_000],
  ['email', 'other@shop.example'],
  ['name', 'Budi'],
  ['phone', undefined],
  ['paymentMethod', 'gopay'],
])('the same key with another %s is refused', async (field, value) => {
  const order = anOrder();
  const first = await create(order);

  const refused = await create({ ...order, [field]: value });

  expect(refused).toMatchObject({ status: 422, isReplay: false });
  expect(refused.body).toMatchObject({ code: 'idempotency-key-reused', retryable: false });
  expect(await merchant.rows('orders')).toHaveLength(1);
  expect(await create(order)).toEqual({ ...first, isReplay: true });
});

test('while the first runs, a copy is told when to come back, and another body that it is wrong', async () => {
  const order = anOrder();
  const held = holdCreates();
  const running = create(order);
  await expect.poll(() => held.length).toBe(1);

  const copy = await create(order);
  const other = await create({ ...order, amount: 1_000 });

  expect(copy).toMatchObject({ status: 409, retryAfter: '2', isReplay: false });
  expect(copy.body).toMatchObject({ code: 'idempotency-key-in-use', retryable: true });
  expect(other.status).toBe(422);
  for (const res of held) json(res, 201, { token: 'T', redirect_url: 'https://app.example/T' });
  const first = await running;
  expect(first.body.token).toBe('T');
  expect(await create(order)).toEqual({ ...first, isReplay: true });
});

test('a key whose holder died is taken over, and the order continued', async () => {
  const order = anOrder();
  const held = holdCreates();
  const dying = create(order);
  await expect.poll(() => held.length).toBe(1);
  gateway.midtrans.answerCreates(undefined);
  await pass('1 minute');
  await gateway.admin.query(
    `update payments set lease_until = now() - interval '1 s' where tenant_id = $1`,
    [merchant.id],
  );

  const next = await create(order);

  expect(next).toMatchObject({ status: 200, isReplay: false });
  // The first one's call ends at last, in a timeout: that neither frees nor answers the key.
  expect((await dying).body.code).toBe('payment-outcome-unknown');
  expect(await create(order)).toEqual({ ...next, isReplay: true });
  expect(await merchant.rows('orders')).toHaveLength(1);
  const references = gateway.midtrans
    .createCalls()
    .map(({ body }) => JSON.parse(body).transaction_details.order_id);
  expect(references).toEqual([order.orderId, order.orderId]);
});

test('a client that hangs up finds the answer with its next try', async () => {
  const order = anOrder();
  const held = holdCreates();
  const leaving = new AbortController();
  const left = fetch(`${gateway.url}/payment/create?tenant=${merchant.slug}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
    body: JSON.stringify(order),
    signal: leaving.signal,
  });
  await expect.poll(() => held.length).toBe(1);
  leaving.abort();
  await expect(left).rejects.toThrow();

  for (const res of held) json(res, 201, { token: 'T', redirect_url: 'https://app.example/T' });
  await expect.poll(async () => (await keys())[0]?.answer_status).toBe(200);

  expect(await create(order)).toMatchObject({ isReplay: true, body: { token: 'T' } });
});

test('two merchants may use one key', async () => {
  const stranger = await gateway.merchant();
  const order = anOrder();

  const own = await create(order);
  const theirs = await create(order, { from: stranger });
  const other = await create(anOrder(), { from: await gateway.merchant() });

  expect([theirs, other]).toMatchObject([
    { status: 200, isReplay: false },
    { status: 200, isReplay: false },
  ]);
  expect(theirs.body.token).not.toBe(own.body.token);
});

test('fifty copies at once have one effect, and one answer', async () => {
  const order = anOrder();

  const answers = await Promise.all(Array.from({ length: 50 }, () => create(order)));

  const done = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 409);
  expect(done.length + refused.length).toBe(50);
  expect(new Set(done.map(({ bytes }) => bytes)).size).toBe(1);
  expect(done.filter(({ isReplay }) => !isReplay)).toHaveLength(1);
  expect(new Set(refused.map(({ body }) => body.code))).toEqual(
    new Set(refused.length > 0 ? ['idempotency-key-in-use'] : []),
  );
  expect(gateway.midtrans.createCalls()).toHaveLength(1);
  expect(await merchant.rows('payments')).toHaveLength(1);
});

test('a refusal that a retry cannot change is kept', async () => {
  merchant = await gateway.merchant({ max_orders_per_month: 1 });
  await create(anOrder(), { key: undefined });
  const order = anOrder();

  const refused = await create(order);
  await gateway.admin.query('update tenants set max_orders_per_month = 9 where id = $1', [
    merchant.id,
  ]);
  await expect.poll(async () => (await create(anOrder(), { key: undefined })).status).toBe(200);
  const again = await create(order);

  expect(refused).toMatchObject({ status: 403, isReplay: false });
  expect(refused.type).toBe('application/problem+json; charset=utf-8');
  expect(refused.body).toMatchObject({ code: 'order-quota-exceeded', retryable: false });
  expect(again).toEqual({ ...refused, isReplay: true });
  expect(await create(order, { key: randomUUID() })).toMatchObject({ status: 200 });
});

test('a failure that may pass is not kept: the retry runs again', async () => {
  const order = anOrder();
  gateway.midtrans.answerCreates((_req, res) => res.destroy());

  const failed = await create(order);
  gateway.midtrans.answerCreates(undefined);
  const again = await create(order);

  expect(failed).toMatchObject({ status: 503, body: { retryable: true } });
  expect(again).toMatchObject({ status: 200, isReplay: false });
  expect(await merchant.rows('orders')).toHaveLength(1);
});

test.each([
  ['400', anOrder({ amount: -1 }), 'application/json'],
  ['400', '{"amount":', 'application/json'],
  ['413', anOrder({ name: 'x'.repeat(70_000) }), 'application/json'],
  ['415', anOrder(), 'text/plain'],
])(
  'a request that is refused with %s for what it is leaves its key free',
  async (status, body, type) => {
    const refused = await create(body, { type });
    const mended = await create(anOrder());

    expect(String(refused.status)).toBe(status);
    expect(mended).toMatchObject({ status: 200, isReplay: false });
  },
);

test('a merchant who may not sell leaves the key free, and replays nothing', async () => {
  const order = anOrder();
  const setStatus = (status: string) =>
    gateway.admin.query('update tenants set status = $2 where id = $1', [merchant.id, status]);
  const first = await create(order);
  const later = randomUUID();

  await setStatus('suspended');
  await expect.poll(async () => (await create(order)).body.code).toBe('tenant-inactive');
  expect((await create(anOrder(), { key: later })).status).toBe(403);
  await setStatus('active');

  await expect.poll(() => create(order)).toEqual({ ...first, isReplay: true });
  expect((await create(anOrder(), { key: later })).status).toBe(200);
});

test('no key is logged', async () => {
  await create(anOrder());
  await create(anOrder());

  expect(gateway.logLines.join('')).not.toContain(key);
});
