import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { attack, type Tally } from './support/attack.ts';
import { startRealServer } from './support/real-server.ts';

// Two thousand clients that are in no hurry.

// They come from a proxy of ours: an address of its own would be cut off after a few hundred.
const real = await startRealServer({ TRUSTED_PROXIES: '127.0.0.0/8', LOG_LEVEL: 'warn' });
const { client, slug, secretKey } = real;
afterAll(real.close);

const sockets = 2_000;
const readerCount = 8;

/** Until when each kind has to be gone: a head has 10 s, a body 30, and both are looked for. */
const kinds = {
  'a slow head': { head: 'GET /livez HTTP/1.1\r\nHost: localhost\r\n', limitMs: 30_000 },
  silence: { head: '', limitMs: 30_000 },
  'a slow body': {
    head:
      `POST /payment/create?tenant=${slug} HTTP/1.1\r\nHost: localhost\r\n` +
      'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{',
    limitMs: 45_000,
  },
} as const;
type Kind = keyof typeof kinds;
type Slow = {
  readonly socket: Socket;
  readonly kind: Kind;
  readonly openedAt: number;
  closedAt?: number;
};

async function openSlow(): Promise<Slow[]> {
  const names = Object.keys(kinds) as Kind[];
  const opened: Slow[] = [];
  for (let count = 0; count < sockets; count += 1) {
    const kind = names[count % names.length] ?? 'silence';
    const slow: Slow = {
      socket: connect(client.port, client.host),
      kind,
      openedAt: performance.now(),
    };
    slow.socket.on('error', () => undefined);
    slow.socket.on('close', () => {
      slow.closedAt = performance.now();
    });
    slow.socket.write(kinds[kind].head);
    // Not to be hung up on unheard.
    slow.socket.resume();
    opened.push(slow);
    // What waits in front of the door is not inside yet.
    if (count % 100 === 99) await expectInside(count - 50);
  }
  return opened;
}

async function expectInside(count: number): Promise<void> {
  while ((await real.connections()) < count) await sleep(10);
}

/** Clients who ask for more than a wire holds, and read none of it. */
async function openReaders(): Promise<Socket[]> {
  await real.admin.query(
    `insert into customers (tenant_id, email, name)
     select id, 'reader-' || n || '@shop.example', repeat('x', 200) from tenants, generate_series(1, 100) n`,
  );
  const asked =
    'GET /admin/customers?limit=100 HTTP/1.1\r\nHost: localhost\r\n' +
    `Authorization: Bearer ${secretKey}\r\n\r\n`;
  return Array.from({ length: readerCount }, () => {
    const socket = connect(client.port, client.host, () => socket.write(asked.repeat(1_000)));
    return socket.on('error', () => undefined).pause();
  });
}

/** A merchant's own requests, one after the other. */
async function latencies(count: number): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at += 1) {
    const { status, ms } = await client.ask({
      path: '/admin/stats',
      headers: ['Authorization', `Bearer ${secretKey}`],
    });
    times.push(status === 200 ? ms : Number.POSITIVE_INFINITY);
  }
  return times.sort((a, b) => a - b);
}

attack('A13', 'they are closed, and nobody else waits for them', async (tally) => {
  await latencies(100);
  const quiet = await latencies(400);
  const before = await real.connections();
  const readers = await openReaders();
  const slow = await openSlow();
  // A byte now and then, which is what a timeout between bytes would be satisfied with.
  const drip = setInterval(() => {
    for (const { socket, kind } of slow) {
      if (kind !== 'silence' && socket.writable) socket.write('x');
    }
  }, 5_000);
  const besieged = await latencies(400);
  await waitUntilGone(slow, before);
  clearInterval(drip);

  for (const { kind, openedAt, closedAt = Number.POSITIVE_INFINITY } of slow) {
    const ms = closedAt - openedAt;
    tally.tried(kind, ms <= kinds[kind].limitMs ? undefined : `open for ${ms} ms`);
  }
  const left = (await real.connections()) - before;
  tally.tried(`${readerCount} slow readers`, left <= 0 ? undefined : `${left} are connected`);
  for (const socket of [...readers, ...slow.map((each) => each.socket)]) socket.destroy();
  for (const kind of Object.keys(kinds) as Kind[]) {
    const own = slow.filter((each) => each.kind === kind);
    const longest = Math.max(...own.map(({ closedAt = 0, openedAt }) => closedAt - openedAt));
    tally.note(`${kind}: closed after ${(longest / 1_000).toFixed(1)} s at most`);
  }
  tellOthers(tally, { quiet, besieged, after: await latencies(400) });
});

async function waitUntilGone(slow: readonly Slow[], before: number): Promise<void> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < 60_000) {
    const isLeft = slow.some(({ closedAt }) => closedAt === undefined);
    if (!isLeft && (await real.connections()) <= before) return;
    await sleep(200);
  }
}

type Times = Readonly<Record<'quiet' | 'besieged' | 'after', readonly number[]>>;

function tellOthers(tally: Tally, { quiet, besieged, after }: Times): void {
  const p99 = (times: readonly number[]) => times[Math.floor(times.length * 0.99)] ?? 0;
  const calm = Math.max(p99(quiet), p99(after));
  const ratio = p99(besieged) / calm;
  const told = [quiet, besieged, after].map((times) => `${p99(times).toFixed(1)} ms`);
  tally.note(`p99 of others: ${told.join(', ')} (quiet, besieged, after): ×${ratio.toFixed(2)}`);
  // Of a few milliseconds twice as many are soon there by chance.
  const isServed = ratio <= 2 || p99(besieged) <= calm + 100;
  tally.tried('a merchant meanwhile', isServed ? undefined : `×${ratio.toFixed(2)}`);
}
