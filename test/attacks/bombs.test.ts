import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll } from 'vitest';
import { anOrder } from '../support/gateway.ts';
import { attack } from './support/attack.ts';
import { statusesIn } from './support/client.ts';
import { startRealServer } from './support/real-server.ts';
import { type Plan, plans } from './support/requests.ts';

// What is too much: for a parser, for the memory, for the patience of a server in a process of its own.

const real = await startRealServer();
const { client, slug, secretKey } = real;
afterAll(real.close);

const writes = plans.filter(({ method, hasBody }) => method !== 'GET' && hasBody);
const megabyte = 1_048_576;

function headOf(plan: Plan, headers: string): string {
  const path = plan.path.replace(/:\w+/g, 'A');
  return (
    `${plan.method} ${path}?tenant=${slug} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
    `Authorization: Bearer ${secretKey}\r\n${headers}\r\n`
  );
}

type Flood = { readonly status: number | undefined; readonly sent: number; readonly ms: number };

/** Pours bytes in until the server answers or hangs up; how many it took until then. */
function pour(head: string, next: (sent: number) => Buffer | undefined): Promise<Flood> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const socket = connect(client.port, client.host);
    let sent = 0;
    let heard = '';
    const end = () => {
      socket.destroy();
      resolve({ status: statusesIn(heard)[0], sent, ms: performance.now() - startedAt });
    };
    const more = () => {
      while (!socket.destroyed) {
        const chunk = next(sent);
        if (!chunk) return;
        sent += chunk.length;
        if (!socket.write(chunk)) return void socket.once('drain', more);
      }
    };
    socket.on('connect', () => {
      socket.write(head);
      more();
    });
    socket.on('data', (text) => {
      heard += text;
      end();
    });
    socket.on('error', end);
    socket.on('close', end);
    socket.setTimeout(8_000, end);
  });
}

const filler = Buffer.alloc(65_536, 'x');
const chunk = Buffer.concat([Buffer.from('10000\r\n'), filler, Buffer.from('\r\n')]);
/** Ten gigabytes of nothing in ten megabytes. */
const bomb = gzipSync(Buffer.alloc(10 * megabyte));

attack('A14', 'what is too large is refused early, and is not kept', async (tally) => {
  await Promise.all(Array.from({ length: 50 }, () => client.ask({ path: '/livez' })));
  const idle = await real.memory();
  for (const plan of writes) {
    const gigabyte = 1_024 * megabyte;
    const floods = {
      'a gigabyte declared': await pour(headOf(plan, `Content-Length: ${gigabyte}\r\n`), (sent) =>
        sent < gigabyte ? filler : undefined,
      ),
      'a gigabyte in chunks': await pour(headOf(plan, 'Transfer-Encoding: chunked\r\n'), (sent) =>
        sent < gigabyte ? chunk : undefined,
      ),
      'ten gigabytes in gzip': await pour(
        headOf(plan, 'Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n'),
        (sent) => (sent < 10 * megabyte ? wrap(bomb) : undefined),
      ),
      'a length of 1e30': await pour(
        headOf(plan, `Content-Length: 1${'0'.repeat(30)}\r\n`),
        () => undefined,
      ),
    };
    for (const [what, { status, sent, ms }] of Object.entries(floods)) {
      const isRefused = status === undefined || [400, 401, 403, 404, 413, 415].includes(status);
      // What a sender gets rid of before the answer has come to him is the speed of his machine: a
      // fast one sends 18 MB in the 10 ms of it. That nothing of it is kept is counted below.
      const isEarly = sent <= gigabyte / 16 && ms < 5_000;
      tally.tried(
        `${plan.name}: ${what}`,
        isRefused && isEarly ? undefined : `${status} after ${sent} bytes, ${ms.toFixed(0)} ms`,
      );
    }
  }
  const heads = {
    '10 000 headers': [
      `GET /livez HTTP/1.1\r\nHost: localhost\r\n${'A: b\r\n'.repeat(10_000)}\r\n`,
      [400, 431],
    ],
    'a header of 100 kB': [
      `GET /livez HTTP/1.1\r\nHost: localhost\r\nA: ${'b'.repeat(100_000)}\r\n\r\n`,
      [400, 431],
    ],
    'an address of 100 kB': [
      `GET /livez?${'a'.repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      [414, 431],
    ],
    'an address of 12 kB': [
      `GET /orders/${'a'.repeat(12_000)}/status?tenant=${slug} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      [400, 414, 431],
    ],
    'a method of 1 MB': [
      `${'G'.repeat(megabyte)} / HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      [400, 431, 501],
    ],
    'a line without end': ['x'.repeat(megabyte), [400, 431, 501]],
  } as const;
  for (const [what, [bytes, allowed]] of Object.entries(heads)) {
    const [status = 0] = statusesIn(await client.speak(bytes, 2_000));
    tally.tried(what, allowed.some((each) => each === status) ? undefined : `${status}`);
  }
  await client.ask({ path: '/livez' });
  const after = await real.memory();
  // Beside 1.2 times: what Node keeps of its young generation, whoever asked.
  const limit = idle * 1.2 + 96;
  tally.note(
    `memory: ${idle.toFixed(0)} MB idle, ${after.toFixed(0)} MB after, at most ${limit.toFixed(0)} MB`,
  );
  tally.tried('memory', after <= limit ? undefined : `${after.toFixed(0)} MB`);
});

