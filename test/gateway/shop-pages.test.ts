import { createHash, randomBytes } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { type RouteName, routes } from '../../src/contracts/routes.ts';
import type { Access } from '../../src/domain/access.ts';
import { type Answer, anOrder, type Merchant, startGateway } from '../support/gateway.ts';

const gateway = await startGateway();
const { send, url } = gateway;
afterAll(gateway.close);

const page = 'https://shop.example';
const listing = (...origins: string[]) => ({ allowed_origins: origins });

function corsOf({ headers }: Answer): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-')));
}

/** A create as a page's script sends it. */
async function create(merchant: Merchant, headers: Record<string, string> = {}) {
  const order = anOrder();
  const answer = await send(`/payment/create?tenant=${merchant.slug}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(order),
  });
  return { order, answer };
}

const preflight = (path: string, origin: string, method = 'POST') =>
  send(path, {
    method: 'OPTIONS',
    headers: {
      Origin: origin,
      'Access-Control-Request-Method': method,
      'Access-Control-Request-Headers': 'authorization,content-type,idempotency-key',
    },
  });

async function addPublishable(tenantId: string): Promise<string> {
  const key = `pk_test_${randomBytes(32).toString('hex')}`;
  await gateway.admin.query(
    `insert into api_keys (tenant_id, kind, prefix, key_hash) values ($1, 'publishable', $2, $3)`,
    [tenantId, key.slice(0, 12), createHash('sha256').update(key).digest()],
  );
  return key;
}

test('a page on the list starts a payment and reads the answer', async () => {
  const merchant = await gateway.merchant(listing('https://other.example', page));

  const { order, answer } = await create(merchant, { Origin: page });
  const status = await send(`/orders/${order.orderId}/status?tenant=${merchant.slug}`, {
    headers: { Origin: page },
  });

  expect([answer.status, status.status]).toEqual([200, 200]);
  for (const each of [answer, status]) {
    expect(corsOf(each)).toEqual({
      'access-control-allow-origin': page,
      'access-control-expose-headers': 'Idempotent-Replayed,Retry-After,X-Request-Id',
    });
    expect(each.headers.get('Vary')).toBe('Origin');
  }
});

test('a page on the list reads what is wrong with its request as well', async () => {
  const merchant = await gateway.merchant(listing(page));

  const answer = await send(`/payment/create?tenant=${merchant.slug}`, {
    method: 'POST',
    headers: { Origin: page, 'Content-Type': 'application/json' },
    body: '{}',
  });

  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
  expect(corsOf(answer)).toMatchObject({ 'access-control-allow-origin': page });
});

test.each([
  ['an origin that is not on the list', 'https://evil.example'],
  ['no origin at all, of a sandbox or a file', 'null'],
  ['one that begins as one on the list', 'https://shop.example.evil.example'],
  ['one that ends as one on the list', 'https://evil-shop.example'],
  ['a subdomain of one on the list', 'https://www.shop.example'],
  ['one on the list without TLS', 'http://shop.example'],
  ['one on the list with another port', 'https://shop.example:8443'],
  ['one on the list in another spelling', 'https://SHOP.example'],
  ['two', 'https://shop.example, https://evil.example'],
  ['a star', '*'],
  ['an empty one', ''],
])('from %s nothing is started and nothing is told', async (_, origin) => {
  const merchant = await gateway.merchant(listing(page));

  const { order, answer } = await create(merchant, { Origin: origin });
  const { orderId } = (await create(merchant)).order;
  const status = await send(`/orders/${orderId}/status?tenant=${merchant.slug}`, {
    headers: { Origin: origin },
  });
  const asked = await preflight(`/payment/create?tenant=${merchant.slug}`, origin);

  for (const refused of [answer, status, asked]) {
    expect(refused).toMatchObject({ status: 403, body: { code: 'origin-not-allowed' } });
    expect(corsOf(refused)).toEqual({});
    expect(refused.headers.get('Vary')).toBe('Origin');
  }
  expect(await merchant.orderStatus(order.orderId)).toBeUndefined();
});

test('a key does not make up for a page that is not on the list', async () => {
  const merchant = await gateway.merchant(listing(page));

  const { answer } = await create(merchant, {
    Origin: 'https://evil.example',
    Authorization: `Bearer ${merchant.secretKey}`,
  });

  expect(answer).toMatchObject({ status: 403, body: { code: 'origin-not-allowed' } });
});

test('the list of one tenant opens nothing of another', async () => {
  await gateway.merchant(listing(page));
  const stranger = await gateway.merchant(listing('https://stranger.example'));

  const { answer } = await create(stranger, { Origin: page });

  expect(answer).toMatchObject({ status: 403, body: { code: 'origin-not-allowed' } });
});

test.each(['null', '*'])(
  '"%s" is nobody’s origin, also when somebody wrote it into the list by SQL',
  async (text) => {
    const merchant = await gateway.merchant(listing(text));

    const literal = await create(merchant, { Origin: text });
    const other = await create(merchant, { Origin: 'https://evil.example' });

    expect([literal.answer.status, other.answer.status]).toEqual([403, 403]);
  },
);

test('Kassa’s own pages need no list, behind a proxy neither', async () => {
  const merchant = await gateway.merchant();
  const secure = url.replace('http:', 'https:');

  const own = await create(merchant, { Origin: url });
  const central = await create(merchant, { Origin: gateway.publicUrl });
  const proxied = await create(merchant, { Origin: secure, 'X-Forwarded-Proto': 'https' });
  const other = await create(merchant, { Origin: secure });

  expect(own.answer.status).toBe(200);
  expect(central.answer.status).toBe(200);
  expect(proxied.answer.status).toBe(200);
  expect(other.answer.status).toBe(403);
});

test('a server sends no origin and needs no list', async () => {
  const merchant = await gateway.merchant();

  const { answer } = await create(merchant);

  expect(answer.status).toBe(200);
  expect(corsOf(answer)).toEqual({});
});

test('a preflight names the methods and headers that are needed, and for how long', async () => {
  const { slug } = await gateway.merchant(listing(page));

  const create = await preflight(`/payment/create?tenant=${slug}`, page);
  const status = await preflight(`/orders/ORDER-1/status?tenant=${slug}`, page, 'GET');

  const shared = {
    'access-control-allow-origin': page,
    'access-control-allow-headers': 'Authorization,Content-Type,Idempotency-Key',
    'access-control-max-age': '7200',
  };
  expect([create.status, status.status]).toEqual([204, 204]);
  expect(corsOf(create)).toMatchObject({ ...shared, 'access-control-allow-methods': 'POST' });
  expect(corsOf(status)).toMatchObject({ ...shared, 'access-control-allow-methods': 'GET,HEAD' });
  for (const { headers } of [create, status]) {
    expect(headers.get('Access-Control-Allow-Credentials')).toBeNull();
    expect(headers.get('Vary')).toBe('Origin');
  }
});

test('a preflight of a page that names its shop by a key is let through; the request is judged', async () => {
  const merchant = await gateway.merchant(listing(page));
  const key = await addPublishable(merchant.id);
  const ask = (origin: string) =>
    send('/payment/create', {
      method: 'POST',
      headers: {
        Origin: origin,
        Authorization: `Bearer ${key}`,
        'Content-Type': 'application/json',
      },
      body: JSON.stringify(anOrder()),
    });

  for (const origin of [page, 'https://evil.example']) {
    const asked = await preflight('/payment/create', origin);
    expect(asked.status).toBe(204);
    expect(corsOf(asked)).toMatchObject({ 'access-control-allow-origin': origin });
  }
  const [allowed, refused] = [await ask(page), await ask('https://evil.example')];

  expect(allowed.status).toBe(200);
  expect(corsOf(allowed)).toMatchObject({ 'access-control-allow-origin': page });
  expect(refused).toMatchObject({ status: 403, body: { code: 'origin-not-allowed' } });
  expect(corsOf(refused)).toEqual({});
  expect(await preflight('/payment/create', 'null')).toMatchObject({ status: 403 });
  expect(await preflight('/payment/create', 'http://shop.example')).toMatchObject({ status: 403 });
});

test('a request of a page that names no shop is told so, and shares nothing', async () => {
  const answer = await send('/payment/create', {
    method: 'POST',
    headers: { Origin: page, 'Content-Type': 'application/json' },
    body: JSON.stringify(anOrder()),
  });

  expect(answer).toMatchObject({ status: 400, body: { code: 'tenant-missing' } });
  expect(corsOf(answer)).toEqual({});
});

test('an OPTIONS that is no preflight is a method that does not fit', async () => {
  const { slug } = await gateway.merchant(listing(page));
  const path = `/payment/create?tenant=${slug}`;

  const bare = await send(path, { method: 'OPTIONS' });
  const ofPage = await send(path, { method: 'OPTIONS', headers: { Origin: page } });

  expect([bare.status, ofPage.status]).toEqual([405, 405]);
});

const elsewhere = Object.entries(routes as Record<RouteName, { access: Access }>)
  .filter(([, { access }]) => access.door !== 'storefront')
  .map(([name]) => name.split(' ') as [string, string]);

test.each(elsewhere)('%s %s is shared with no page', async (method, pattern) => {
  const { slug, secretKey } = await gateway.merchant(listing(page));
  const path = `${pattern.replaceAll(/:\w+/g, '0192f0c1-0000-7000-8000-000000000000')}?tenant=${slug}`;

  const asked = await preflight(path, page, method);
  const answer = await send(path, {
    method,
    headers: { Origin: page, Authorization: `Bearer ${secretKey}` },
  });

  expect(asked.status).toBe(405);
  expect([corsOf(asked), corsOf(answer)]).toEqual([{}, {}]);
});

test('a shop that demands a key takes a secret one only, and looks at orders as before', async () => {
  const merchant = await gateway.merchant({ ...listing(page), create_requires_key: true });
  const publishable = await addPublishable(merchant.id);
  const refusal = { status: 401, body: { code: 'credentials-required' } };

  const bySecret = await create(merchant, { Authorization: `Bearer ${merchant.secretKey}` });

  expect(bySecret.answer.status).toBe(200);
  expect((await create(merchant)).answer).toMatchObject(refusal);
  expect((await create(merchant, { Origin: page })).answer).toMatchObject(refusal);
  expect((await create(merchant, { Authorization: `Bearer ${publishable}` })).answer).toMatchObject(
    refusal,
  );
  expect(await merchant.orderStatus(bySecret.order.orderId)).toBe('pending');
  expect(await merchant.rows('orders')).toHaveLength(1);
});

test('a secret key without the right to create is not enough either', async () => {
  const merchant = await gateway.merchant({ create_requires_key: true });
  await gateway.admin.query(`update api_keys set scopes = '{orders:read}' where tenant_id = $1`, [
    merchant.id,
  ]);

  const { answer } = await create(merchant, { Authorization: `Bearer ${merchant.secretKey}` });

  expect(answer).toMatchObject({ status: 403, body: { code: 'not-allowed' } });
});

test('whoever lacks the key is told so before the body is looked at', async () => {
  const { slug } = await gateway.merchant({ create_requires_key: true });

  const answer = await send(`/payment/create?tenant=${slug}`, { method: 'POST', body: 'rubbish' });

  expect(answer).toMatchObject({ status: 401, body: { code: 'credentials-required' } });
});
