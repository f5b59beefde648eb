import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type RouteName, routes } from '../../src/contracts/routes.ts';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { head, type RawAnswer, sendRaw } from '../support/raw-http.ts';

let gateway: Gateway;
let guarded: Gateway;
let merchant: Merchant;

beforeAll(async () => {
  gateway = await startGateway();
  // A client at an address that no proxy has.
  guarded = await startGateway({
    TRUSTED_PROXIES: '10.0.0.1',
    PUBLIC_URL: 'http://pay.kassa.example:8080',
    TENANT_DOMAINS: 'kassa.example',
    PLATFORM_SUBDOMAINS: 'www,pay',
  });
  merchant = await gateway.merchant();
});

afterAll(async () => {
  await gateway.close();
  await guarded.close();
});

const ask = (target: string, ...lines: string[]) =>
  sendRaw(
    gateway.url,
    head(`GET ${target} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...lines),
  );

const names = Object.keys(routes) as RouteName[];

/** A path that stands for a route: parameters are filled with what nobody has. */
function pathOf(name: RouteName): string {
  return name.replace(/^\S+ /, '').replace(/:\w+/g, '019aa2b4-6a3f-7000-8000-0242ac120002');
}

function methodOf(name: RouteName): string {
  return name.slice(0, name.indexOf(' '));
}

const strict = {
  'content-security-policy':
    "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': expect.stringContaining('payment=()'),
  'cache-control': 'no-store',
};

function headersOf(headers: Headers) {
  return Object.fromEntries(headers);
}

test.each(names)('%s: the answer to anybody has all headers', async (name) => {
  const answer = await gateway.send(`${pathOf(name)}?tenant=${merchant.slug}`, {
    method: methodOf(name),
  });

  expect(headersOf(answer.headers)).toMatchObject(strict);
  expect(answer.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
  expect(answer.headers.get('strict-transport-security')).toBeNull();
  expect(answer.headers.get('content-type')).toMatch(
    /^application\/(problem\+)?json; charset=utf-8$/,
  );
});

type Provocation = () => Promise<{ status: number; headers: Record<string, string>; text: string }>;

const sent = async (path: string, init: RequestInit = {}, base = gateway.url) => {
  const response = await fetch(`${base}${path}`, init);
  return {
    status: response.status,
    headers: headersOf(response.headers),
    text: await response.text(),
  };
};
const raw = async (text: string, url = gateway.url) => {
  const { status, headers, body } = await sendRaw(url, text);
  return { status, headers, text: body };
};
const posted = (body: string, type = 'application/json', path = '/payment/create') =>
  sent(`${path}?tenant=${merchant.slug}`, {
    method: 'POST',
    headers: { 'Content-Type': type },
    body,
  });
const withKey = (path: string, init: RequestInit = {}) =>
  sent(path, {
    ...init,
    headers: {
      Authorization: `Bearer ${merchant.secretKey}`,
      'Content-Type': 'application/json',
    },
  });
const order = (overrides: Record<string, unknown>) => JSON.stringify(anOrder(overrides));
const someId = '019aa2b4-6a3f-7000-8000-0242ac120002';
const innards = 'relation "secrets" does not exist at character 12: select key from secrets';

/** Something of ours that breaks in a way that nobody foresaw. */
async function broken(error: unknown): ReturnType<Provocation> {
  const spy = vi.spyOn(gateway.services.stats, 'summary').mockRejectedValue(error);
  try {
    return await withKey('/admin/stats');
  } finally {
    spy.mockRestore();
  }
}

const provocations: readonly (readonly [string, number, Provocation])[] = [
  ['nothing there', 404, () => sent('/nothing')],
  ['nothing there, encoded', 404, () => sent('/%6eothing')],
  ['nothing there, as a file', 404, () => sent('/.git/config')],
  ['nothing there, as a page of the demo', 404, () => sent('/demo')],
  [
    'a path that cannot be decoded',
    400,
    () => sent(`/orders/%E0%A4%A/status?tenant=${merchant.slug}`),
  ],
  ['a path with NUL', 400, () => sent(`/orders/%00/status?tenant=${merchant.slug}`)],
  ['an address too long', 414, () => sent(`/${'a'.repeat(5_000)}`)],
  [
    'an address far too long',
    431,
    () => raw(head(`GET /${'a'.repeat(20_000)} HTTP/1.1`, 'Host: a')),
  ],
  [
    'headers too many',
    431,
    () =>
      raw(
        head(
          'GET / HTTP/1.1',
          'Host: localhost',
          'Connection: close',
          ...Array.from({ length: 100 }, (_, at) => `X-${at}: a`),
        ),
      ),
  ],
  [
    'headers too large',
    431,
    () => raw(head('GET / HTTP/1.1', 'Host: a', `X: ${'a'.repeat(20_000)}`)),
  ],
  ['no host', 400, () => raw(head('GET /health HTTP/1.1', 'Connection: close'))],
  [
    'two hosts',
    400,
    () =>
      raw(head('GET /health HTTP/1.1', 'Host: localhost', 'Host: localhost', 'Connection: close')),
  ],
  [
    'an unknown host',
    421,
    () => raw(head('GET /health HTTP/1.1', 'Host: evil.example', 'Connection: close')),
  ],
  ['no HTTP', 400, () => raw('GET / HTTP/9.9\r\n\r\n')],
  ['no such method', 501, () => raw(head('BREW / HTTP/1.1', 'Host: a'))],
  [
    'a method that echoes',
    405,
    () => raw(head('TRACE /health HTTP/1.1', 'Host: localhost', 'Connection: close')),
  ],
  ['a method that does not fit', 405, () => sent('/health', { method: 'DELETE' })],
  ['no tenant', 400, () => sent('/orders/A/status')],
  ['an unknown tenant', 404, () => sent('/orders/A/status?tenant=nobody-has-it')],
  ['a tenant that cannot be', 404, () => sent("/orders/A/status?tenant='--")],
  ['two tenants', 400, () => sent(`/orders/A/status?tenant=a-b&tenant=${merchant.slug}`)],
  ['no credentials', 401, () => sent(`/admin/stats?tenant=${merchant.slug}`)],
  ['a damaged key', 401, () => sent('/admin/stats', { headers: { Authorization: 'Bearer sk_!' } })],
  [
    'an unknown key',
    401,
    () => sent('/admin/stats', { headers: { Authorization: `Bearer sk_test_${'a'.repeat(48)}` } }),
  ],
  ['a key in a shop that is none', 404, () => withKey('/admin/stats?tenant=nobody-has-it')],
  ['no order', 404, () => sent(`/orders/NONE/status?tenant=${merchant.slug}`)],
  [
    'no order to refund',
    404,
    () => withKey('/admin/orders/NONE/refunds', { method: 'POST', body: '{"reason":"none"}' }),
  ],
  [
    'no item',
    404,
    () =>
      withKey(`/admin/attention/${someId}/resolve`, { method: 'POST', body: '{"note":"done"}' }),
  ],
  ['no reconciliation', 404, () => withKey(`/admin/reconciliations/${someId}`)],
  ['an id that is none', 400, () => withKey('/admin/reconciliations/1')],
  ['a query that is wrong', 400, () => withKey('/admin/stats?from=yesterday')],
  ['a query that says too much', 400, () => withKey('/admin/customers?limit=1000000')],
  ['an empty body', 400, () => posted('')],
  ['broken JSON', 400, () => posted('{"orderId":')],
  ['JSON that is too deep', 400, () => posted('['.repeat(10_000) + ']'.repeat(10_000))],
  ['another type', 415, () => posted('{}', 'text/plain')],
  ['another charset', 415, () => posted('{}', 'application/json; charset=klingon')],
  ['a body too large', 413, () => posted(order({ name: 'x'.repeat(70_000) }))],
  ['fields that are wrong', 400, () => posted(order({ amount: -1, email: innards }))],
  ['a card number', 400, () => posted(order({ name: '4911111111111113' }))],
  [
    'an idempotency key that is none',
    400,
    () =>
      sent(`/payment/create?tenant=${merchant.slug}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'x'.repeat(300) },
        body: order({}),
      }),
  ],
  [
    'a forged notification',
    403,
    () =>
      posted(
        JSON.stringify({
          order_id: 'A',
          status_code: '200',
          gross_amount: '1.00',
          signature_key: 'a'.repeat(128),
          transaction_status: 'settlement',
          transaction_id: 'a',
          payment_type: 'qris',
        }),
        'application/json',
        '/webhooks/midtrans',
      ),
  ],
  ['a notification that is none', 400, () => posted('hello', 'text/plain', '/webhooks/midtrans')],
  ['a defect', 500, () => broken(new Error(innards))],
  ['a defect that is no error', 500, () => broken(innards)],
  ['a defect with a status', 500, () => broken(Object.assign(new Error(innards), { status: 503 }))],
  [
    'a database that is away',
    503,
    () => broken(Object.assign(new Error(innards), { code: 'ECONNREFUSED', syscall: 'connect' })),
  ],
];

