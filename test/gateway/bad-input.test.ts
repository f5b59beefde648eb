import { afterAll, beforeAll, expect, test } from 'vitest';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';

let gateway: Gateway;
let merchant: Merchant;

beforeAll(async () => {
  gateway = await startGateway();
  merchant = await gateway.merchant();
});

afterAll(() => gateway.close());

async function expectNothingStored() {
  for (const table of ['customers', 'orders', 'payments', 'order_events', 'usage_counters']) {
    expect(await merchant.rows(table)).toEqual([]);
  }
  expect(gateway.midtrans.calls).toEqual([]);
}

const manyDigits = '9'.repeat(400);

test.each([
  ['amount', 0],
  ['amount', -1],
  ['amount', 1.5],
  ['amount', '1.5'],
  ['amount', '1e4'],
  ['amount', ' 10000'],
  ['amount', '-5'],
  ['amount', ''],
  ['amount', '0'],
  ['amount', 1_000_000_000_000],
  ['amount', Number.MAX_SAFE_INTEGER],
  ['amount', manyDigits],
  ['amount', true],
  ['amount', null],
  ['amount', undefined],
  ['amount', [10_000]],
  ['amount', { value: 10_000 }],
  ['orderId', 'X'.repeat(51)],
  ['orderId', ''],
  ['orderId', '..'],
  ['orderId', '.'],
  ['orderId', 'a b'],
  ['orderId', 'a/b'],
  ['orderId', 'a#b'],
  ['orderId', 'a?b'],
  ['orderId', '../../etc'],
  ['orderId', 'ordér'],
  ['orderId', 'a\nb'],
  ['orderId', 42],
  ['orderId', undefined],
  ['orderId', ['A']],
  ['email', 'nobody'],
  ['email', 'a@b.example,c@d.example'],
  ['email', `${'a'.repeat(300)}@b.example`],
  ['email', 'a@b.example\r\nBcc: c@d.example'],
  ['email', undefined],
  ['email', 7],
  ['name', ''],
  ['name', '   '],
  ['name', 'x'.repeat(256)],
  ['name', undefined],
  ['name', {}],
  ['email', `${'a'.repeat(65)}@b.example`],
  ['phone', '1'.repeat(51)],
  ['phone', 628_123],
  ['paymentMethod', 'bitcoin'],
  ['paymentMethod', 'BCA_VA'],
  ['paymentMethod', ['bca_va']],
])('%s = %j is refused at that field', async (field, value) => {
  const answer = await merchant.create(anOrder({ [field]: value }));

  expect(answer.status).toBe(400);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  expect(answer.body).toMatchObject({ success: false, code: 'invalid-request', retryable: false });
  expect(answer.body.errors?.map((error) => error.field)).toEqual([field]);
  await expectNothingStored();
});

test('every bad field is named at once', async () => {
  const answer = await merchant.create({ orderId: '', amount: 0, email: 'x' });

  expect(answer.body.errors?.map(({ field }) => field)).toEqual([
    'orderId',
    'amount',
    'email',
    'name',
  ]);
});

const deep = `${'['.repeat(40_000)}${']'.repeat(40_000)}`;
const nested = `${'['.repeat(15_000)}${']'.repeat(15_000)}`;
const smallAndDeep = JSON.stringify(anOrder({ note: 'here' })).replace('"here"', nested);
const json = 'application/json';

test.each([
  ['broken JSON', '{"orderId":', json, 400],
  ['an empty body', '', json, 400],
  ['null', 'null', json, 400],
  ['a number', '12', json, 400],
  ['a text', '"hello"', json, 400],
  ['an array', '[]', json, 400],
  ['an empty object', '{}', json, 400],
  ['100 kB', JSON.stringify(anOrder({ name: 'x'.repeat(100_000) })), json, 413],
  ['nesting of 40 000', deep, json, 413],
  ['a member nested 15 000 deep in an order that is fine otherwise', smallAndDeep, json, 400],
  ['an amount of infinity', JSON.stringify(anOrder()).replace('150000', '1e400'), json, 400],
  ['NUL in a name', JSON.stringify(anOrder({ name: 'a\0b' })), json, 400],
  ['NUL in a member that is ignored', JSON.stringify(anOrder({ note: '\0' })), json, 400],
  ['__proto__', '{"__proto__":{"isAdmin":true},"orderId":"A"}', json, 400],
  ['a form', 'orderId=A&amount=1', 'application/x-www-form-urlencoded', 415],
  ['text/plain', JSON.stringify(anOrder()), 'text/plain', 415],
  ['an unknown charset', JSON.stringify(anOrder()), 'application/json; charset=klingon', 415],
])('%s is refused', async (_name, body, contentType, status) => {
  const answer = await gateway.send(`/payment/create?tenant=${merchant.slug}`, {
    method: 'POST',
    headers: { 'Content-Type': contentType },
    body,
  });

  expect(answer.status).toBe(status);
  expect(answer.body).toMatchObject({ success: false, requestId: expect.any(String) });
  await expectNothingStored();
});

test.each([
  ['/orders/%00/status', 400],
  ['/orders/%E0%A4%A/status', 400],
  ['/orders/a%2Fb/status', 400],
  [`/orders/${'x'.repeat(51)}/status`, 400],
  ['/orders/UNKNOWN/status', 404],
  ['/nothing', 404],
])('GET %s gets %i', async (path, status) => {
  const answer = await merchant.get(path);

  expect(answer.status).toBe(status);
  expect(answer.body.success).toBe(false);
});

test.each([
  ['GET', '/payment/create', 'POST'],
  ['DELETE', '/payment/create', 'POST'],
  ['PUT', '/webhooks/midtrans', 'POST'],
  ['POST', '/orders/A/status', 'GET, HEAD'],
  ['POST', '/admin/stats', 'GET, HEAD'],
])('%s %s names what it takes', async (method, path, allowed) => {
  const answer = await gateway.send(`${path}?tenant=${merchant.slug}`, { method });

  expect(answer.status).toBe(405);
  expect(answer.headers.get('allow')).toBe(allowed);
});

test('no answer says what it runs on', async () => {
  const answer = await merchant.get('/nothing');

  expect(answer.headers.get('x-powered-by')).toBeNull();
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
});
