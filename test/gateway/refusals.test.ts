import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { head, type RawAnswer, sendRaw } from '../support/raw-http.ts';
import { strictHeaders } from '../support/strict-headers.ts';

let gateway: Gateway;
let merchant: Merchant;

beforeAll(async () => {
  gateway = await startGateway();
  merchant = await gateway.merchant();
});

afterAll(() => gateway.close());

function headersOf(headers: Headers) {
  return Object.fromEntries(headers);
}

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
    expect(answer.headers).toMatchObject(strictHeaders);
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
  await sent(`/orders/4911111111111113/status?tenant=${merchant.slug}&token=c4n4ry&from=c4n4ry`, {
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
  // A parser keeps the last of two members of one name, a person reads the first.
  for (const line of written) expect(line.split('"address":').length).toBeLessThan(3);
});

test('what Node answers by itself looks like everything else', async () => {
  const answers: RawAnswer[] = [
    await sendRaw(gateway.url, 'GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n'),
    await sendRaw(gateway.url, head('GET / HTTP/1.1', 'Host: a', `X: ${'a'.repeat(20_000)}`)),
  ];

  expect(answers.map(({ status }) => status)).toEqual([400, 431]);
  for (const { headers } of answers) expect(headers).toMatchObject(strictHeaders);
});
