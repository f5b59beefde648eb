import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { attack, type Tally } from './support/attack.ts';
import { startRealServer } from './support/real-server.ts';

// Two thousand clients that are in no hurry.

// Strangers all: what comes from a proxy of ours may stay for longer between two requests.
const real = await startRealServer({ TRUSTED_PROXIES: '10.9.9.0/24', LOG_LEVEL: 'warn' });
const { client, slug, secretKey } = real;
afterAll(real.close);

const sockets = 2_000;
/** Clients of so many addresses: one address alone would be cut off after a few hundred. */
const addresses = 20;
/** Each has to be gone by then, and is looked for on a machine that does more besides. */
const limitMs = 30_000 + 3_000;

const heads = {
  'a slow head': 'GET /livez HTTP/1.1\r\nHost: localhost\r\n',
  silence: '',
  'a slow body':
    `POST /payment/create?tenant=${slug} HTTP/1.1\r\nHost: localhost\r\n` +
    'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{',
} as const;
/** Much is answered to one of these, more than a wire holds to a hundred. */
const question =
  'GET /admin/customers?limit=100 HTTP/1.1\r\nHost: localhost\r\n' +
  `Authorization: Bearer ${secretKey}\r\n\r\n`;

type Slow = {
  readonly kind: string;
  readonly socket: Socket;
  readonly openedAt: number;
  /** Its own end of the wire, once it has one. */
  name?: string;
  closedAt?: number;
};

function open(kind: string, count: number): Slow {
  const localAddress = `127.0.1.${1 + (count % addresses)}`;
  const socket = connect({ port: client.port, host: client.host, localAddress });
  socket.on('error', () => undefined);
  const slow: Slow = { kind, socket, openedAt: performance.now() };
  socket.on('connect', () => {
    slow.name = `${localAddress}:${socket.localPort}`;
  });
  return slow;
}

async function openSenders(): Promise<Slow[]> {
  const names = Object.entries(heads);
  const opened: Slow[] = [];
  for (let count = 0; count < sockets; count += 1) {
    const [kind, head] = names[count % names.length] ?? ['silence', ''];
    const slow = open(kind, count);
    slow.socket.write(head);
    // Not to be hung up on unheard.
    slow.socket.resume();
    opened.push(slow);
    // What waits in front of the door is not inside yet.
    if (count % 100 === 99) await expectInside(count - 50);
  }
  return opened;
}

async function expectInside(count: number): Promise<void> {
  while ((await real.connections()).size < count) await sleep(10);
}

/** Clients who ask for something and do not read it: all at once, again and again, or one thing. */
async function openReaders(): Promise<Slow[]> {
  await real.admin.query(
    `insert into customers (tenant_id, email, name)
     select id, 'reader-' || n || '@shop.example', repeat('x', 200) from tenants, generate_series(1, 100) n`,
  );
  return Array.from({ length: 12 }, (_, at) => {
    const kind = ['a thousand questions', 'an answer by bytes', 'an answer unread'][at % 3] ?? '';
    const slow = open(kind, at);
    slow.socket.pause();
    slow.socket.write(kind === 'a thousand questions' ? question.repeat(1_000) : question);
    return slow;
  });
}

/** A byte now and then, which is what a timeout between bytes would be satisfied with. */
function dripInto(slow: readonly Slow[]): NodeJS.Timeout[] {
  const write = (kinds: readonly string[], text: string) => () => {
    for (const { socket, kind } of slow) {
      if (kinds.includes(kind) && socket.writable) socket.write(text);
    }
  };
  const read = () => {
    for (const { socket, kind } of slow) if (kind === 'an answer by bytes') socket.read(1);
  };
  return [
    setInterval(write(['a slow head', 'a slow body'], 'x'), 5_000),
    // Not so many at once that he is cut off for that.
    setInterval(write(['an answer by bytes'], question.repeat(6)), 150),
    setInterval(read, 1_000),
  ];
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
  return times;
}

attack('A13', 'they are closed, and nobody else waits for them', async (tally) => {
  await latencies(100);
  const quiet = await latencies(400);
  const readers = await openReaders();
  const slow = [...readers, ...(await openSenders())];
  const drips = dripInto(slow);
  const watch = watchUntilGone(slow);
  const besieged = await latencies(400);
  await watch;
  for (const drip of drips) clearInterval(drip);
  for (const { socket } of slow) socket.destroy();

  for (const [kind, own] of Map.groupBy(slow, (each) => each.kind)) {
    const times = own.map(
      ({ openedAt, closedAt = Number.POSITIVE_INFINITY }) => closedAt - openedAt,
    );
    for (const ms of times) {
      tally.tried(kind, ms <= limitMs ? undefined : `open for ${(ms / 1_000).toFixed(1)} s`);
    }
    tally.note(`${kind}: closed after ${(Math.max(...times) / 1_000).toFixed(1)} s at most`);
  }
  tellOthers(tally, { quiet, besieged, after: await latencies(400) });
});

/** By the server's side: who does not read does not hear either that he was hung up on. */
async function watchUntilGone(slow: readonly Slow[]): Promise<void> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < 2 * limitMs) {
    await sleep(200);
    const held = await real.connections();
    const now = performance.now();
    for (const each of slow) {
      if (each.name !== undefined && !held.has(each.name)) each.closedAt ??= now;
    }
    if (slow.every(({ closedAt }) => closedAt !== undefined)) return;
  }
}

type Times = Readonly<Record<'quiet' | 'besieged' | 'after', readonly number[]>>;

function tellOthers(tally: Tally, { quiet, besieged, after }: Times): void {
  const calm = Math.max(p99(quiet), p99(after));
  const ratio = p99(besieged) / calm;
  const told = [quiet, besieged, after].map((times) => `${p99(times).toFixed(1)} ms`);
  tally.note(`p99 of others: ${told.join(', ')} (quiet, besieged, after): ×${ratio.toFixed(2)}`);
  // Of a few milliseconds twice as many are soon there by chance.
  const isServed = ratio <= 2 || p99(besieged) <= calm + 100;
  tally.tried('a merchant meanwhile', isServed ? undefined : `×${ratio.toFixed(2)}`);
}

/** Of the best quarter: what others do on this machine comes and goes, what the slow do stays. */
function p99(times: readonly number[]): number {
  const size = Math.ceil(times.length / 4);
  const quarters = [0, 1, 2, 3].map((at) => times.slice(at * size, (at + 1) * size));
  const ends = quarters.map((own) => own.toSorted((a, b) => a - b)[Math.floor(own.length * 0.99)]);
  return Math.min(...ends.map((ms) => ms ?? Number.POSITIVE_INFINITY));
}
