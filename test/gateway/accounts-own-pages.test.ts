import { afterAll, beforeAll, expect, test } from 'vitest';
import { routes } from '../../src/contracts/routes.ts';
import { type Browser, browserIn, goodPassword, ownOrigin, personIn } from '../support/accounts.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

let gateway: Gateway;
let session: string;
let email: string;

beforeAll(async () => {
  gateway = await startGateway();
  const person = await personIn(gateway);
  email = person.email;
  session = (await person.signIn()).cookies();
});

afterAll(() => gateway.close());

const send = (method: string, path: string, headers: Record<string, string>, body?: string) =>
  gateway.send(path, { method, headers, ...(body !== undefined && { body }) });
const json = { 'Content-Type': 'application/json' };

const foreign: readonly [string, Record<string, string>][] = [
  ['no page at all', {}],
  ['a foreign page', { Origin: 'https://evil.example' }],
  ['a page of a host that begins as ours', { Origin: `${ownOrigin}.evil.example` }],
  ['our host, but not by http', { Origin: 'https://localhost:3010' }],
  ['a hidden page', { Origin: 'null' }],
  ['a page of the same site', { 'Sec-Fetch-Site': 'same-site' }],
  ['a cross-site page', { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }],
  ['an address that was typed in', { 'Sec-Fetch-Site': 'none' }],
  [
    'a foreign page that claims to be ours',
    { 'Sec-Fetch-Site': 'same-origin', Origin: 'https://evil.example' },
  ],
];

test.each(foreign)('with a session, what %s sends changes nothing', async (_page, headers) => {
  const answer = await send('POST', '/api/auth/sign-out', { ...headers, Cookie: session });

  expect(answer).toMatchObject({ status: 403, body: { code: 'origin-not-allowed' } });
  const alive = await send('GET', '/api/auth/session', { Cookie: session });
  expect(alive.status).toBe(200);
});

test.each(foreign)('nobody is signed in at the bidding of %s', async (_page, headers) => {
  const body = JSON.stringify({ email, password: goodPassword });

  const answer = await send('POST', '/api/auth/sign-in', { ...headers, ...json }, body);

  expect(answer).toMatchObject({ status: 403, body: { code: 'origin-not-allowed' } });
  expect(answer.headers.getSetCookie()).toEqual([]);
});

test('every route that changes something refuses a foreign page that has a session', async () => {
  const unsafe = Object.entries(routes).filter(
    ([name, { access }]) =>
      !name.startsWith('GET ') && access.door !== 'provider' && access.door !== 'open',
  );
  expect(unsafe.length).toBeGreaterThan(15);
  for (const [name] of unsafe) {
    const [method = '', path = ''] = name.split(' ');
    const headers = { Origin: 'https://evil.example', Cookie: session, ...json };
    const answer = await send(method, path.replaceAll(/:\w+/g, 'x'), headers, '{}');
    expect(answer, name).toMatchObject({ status: 403, body: { code: 'origin-not-allowed' } });
  }
});

test.each<[string, Record<string, string>]>([
  ['of the public address', { Origin: ownOrigin }],
  ['that the browser calls the same origin', { 'Sec-Fetch-Site': 'same-origin' }],
])('a page %s may', async (_page, headers) => {
  const browser: Browser = browserIn(gateway, headers);

  const answer = await browser.post('/api/auth/sign-in', { email, password: goodPassword });

  expect(answer.status).toBe(200);
  expect((await browser.post('/api/auth/sign-out')).status).toBe(200);
});

test("a page of a tenant's own host may, where the browser says that it asks its own", async () => {
  const { host } = new URL(gateway.url);
  const headers = { Origin: `http://${host}`, 'Sec-Fetch-Site': 'same-origin' };

  const answer = await browserIn(gateway, headers).post('/api/auth/sign-in', {
    email,
    password: goodPassword,
  });

  expect(answer.status).toBe(200);
});

test('a form cannot sign anybody in: only JSON is read', async () => {
  const headers = { Origin: ownOrigin, 'Content-Type': 'application/x-www-form-urlencoded' };
  const text = { Origin: ownOrigin, 'Content-Type': 'text/plain' };
  const body = JSON.stringify({ email, password: goodPassword });

  expect((await send('POST', '/api/auth/sign-in', headers, 'email=a&password=b')).status).toBe(415);
  expect((await send('POST', '/api/auth/sign-in', text, body)).status).toBe(415);
});

test('a program with a key names no page', async () => {
  const merchant = await gateway.merchant();

  const answer = await send(
    'POST',
    '/admin/orders/ORDER-1/cancel',
    {
      Authorization: `Bearer ${merchant.secretKey}`,
      ...json,
    },
    '{}',
  );

  expect(answer.body.code).not.toBe('origin-not-allowed');
});

test('over https the cookies are held to this host, to https, and away from scripts', async () => {
  const secure = await startGateway({ PUBLIC_URL: 'https://kassa.example' });
  const person = await personIn(secure);
  const browser = browserIn(secure, { Origin: 'https://kassa.example' });

  const answer = await browser.post('/api/auth/sign-in', {
    email: person.email,
    password: goodPassword,
  });

  expect(answer.status).toBe(200);
  const lines = answer.headers.getSetCookie();
  expect(lines.map((line) => line.split('=')[0])).toEqual([
    '__Host-kassa_session',
    '__Host-kassa_device',
  ]);
  for (const line of lines) {
    expect(line).toMatch(/; Path=\/(;|$)/);
    expect(line).toMatch(/; Secure(;|$)/);
    expect(line).toMatch(/; HttpOnly(;|$)/);
    expect(line).toMatch(/; SameSite=Lax(;|$)/);
    expect(line).not.toContain('Domain');
  }
  expect(await browser.isSignedIn()).toBe(true);
  const plain = browserIn(secure);
  plain.jar.set('kassa_session', browser.jar.get('__Host-kassa_session') ?? '');
  expect(await plain.isSignedIn()).toBe(false);
  expect((await browser.post('/api/auth/sign-out')).headers.getSetCookie()).toEqual([
    '__Host-kassa_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure',
  ]);
  await secure.close();
});
