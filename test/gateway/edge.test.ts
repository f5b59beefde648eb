import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type RouteName, routes } from '../../src/contracts/routes.ts';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { head, sendRaw } from '../support/raw-http.ts';
import { strictHeaders } from '../support/strict-headers.ts';

let gateway: Gateway;
let merchant: Merchant;

beforeAll(async () => {
  gateway = await startGateway();
  merchant = await gateway.merchant();
});

afterAll(() => gateway.close());

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

/** A path may stand for another route too, whose parameter takes its last part. */
function patternOf(name: RouteName): RegExp {
  return new RegExp(`^${name.replace(/^\S+ /, '').replace(/:\w+/g, '[^/]+')}$`);
}

function methodOf(name: RouteName): string {
  return name.slice(0, name.indexOf(' '));
}

test.each(names)('%s: the answer to anybody has all headers', async (name) => {
  const answer = await gateway.send(`${pathOf(name)}?tenant=${merchant.slug}`, {
    method: methodOf(name),
  });

  expect(Object.fromEntries(answer.headers)).toMatchObject(strictHeaders);
  expect(answer.headers.get('x-request-id')).toMatch(/^[\w-]{36}$/);
  expect(answer.headers.get('strict-transport-security')).toBeNull();
  expect(answer.headers.get('content-type')).toMatch(
    /^application\/(problem\+)?json; charset=utf-8$/,
  );
});

test('with https every answer holds browsers to it', async () => {
  const secure = await startGateway({ PUBLIC_URL: 'https://pay.kassa.example' });
  onTestFinished(() => secure.close());

  for (const path of ['/livez', '/health', '/nothing']) {
    const { headers } = await secure.send(path);
    expect(headers.get('strict-transport-security')).toBe('max-age=63072000; includeSubDomains');
  }
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
  const own = names.filter((name) => patternOf(name).test(path)).map(methodOf);
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

test('the access log says who asked for what, and nothing that was sent along', async () => {
  const path = '/orders/ORDER-4711/status';

  await gateway.send(`${path}?tenant=${merchant.slug}&name=c4n4ry`, {
    headers: { 'X-Canary': 'c4n4ry', Cookie: 'c4n4ry=c4n4ry', Referer: 'https://c4n4ry.example' },
  });
  await gateway.send(`/payment/create?tenant=${merchant.slug}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ orderId: 'c4n4ry' }),
  });

  await expect.poll(() => gateway.logLines.join('')).toContain(`"path":"${path}`);
  await expect.poll(() => gateway.logLines.join('')).toContain('"path":"/payment/create');
  expect(gateway.logLines.join('')).not.toContain('c4n4ry');
});
