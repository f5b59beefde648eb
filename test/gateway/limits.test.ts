import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { head, type RawAnswer, sendRaw } from '../support/raw-http.ts';

// We are our own client here, at an address that no proxy of the gateway's has, or at one that has.

let direct: Gateway;
let proxied: Gateway;
let merchant: Merchant;

beforeAll(async () => {
  // The clock stands still, so that no window ends between two tests.
  vi.useFakeTimers({ toFake: ['Date'] });
  direct = await startGateway({ RATE_LIMITS: 'on', TRUSTED_PROXIES: '10.0.0.1' });
  proxied = await startGateway({ RATE_LIMITS: 'on' });
});

beforeEach(async () => {
  merchant = await direct.merchant();
});

afterAll(async () => {
  vi.useRealTimers();
  await direct.close();
  await proxied.close();
});

const most = limits['create-address'].points;
const anywhere = { path: '/payment/create', method: 'POST', headers: [] as readonly string[] };

/** A try at `POST /payment/create` that would get 400: its limits come before its body. */
function attempt(gateway: Gateway, how: Partial<typeof anywhere> & { tenant: string }) {
  const { path, method, headers, tenant } = { ...anywhere, ...how };
  const host = headers.some((line) => line.startsWith('Host:')) ? [] : ['Host: localhost'];
  return sendRaw(
    gateway.url,
    head(
      `${method} ${path}?tenant=${tenant} HTTP/1.1`,
      ...host,
      ...headers,
      'Connection: close',
      'Content-Type: application/json',
      'Content-Length: 0',
    ),
  );
}

async function statusesOf(tries: number, each: (index: number) => Promise<RawAnswer>) {
  const statuses: number[] = [];
  for (let index = 0; index < tries; index += 1) statuses.push((await each(index)).status);
  return statuses;
}

function bodyOf(answer: RawAnswer) {
  return JSON.parse(answer.body);
}

test('one address creates so many payments a minute, whatever it says it is', async () => {
  const lies = [
    (n: number) => `X-Forwarded-For: 203.0.113.${n}`,
    (n: number) => `X-Real-IP: 203.0.113.${n}`,
    (n: number) => `Forwarded: for=203.0.113.${n}`,
    (n: number) => `X-Client-IP: 203.0.113.${n}`,
    (n: number) => `CF-Connecting-IP: 203.0.113.${n}`,
    (n: number) => `X-Forwarded-Host: shop-${n}.localhost`,
  ];
  const { slug: tenant } = merchant;

  const statuses = await statusesOf(most + lies.length, (n) =>
    attempt(direct, { tenant, headers: [lies[n % lies.length]?.(n) ?? ''] }),
  );

  expect(statuses.filter((status) => status === 400)).toHaveLength(most);
  expect(statuses.slice(most)).toEqual(lies.map(() => 429));
});

// From here on the address is used up, for a minute.
test.each([
  ['another letter case of the path', { path: '/PAYMENT/Create' }, 429],
  ['a slash more at the end', { path: '/payment/create/' }, 429],
  ['a path in absolute form', { path: 'http://localhost/payment/create' }, 429],
  ['an absolute path with dots', { path: 'http://localhost/admin/../payment/create' }, 429],
  ['another letter case of the host', { headers: ['Host: LOCALHOST'] }, 429],
  ['a host with its dot', { headers: ['Host: localhost.'] }, 429],
  ['a host with a port', { headers: ['Host: localhost:81'] }, 429],
  ['another name of the host', { headers: ['Host: 127.0.0.1'] }, 429],
  ['two slashes', { path: '//payment/create' }, 404],
  ['two slashes inside', { path: '/payment//create' }, 404],
  ['a dot', { path: '/./payment/create' }, 404],
  ['two dots', { path: '/health/../payment/create' }, 404],
  ['encoded dots', { path: '/health/%2e%2e/payment/create' }, 404],
  ['an encoded letter', { path: '/payment/%63reate' }, 404],
  ['an encoded slash', { path: '/payment%2fcreate' }, 404],
  ['a parameter of the path', { path: '/payment/create;a=b' }, 404],
  ['another method', { method: 'PUT' }, 405],
  [
    'a method in a header',
    { method: 'GET', headers: ['X-HTTP-Method-Override: POST', 'X-Method-Override: POST'] },
    405,
  ],
])('%s is no way around', async (_, how, status) => {
  expect((await attempt(direct, { ...how, tenant: merchant.slug })).status).toBe(status);
});

test('neither another letter case of a tenant, nor another tenant, is a way around', async () => {
  const other = await direct.merchant();

  for (const tenant of [merchant.slug.toUpperCase(), other.slug]) {
    expect((await attempt(direct, { tenant })).status).toBe(429);
  }
});

test('the refusal says when to come again, and is a problem as any other', async () => {
  const answer = await attempt(direct, { tenant: merchant.slug });

  expect(answer.status).toBe(429);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(60);
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(bodyOf(answer)).toMatchObject({
    success: false,
    code: 'too-many-requests',
    retryable: true,
    requestId: expect.any(String),
  });
});