function wrap(bytes: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`${bytes.length.toString(16)}\r\n`),
    bytes,
    Buffer.from('\r\n'),
  ]);
}

const limitMs = 50;
const order = JSON.stringify(anOrder());
const sample = (member: string) => order.replace('{', `{${member},`);

const bombs: Readonly<Record<string, string>> = {
  '40 000 arrays deep': '['.repeat(40_000) + ']'.repeat(40_000),
  '30 000 arrays deep, open': '['.repeat(30_000),
  '10 000 objects deep': `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
  'deep in a member': sample(`"note":${'['.repeat(15_000)}${']'.repeat(15_000)}`),
  'a million members': `{${Array.from({ length: 1_000_000 }, (_, at) => `"${at}":1`).join()}}`,
  '7 000 members': `{${Array.from({ length: 7_000 }, (_, at) => `"${at}":1`).join()}}`,
  '30 000 numbers': `[${'1,'.repeat(30_000)}1]`,
  'a text of 1 MB': sample(`"note":"${'x'.repeat(megabyte)}"`),
  'a text of 60 kB': sample(`"note":"${'x'.repeat(60_000)}"`),
  '1e400': order.replace('150000', '1e400'),
  '-1e400': order.replace('150000', '-1e400'),
  'a number of 60 000 digits': order.replace('150000', '9'.repeat(60_000)),
  'a lone surrogate in a name': order.replace('Siti', 'Siti\\ud800'),
  'a lone surrogate in a key': sample('"\\udfff":1'),
  'NUL in a name': order.replace('Siti', 'Siti\\u0000'),
  'NUL in a key': sample('"a\\u0000":1'),
  'escapes only': sample(`"note":"${'\\u0041'.repeat(10_000)}"`),
  'a key of 60 kB': sample(`"${'k'.repeat(60_000)}":1`),
  'keys that collide': sample(
    Array.from({ length: 3_000 }, (_, at) => `"${'Aa'.repeat(3)}${at}":1`).join(),
  ),
};

/** Large, and within what a body may be: a member that nobody reads is left alone by a create. */
const takeable = ['a text of 60 kB', 'escapes only', 'a key of 60 kB', 'keys that collide'];

attack('A15', 'no shape of JSON takes long, or is more than refused', async (tally) => {
  let most = 0;
  for (const plan of writes.filter(({ isRaw }) => !isRaw)) {
    for (const [what, body] of Object.entries(bombs)) {
      const { status, workedMs } = await cheapest(plan, body);
      most = Math.max(most, workedMs);
      const isRefused = status >= 400 && status < 500;
      const isSound = isRefused || (status < 300 && takeable.includes(what));
      const through =
        isSound && workedMs <= limitMs ? undefined : `${status}, ${workedMs} ms of work`;
      tally.tried(`${plan.name}: ${what}`, through);
    }
    // Which of two members counts is said by JSON: the last. It is one request, and one answer.
    const { status } = await send(plan, sample('"orderId":"A","orderId":"B"'));
    tally.tried(`${plan.name}: a member twice`, status < 500 ? undefined : `${status}`);
  }
  tally.note(`the server worked ${most} ms at most for one of them`);
});

async function send(plan: Plan, body: string): Promise<{ readonly status: number }> {
  const question = {
    method: plan.method,
    path: `${plan.path.replace(/:\w+/g, 'A')}?tenant=${slug}`,
    headers: ['Content-Type', 'application/json', 'Authorization', `Bearer ${secretKey}`],
    body,
  };
  // Whoever is refused while he still sends may find the connection closed instead of an answer.
  return client.ask(question).catch(() => ({ status: 413 }));
}

/** What a bomb costs the server: what is dear is dear each time. */
async function cheapest(plan: Plan, body: string) {
  let least = { status: 0, workedMs: Number.POSITIVE_INFINITY };
  for (let again = 0; again < 4 && least.workedMs > limitMs; again += 1) {
    const before = await real.workedMs();
    const { status } = await send(plan, body);
    const workedMs = (await real.workedMs()) - before;
    if (workedMs < least.workedMs) least = { status, workedMs };
  }
  return least;
}

const wanted: readonly (readonly [string, RegExp])[] = [
  ['content-security-policy', /frame-ancestors 'none'/],
  ['x-content-type-options', /^nosniff$/],
  ['referrer-policy', /no-referrer/],
  ['cache-control', /no-store/],
  ['strict-transport-security', /max-age=(?:[4-9]\d{7}|3153[6-9]\d{3}|\d{9,}).*includeSubDomains/i],
];

attack('A22', 'every answer says that it is not to be framed, sniffed or kept', async (tally) => {
  const key = ['Authorization', `Bearer ${secretKey}`];
  const questions = plans.flatMap((plan) => {
    const path = `${plan.path.replace(/:\w+/g, 'A')}?tenant=${slug}`;
    return [
      { what: plan.name, method: plan.method, path, headers: key },
      { what: `${plan.name}, nobody`, method: plan.method, path },
      { what: `${plan.name}, no shop`, method: plan.method, path: `${path}&tenant=other` },
      { what: `${plan.name}, another method`, method: 'PATCH', path, headers: key },
      {
        what: `${plan.name}, no JSON`,
        method: plan.method,
        path,
        headers: [...key, 'Content-Type', 'application/json'],
        body: '{',
      },
    ];
  });
  for (const { what, ...question } of [
    ...questions,
    { what: 'nothing', path: '/nothing' },
    { what: 'the root', path: '/' },
  ]) {
    const { status, headers } = await client.ask(question);
    const missing = wanted.find(([name, value]) => !value.test(String(headers[name] ?? '')));
    tally.tried(`${what}, ${status}`, missing && `${missing[0]} is ${headers[missing[0]]}`);
  }
});

attack('A22', 'and so does what Node itself refuses', async (tally) => {
  const broken = [
    'GET / HTTP/1.1\r\n\r\n',
    'NONSENSE\r\n\r\n',
    'GET / HTTP/9.9\r\nHost: a\r\n\r\n',
    `GET / HTTP/1.1\r\nHost: a\r\nA: ${'b'.repeat(40_000)}\r\n\r\n`,
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nA: \r\rb\r\n\r\n',
    'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\n\r\n',
    'PURR / HTTP/1.1\r\nHost: a\r\n\r\n',
  ];
  for (const bytes of broken) {
    const heard = await client.speak(bytes, 1_000);
    const missing = wanted.find(
      ([name, value]) => !value.test(new RegExp(`^${name}: (.*)\r$`, 'im').exec(heard)?.[1] ?? ''),
    );
    const through =
      heard === '' ? undefined : missing && `${missing[0]} is missing in ${heard.slice(0, 200)}`;
    tally.tried(JSON.stringify(bytes.slice(0, 40)), through);
  }
});
