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

/** Until when each kind has to be gone: a head has 10 s, a body and a reader 30, and both are looked for. */
const kinds = {
  'a slow head': { head: 'GET /livez HTTP/1.1\r\nHost: localhost\r\n', limitMs: 30_000 },
  silence: { head: '', limitMs: 30_000 },
  'a slow body': {
    head:
      `POST /payment/create?tenant=${slug} HTTP/1.1\r\nHost: localhost\r\n` +
      'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{',
    limitMs: 45_000,
  },
  'a slow reader': {
    head: `GET /admin/customers HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${secretKey}\r\n\r\n`,
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
    // What a slow reader was answered stays on the wire; the others hear that they are sent away.
    if (kind !== 'a slow reader') slow.socket.resume();
    opened.push(slow);
    if (count % 100 === 99) await sleep(5);
  }
  return opened;
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
  const filesBefore = await real.openFiles();
  const slow = await openSlow();
  // A byte now and then, which is what a timeout between bytes would be satisfied with.
  const drip = setInterval(() => {
    const dripping = slow.filter(({ kind }) => kind === 'a slow head' || kind === 'a slow body');
    for (const { socket } of dripping) if (socket.writable) socket.write('x');
  }, 5_000);
  const besieged = await latencies(400);
  const filesAtMost = await real.openFiles();
  await waitUntilGone(slow, filesBefore);
  clearInterval(drip);

  const readers = slow.filter(({ kind }) => kind === 'a slow reader');
  const filesLeft = (await real.openFiles()) - filesBefore;
  for (const each of slow.filter((each) => !readers.includes(each))) {
    const ms = (each.closedAt ?? Number.POSITIVE_INFINITY) - each.openedAt;
    tally.tried(each.kind, ms <= kinds[each.kind].limitMs ? undefined : `open for ${ms} ms`);
  }
  for (const _ of readers) {
    tally.tried('a slow reader', filesLeft <= slack ? undefined : `${filesLeft} sockets are open`);
  }
  for (const { socket } of slow) socket.destroy();
  const after = await latencies(400);
  tally.note(`sockets: ${filesBefore} before, ${filesAtMost} besieged, ${filesLeft} left over`);
  for (const kind of ['a slow head', 'silence', 'a slow body'] as const) {
    const own = slow.filter((each) => each.kind === kind);
    const longest = Math.max(...own.map(({ closedAt = 0, openedAt }) => closedAt - openedAt));
    tally.note(`${kind}: closed after ${(longest / 1_000).toFixed(1)} s at most`);
  }
  tellOthers(tally, { quiet, besieged, after });
});

/** Connections of the pool and of the listener come and go beside. */
const slack = 20;

async function waitUntilGone(slow: readonly Slow[], filesBefore: number): Promise<void> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < 45_000) {
    const isLeft = slow.some(({ kind, closedAt }) => kind !== 'a slow reader' && !closedAt);
    if (!isLeft && (await real.openFiles()) - filesBefore <= slack) return;
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