test('who is refused is not remembered under an idempotency key, and learns nothing new', async () => {
  const refused = await direct.send(`/payment/create?tenant=${merchant.slug}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'a-key' },
    body: JSON.stringify(anOrder()),
  });

  expect(refused.status).toBe(429);
  expect(await merchant.rows('idempotency_keys')).toEqual([]);
  expect(await merchant.rows('orders')).toEqual([]);
});

test("a merchant's server with its secret key is held by that, not by its address", async () => {
  const answer = await direct.send('/payment/create', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${merchant.secretKey}`,
    },
    body: JSON.stringify(anOrder()),
  });

  expect(answer.status).toBe(200);
  expect(answer.headers.get('ratelimit-policy')).toBe(`"key";q=${limits.key.points};w=60`);
  expect(answer.headers.get('ratelimit')).toMatch(/^"key";r=\d+;t=\d+$/);
});

test('money news, status pages and probes are heard all the same', async () => {
  const notified = await merchant.notify({ order_id: 'A' });
  const asked = await merchant.get('/orders/UNKNOWN/status');

  expect([notified.status, asked.status]).toEqual([400, 404]);
  expect((await direct.send('/livez')).status).toBe(200);
});

test('behind a trusted proxy the address is the last that no proxy has', async () => {
  const { slug: tenant } = await proxied.merchant();
  const from = (address: string) =>
    attempt(proxied, { tenant, headers: [`X-Forwarded-For: ${address}`] });

  const statuses = await statusesOf(most + 1, (n) => from(`198.51.100.${n}, 203.0.113.7`));

  expect(statuses.at(most - 1)).toBe(400);
  expect(statuses.at(most)).toBe(429);
  expect((await from('203.0.113.7, 127.0.0.1')).status).toBe(429);
  expect((await from('::ffff:203.0.113.7')).status).toBe(429);
  expect((await from('203.0.113.8')).status).toBe(400);
});

test('addresses of one /64 are one', async () => {
  const { slug: tenant } = await proxied.merchant();
  const from = (address: string) =>
    attempt(proxied, { tenant, headers: [`X-Forwarded-For: ${address}`] });

  await statusesOf(most, (n) => from(`2001:db8:1:2::${n + 1}`));

  expect((await from('2001:db8:1:2:ffff:ffff:ffff:ffff')).status).toBe(429);
  expect((await from('2001:db8:1:3::1')).status).toBe(400);
});

test('who guesses keys is not looked at any more; others are', async () => {
  const owner = await proxied.merchant();
  const ask = (key: string, address: string) =>
    proxied.send('/admin/stats', {
      headers: { Authorization: `Bearer ${key}`, 'X-Forwarded-For': address },
    });
  const { points } = limits['key-failures-address'];
  const look = vi.spyOn(proxied.services.apiKeys, 'authenticate');
  onTestFinished(() => look.mockRestore());

  for (let guess = 0; guess < points; guess += 1) {
    const answer = await ask(`sk_test_${randomUUID().replaceAll('-', '')}`, '203.0.113.20');
    expect(answer.status).toBe(401);
  }
  expect(look).toHaveBeenCalledTimes(points);

  expect((await ask(owner.secretKey, '203.0.113.20')).body.code).toBe('too-many-requests');
  expect(look).toHaveBeenCalledTimes(points);
  expect((await ask(owner.secretKey, '203.0.113.21')).status).toBe(200);
});

test('who is kept out at the door uses up nothing of the tenant', async () => {
  const owner = await proxied.merchant();
  const take = vi.spyOn(proxied.services.rateLimits, 'take');
  onTestFinished(() => take.mockRestore());

  expect((await proxied.send(`/admin/stats?tenant=${owner.slug}`)).status).toBe(401);
  expect(take.mock.calls.map(([name]) => name)).not.toContain('back-office-tenant');

  const allowed = await proxied.send('/admin/stats', {
    headers: { Authorization: `Bearer ${owner.secretKey}` },
  });
  expect(allowed.status).toBe(200);
  expect(take.mock.calls).toContainEqual(['back-office-tenant', owner.id]);
});

test('what is left of a tenant’s limit is told to nobody', async () => {
  const owner = await proxied.merchant();

  const answer = await proxied.send(`/orders/A/status?tenant=${owner.slug}`);

  expect(answer.headers.get('ratelimit')).toMatch(/^"storefront-address";/);
  expect(JSON.stringify([...answer.headers])).not.toContain('tenant');
});

test('everything counts by address, also what is nowhere', async () => {
  const take = vi.spyOn(proxied.services.rateLimits, 'take');
  onTestFinished(() => take.mockRestore());

  for (const path of ['/nothing', '/health', '/orders/A/status?tenant=nobody-has-it']) {
    await proxied.send(path, { headers: { 'X-Forwarded-For': '203.0.113.30' } });
  }

  expect(take.mock.calls).toEqual(
    Array.from({ length: 3 }, () => ['requests-address', '203.0.113.30']),
  );
});
