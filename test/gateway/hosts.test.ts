import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { head, sendRaw } from '../support/raw-http.ts';

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
