import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import {
  closeOf,
  head,
  openSocket,
  parseAnswer,
  readAnswer,
  sendRaw,
} from '../test/support/raw-http.ts';
import { createHttpServer } from './http-server.ts';

type Limits = NonNullable<Parameters<typeof createHttpServer>[1]['limits']>;

const short = { headersMs: 500, requestMs: 1_000, unreadMs: 800, checkMs: 50, idleMs: 1_500 };
/** Nobody is closed for being slow: what is closed is one too many. */
const patient = { headersMs: 60_000, requestMs: 60_000, unreadMs: 60_000, idleMs: 60_000 };
const nobody: readonly string[] = [];

async function start(
  limits: Limits,
  { app = answerOk, trustedProxies = nobody, isHttps = true } = {},
) {
  const server = createHttpServer(app, { isHttps, trustedProxies, limits });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Reads the body to its end, as a handler does. */
const answerOk: RequestListener = (req, res) => {
  req.resume();
  req.on('end', () => res.end('ok'));
};

async function secondsUntilClosed(socket: Socket): Promise<number> {
  const start = performance.now();
  socket.resume();
  await closeOf(socket);
  return (performance.now() - start) / 1_000;
}

/** Writes one byte after the other for as long as the connection is open. */
function drip(socket: Socket, text: string, pauseMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed || at >= text.length) return clearInterval(timer);
    socket.write(text[at] ?? '');
    at += 1;
  }, pauseMs);
  socket.once('close', () => clearInterval(timer));
}

test('a request as it should be is answered', async () => {
  const url = await start(short);

  expect((await fetch(url, { method: 'POST', body: 'x'.repeat(10_000) })).status).toBe(200);
});

test('who sends the head byte by byte is closed, and no other client waits', async () => {
  const url = await start(short);
  const slow = await Promise.all(Array.from({ length: 50 }, () => openSocket(url)));
  for (const socket of slow) drip(socket, `GET / HTTP/1.1\r\n${'X-A: b\r\n'.repeat(1_000)}`, 20);
  const ends = Promise.all(slow.map(secondsUntilClosed));

  for (let tries = 0; tries < 20; tries += 1) expect((await fetch(url)).status).toBe(200);

  expect(Math.max(...(await ends))).toBeLessThan(5);
});

test('who sends the body byte by byte is closed', async () => {
  const url = await start(short);
  const socket = await openSocket(url);
  socket.write(head('POST / HTTP/1.1', 'Host: localhost', 'Content-Length: 1000'));
  drip(socket, 'x'.repeat(1_000), 20);

  expect(await secondsUntilClosed(socket)).toBeLessThan(5);
});

test('who connects and says nothing is closed', async () => {
  const socket = await openSocket(await start(short));

  expect(await secondsUntilClosed(socket)).toBeLessThan(5);
});

test('who reads an answer too slowly is closed; who reads it is served', async () => {
  const page = Buffer.alloc(40_000_000, 'x');
  const open: Socket[] = [];
  const url = await start(short, {
    app: (_req, res) => {
      if (res.socket) open.push(res.socket);
      res.end(page);
    },
  });
  const slow = await openSocket(url);
  slow.pause();
  slow.write(head('GET / HTTP/1.1', 'Host: localhost'));
  await expect.poll(() => open.length).toBe(1);

  await expect.poll(() => open[0]?.destroyed, { timeout: 5_000 }).toBe(true);
  const answer = await fetch(url);
  expect((await answer.arrayBuffer()).byteLength).toBe(page.byteLength);
});

test('who reads an answer byte by byte is closed, and the kernel keeps none of it', async () => {
  const open: Socket[] = [];
  const url = await start(
    { ...short, idleMs: 60_000 },
    {
      app: (_req, res) => {
        if (res.socket) open.push(res.socket);
        for (let count = 0; count < 400; count += 1) res.write(Buffer.alloc(100_000, 'x'));
        res.end();
      },
    },
  );
  const slow = await openSocket(url);
  slow.pause();
  slow.write(head('GET / HTTP/1.1', 'Host: localhost'));
  const sip = setInterval(() => slow.read(1_000), 50);
  onTestFinished(() => clearInterval(sip));

  await expect.poll(() => open[0]?.destroyed, { timeout: 5_000 }).toBe(true);
  // Reset, not closed: the client does not hear the end of the answer.
  slow.resume();
  await expect.poll(() => slow.errored).toMatchObject({ code: 'ECONNRESET' });
});

test('who asks on and on without an answer is cut off, and is answered no further', async () => {
  const asked: string[] = [];
  const url = await start(
    { ...short, maxPipelined: 4 },
    { app: (req) => void asked.push(String(req.url)) },
  );
  const socket = await openSocket(url);

  socket.write(head('GET /many HTTP/1.1', 'Host: a').repeat(100));

  await closeOf(socket);
  expect(asked).toEqual(['/many', '/many', '/many', '/many']);
});

test('many requests one after the other are answered, however many they are', async () => {
  const socket = await openSocket(await start({ ...short, maxPipelined: 2 }));

  for (let count = 0; count < 20; count += 1) {
    const said = once(socket, 'data');
    socket.write(head('GET / HTTP/1.1', 'Host: a'));
    expect(String((await said)[0])).toMatch(/^HTTP\/1\.1 200/);
  }
});