test('there are forty kinds of refusal', () => {
  expect(provocations.length).toBeGreaterThanOrEqual(40);
});

test.each(provocations)(
  '%s gets %i, and learns nothing of what is inside',
  async (_, status, provoke) => {
    const answer = await provoke();

    const body = JSON.parse(answer.text);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject(strict);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(Object.keys(body)).toEqual(
      [
        'success',
        'type',
        'title',
        'status',
        'detail',
        'code',
        'retryable',
        'requestId',
        body.errors && 'errors',
      ].filter(Boolean),
    );
    expect(body).toMatchObject({ success: false, requestId: expect.stringMatching(/./) });
    expect(answer.text).not.toMatch(
      /\bat .+:\d+|node_modules|\/src\/|select|relation|express|postgres|nginx/i,
    );
    expect(JSON.stringify(answer.headers)).not.toMatch(/express|node|x-powered-by/i);
  },
);

test('with https every answer holds browsers to it', async () => {
  const secure = await startGateway({ PUBLIC_URL: 'https://pay.kassa.example' });
  onTestFinished(() => secure.close());

  for (const path of ['/livez', '/health', '/nothing']) {
    const { headers } = await secure.send(path);
    expect(headers.get('strict-transport-security')).toBe('max-age=63072000; includeSubDomains');
  }
});

const guardedAsk = (host: string, ...lines: string[]) =>
  sendRaw(
    guarded.url,
    head('GET /health HTTP/1.1', `Host: ${host}`, 'Connection: close', ...lines),
  );

test.each([
  'pay.kassa.example',
  'pay.kassa.example:8080',
  'PAY.KASSA.EXAMPLE',
  'pay.kassa.example.',
  'pay.kassa.example.:8080',
  'kassa.example',
  'www.kassa.example',
  'localhost',
  '127.0.0.1:3010',
  '[::1]:3010',
])('Host: %s is ours', async (host) => {
  expect((await guardedAsk(host)).status).toBe(200);
});

test.each([
  ['evil.example', 421],
  ['kassa.example.evil.example', 421],
  ['evilkassa.example', 421],
  ['pay.kassa.example.evil.example', 421],
  ['10.0.0.1', 421],
  ['0x7f000001', 421],
  ['2130706433', 421],
  ['xn--kss-qla.example', 421],
  ['[::ffff:127.0.0.1]', 421],
  ['kassa.example@evil.example', 400],
  ['user:password@pay.kassa.example', 400],
  ['pay.kassa.example/evil', 400],
  ['pay.kassa.example, evil.example', 400],
  ['pay.kassa.example evil.example', 400],
  ['pay.kassa.example..', 421],
  ['pay.kassa.example:port', 400],
  ['pаy.kassa.example', 400],
  ['', 400],
])('Host: %s is not', async (host, status) => {
  const answer = await guardedAsk(host, 'X-Forwarded-Host: pay.kassa.example');

  expect(answer.status).toBe(status);
  expect(answer.body).not.toContain('evil');
});

test.each([
  ['GET http://pay.kassa.example/health HTTP/1.1', 200],
  ['GET http://PAY.kassa.example.:81/health HTTP/1.1', 200],
  ['GET http://evil.example/health HTTP/1.1', 400],
  ['GET http://user@pay.kassa.example/health HTTP/1.1', 400],
  ['GET ftp://pay.kassa.example/health HTTP/1.1', 400],
  ['GET //evil.example/health HTTP/1.1', 404],
  ['GET /\\evil.example/health HTTP/1.1', 404],
  ['OPTIONS * HTTP/1.1', 400],
])('%s gets %i', async (line, status) => {
  const answer = await sendRaw(
    guarded.url,
    head(line, 'Host: pay.kassa.example', 'Connection: close'),
  );

  expect(answer.status).toBe(status);
});

test('a trusted proxy may serve a tenant under its own domain; nobody else may', async () => {
  const owner = await guarded.merchant();
  const lines = ['Connection: close', 'Host: tickets.orchestra.example'];
  const statusOf = async (url: string, slug: string) => {
    const named = [...lines, `X-Tenant-Slug: ${slug}`];
    return (await sendRaw(url, head('GET /orders/NONE/status HTTP/1.1', ...named))).status;
  };

  expect(await statusOf(gateway.url, merchant.slug)).toBe(404);
  expect(await statusOf(guarded.url, owner.slug)).toBe(421);
});

test.each(['/livez', '/readyz'])('%s answers under any name', async (path) => {
  const lines = ['Host: 10.9.8.7:3010', 'Connection: close'];

  expect((await sendRaw(guarded.url, head(`GET ${path} HTTP/1.1`, ...lines))).status).toBe(200);
  expect((await sendRaw(guarded.url, head(`GET ${path} HTTP/1.0`))).status).toBe(200);
});