test('a stranger keeps a connection for a while, and a proxy for longer', async () => {
  const limits = { ...patient, keepAliveMs: 60_000, strangerKeepAliveMs: 1_000, checkMs: 50 };
  const stranger = await openSocket(await start(limits));
  const proxy = await openSocket(await start(limits, { trustedProxies: ['127.0.0.0/8'] }));
  const heard = [once(stranger, 'data'), once(proxy, 'data')];
  for (const socket of [stranger, proxy]) socket.write(head('GET / HTTP/1.1', 'Host: a'));
  const [own, proxied] = (await Promise.all(heard)).map(([chunk]) => String(chunk));

  expect(own).toContain('Keep-Alive: timeout=1\r\n');
  expect(proxied).toContain('Keep-Alive: timeout=60\r\n');
  expect(await secondsUntilClosed(stranger)).toBeLessThan(5);
  expect(proxy.closed).toBe(false);
});

test('the defaults close slow clients within 30 seconds, all in all', async () => {
  const server = createHttpServer(answerOk, { isHttps: false, trustedProxies: [] });

  expect(server.headersTimeout).toBeLessThanOrEqual(20_000);
  // Late by as much as the checks are apart.
  expect(server.requestTimeout).toBeLessThanOrEqual(25_000);
  expect(server.maxConnections).toBeLessThanOrEqual(10_000);
  // Longer than nginx keeps an idle one to us.
  expect(server.keepAliveTimeout).toBeGreaterThan(60_000);
});

test('one address holds so many connections, and a trusted proxy more', async () => {
  const capped = await start({
    ...patient,
    maxSocketsPerAddress: 3,
  });
  const sockets = await Promise.all(Array.from({ length: 3 }, () => openSocket(capped)));

  expect(await secondsUntilClosed(await openSocket(capped))).toBeLessThan(5);
  sockets[0]?.destroy();
  await expect.poll(async () => (await fetch(capped).catch(() => undefined))?.status).toBe(200);

  const proxied = await start(
    { ...patient, maxSocketsPerAddress: 3 },
    { trustedProxies: ['127.0.0.0/8'] },
  );
  await Promise.all(Array.from({ length: 10 }, () => openSocket(proxied)));
  expect((await fetch(proxied)).status).toBe(200);
});

test('all addresses together hold so many connections', async () => {
  const url = await start({ ...patient, maxSockets: 2 });
  await Promise.all([openSocket(url), openSocket(url)]);

  expect(await secondsUntilClosed(await openSocket(url))).toBeLessThan(5);
});

const many = 'X-A: b\r\n'.repeat(10_000);

test.each([
  ['what is no HTTP', 'GET / HTCPCP/1.0\r\n\r\n', 400],
  [
    'two lengths',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    400,
  ],
  [
    'a length and chunks',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  [
    'chunks twice over',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n',
    400,
  ],
  ['a folded header', 'GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\nY\r\n\r\n', 400],
  ['a bare return', 'GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n', 400],
  [
    'a chunk of no length',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    400,
  ],
  ['16 kB of headers', `GET / HTTP/1.1\r\nHost: a\r\n${many}\r\n`, 431, 'headers-too-large'],
  [
    'an address of 100 kB',
    `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
    431,
    'headers-too-large',
  ],
  ['a method of nobody', 'BREW / HTTP/1.1\r\nHost: a\r\n\r\n', 501, 'method-unknown'],
  [
    'a tunnel',
    'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n',
    501,
    'method-unknown',
  ],
  [
    'an expectation',
    'POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-maybe\r\nContent-Length: 1\r\n\r\n',
    417,
    'expectation-failed',
  ],
])('%s is answered as any other refusal', async (_, text, status, code = 'invalid-request') => {
  const answer = await sendRaw(await start(short), text);

  expect(answer.status).toBe(status);
  expect(JSON.parse(answer.body)).toMatchObject({ success: false, status, code });
  expect(answer.headers).toMatchObject({
    connection: 'close',
    'content-type': 'application/problem+json; charset=utf-8',
    'content-security-policy': expect.stringContaining("default-src 'none'"),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    'strict-transport-security': 'max-age=63072000; includeSubDomains',
  });
});

test('a request that comes too slowly is told so, when nothing else is under way', async () => {
  const socket = await openSocket(await start(short));
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n');

  const answer = await readAnswer(socket);

  expect(answer.status).toBe(408);
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'request-timeout', retryable: true });
});

test.each([
  ['a broken request', 'nonsense\r\n\r\n'],
  ['a tunnel', 'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n'],
])('%s behind one that is being answered gets no answer into that one', async (_, behind) => {
  const url = await start(short, {
    app: (_req, res) => {
      res.writeHead(200, { 'Content-Length': 10 });
      res.write('half ');
    },
  });
  const socket = await openSocket(url);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });

  socket.write(`${head('GET / HTTP/1.1', 'Host: a')}`);
  await expect.poll(() => text).toContain('half');
  socket.write(behind);
  await closeOf(socket);

  expect(parseAnswer(text).body).toBe('half ');
  const next = await sendRaw(url, 'nonsense\r\n\r\n');
  expect(next.status).toBe(501);
});