const tricks = [
  '//admin/stats',
  '/admin//stats',
  '/./admin/stats',
  '/health/../admin/stats',
  '/health/%2e%2e/admin/stats',
  '/health/..%2fadmin/stats',
  '/health/%252e%252e/admin/stats',
  '/admin%2fstats',
  '/admin/stats%00',
  '/admin/stats%20',
  '/admin/stats;a=b',
  '/%61dmin/stats',
  '/admin\\stats',
  '/admin/stats/.',
  '/admin/stats..',
];

test.each(tricks)('%s leads nowhere, also with a key', async (path) => {
  const answer = await ask(path, `Authorization: Bearer ${merchant.secretKey}`);

  expect([400, 404]).toContain(answer.status);
});

test.each(['/ADMIN/stats', '/admin/stats/', '/Admin/Stats?', 'http://localhost/x/../admin/stats'])(
  '%s is the route itself, with its door',
  async (path) => {
    expect((await ask(path)).status).toBe(401);
    expect((await ask(path, `Authorization: Bearer ${merchant.secretKey}`)).status).toBe(200);
  },
);

const methods = [
  'TRACE',
  'TRACK',
  'PROPFIND',
  'MKCOL',
  'COPY',
  'PURGE',
  'SEARCH',
  'LINK',
  'PATCH',
  'PUT',
  'DELETE',
];

test.each([...new Set(names.map(pathOf))])('%s takes its own methods only', async (path) => {
  const own = names.filter((name) => pathOf(name) === path).map(methodOf);
  for (const method of [...methods, 'HEAD'].filter((each) => !own.includes(each))) {
    if (method === 'HEAD' && own.includes('GET')) continue;
    const answer = await sendRaw(
      gateway.url,
      head(
        `${method} ${path}?tenant=${merchant.slug} HTTP/1.1`,
        'Host: localhost',
        'Connection: close',
        `Authorization: Bearer ${merchant.secretKey}`,
        'X-Canary: c4n4ry',
      ),
    );
    expect([405, 501], method).toContain(answer.status);
    if (answer.status === 405) expect(answer.headers.allow).toMatch(/^[A-Z, ]+$/);
    expect(answer.body).not.toContain('c4n4ry');
  }
});

test.each(['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'])(
  '%s overrides nothing',
  async (name) => {
    const answer = await ask(
      `/payment/create?tenant=${merchant.slug}&_method=POST`,
      `${name}: POST`,
    );

    expect(answer.status).toBe(405);
  },
);

test.each<[string, () => Promise<{ readonly status: number }>]>([
  ['JSON', () => posted('{"__proto__":{"isAdmin":true}}')],
  ['JSON below', () => posted(`{"a":{"constructor":{"prototype":{"isAdmin":true}}}}`)],
  ['a query', () => withKey('/admin/stats?__proto__[isAdmin]=true')],
  ['a query by its constructor', () => withKey('/admin/stats?constructor.prototype.isAdmin=true')],
  ['a query by name', () => withKey('/admin/stats?__proto__=isAdmin')],
])('a prototype in %s is refused and changes nothing', async (_, pollute) => {
  expect((await pollute()).status).toBe(400);
  expect('isAdmin' in {}).toBe(false);
});

test('the log says from where a request came, and nothing that the client planted', async () => {
  const lines = gateway.logLines.length;
  await sent(`/orders/4911111111111113/status?tenant=${merchant.slug}&token=c4n4ry`, {
    headers: {
      'X-Forwarded-For': '203.0.113.9',
      Cookie: 'kassa_session=c4n4ry',
      Authorization: `Bearer sk_test_${'c4n4ry'.repeat(4)}`,
      'User-Agent': 'c4n4ry',
    },
  });
  await posted(order({ name: 'c4n4ry', email: 'c4n4ry', phone: '4911111111111113' }));

  await expect.poll(() => gateway.logLines.slice(lines).join('')).toContain('/payment/create');
  const written = gateway.logLines.slice(lines);
  expect(written.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ address: '203.0.113.9' }),
  );
  expect(written.join('')).not.toMatch(/c4n4ry|4911111111111113/);
});

test('what Node answers by itself looks like everything else', async () => {
  const answers: RawAnswer[] = [
    await sendRaw(gateway.url, 'GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n'),
    await sendRaw(gateway.url, head('GET / HTTP/1.1', 'Host: a', `X: ${'a'.repeat(20_000)}`)),
  ];

  expect(answers.map(({ status }) => status)).toEqual([400, 431]);
  for (const { headers } of answers) expect(headers).toMatchObject(strict);
});
