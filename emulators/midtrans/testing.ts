import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, vi } from 'vitest';
import { type EmulatorOptions, startMidtransEmulator } from './emulator.ts';

/** Read from outside, so nothing is known of it. */
export type Json = Record<string, unknown>;
export type Received = {
  path: string;
  method: string;
  headers: IncomingHttpHeaders;
  text: string;
  body: Json;
};
type Responder = (received: Received, res: ServerResponse) => void;

export const keyA = 'SB-Mid-server-TESTKEY0000000000000000';
export const keyB = 'SB-Mid-server-TESTKEY1111111111111111';
export const phone = 'Mozilla/5.0 (Linux; Android 15) Mobile';
/** When every test begins. The clock stands still but for what a test advances it by. */
const morning = Date.parse('2026-01-15T10:00:00+07:00');

/** A merchant's server on this machine: it keeps what it gets and answers as it is told. */
export async function startReceiver() {
  const received: Received[] = [];
  let respond: Responder = (_received, res) => res.end('{}');
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const { url: path = '', method = '', headers } = req;
      const one = { path, method, headers, text, body: parseOrEmpty(text) };
      received.push(one);
      respond(one, res);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    respondWith(next: Responder): void {
      respond = next;
    },
    answer(...codes: number[]): void {
      let count = 0;
      respond = (_received, res) => {
        res.statusCode = codes[Math.min(count, codes.length - 1)] ?? 200;
        count += 1;
        res.end();
      };
    },
    statuses: () => received.map(({ body }) => body.transaction_status),
    async toHave(count: number): Promise<void> {
      await vi.waitFor(() => expect(received).toHaveLength(count), { timeout: 5000 });
    },
    async close(): Promise<void> {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function parseOrEmpty(text: string): Json {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

/** An emulator with two merchants, and the merchants' server. */
export async function startRig(options: Partial<EmulatorOptions> = {}) {
  const receiver = await startReceiver();
  const emulator = await startMidtransEmulator({
    port: 0,
    dataFile: ':memory:',
    realNow: () => morning,
    ...options,
  });

  async function call(path: string, init: RequestInit & { key?: string; json?: unknown } = {}) {
    const headers = new Headers(init.headers);
    const key = init.key ?? keyA;
    if (!headers.has('authorization')) headers.set('authorization', basic(key));
    if (init.json !== undefined) headers.set('content-type', 'application/json');
    const body = init.json === undefined ? init.body : JSON.stringify(init.json);
    const request = { redirect: 'manual' as const, ...init, headers };
    const answer = await fetch(emulator.url + path, body ? { ...request, body } : request);
    const text = await answer.text();
    const location = answer.headers.get('location') ?? '';
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      body: parseOrEmpty(text),
      location,
    };
  }
  type Call = Parameters<typeof call>[1];

  const rig = {
    url: emulator.url,
    receiver,
    call,
    create: (body: unknown, init: Call = {}) =>
      call('/snap/v1/transactions', { method: 'POST', json: body, ...init }),
    /** Makes an order and gives its token. */
    async order(orderId: string, extra: Json = {}, init: Call = {}): Promise<string> {
      const created = await rig.create(minimal(orderId, extra), init);
      expect(created).toMatchObject({ status: 201 });
      return String(created.body.token);
    },
    core: (method: string, path: string, json?: unknown, init: Call = {}) =>
      call(`/v2/${path}`, { method, json, ...init }),
    async status(id: string, init: Call = {}): Promise<Json> {
      return (await call(`/v2/${id}/status`, init)).body;
    },
    /** A control call that has to work. */
    async control(path: string, json?: unknown, method = 'POST'): Promise<Json> {
      const done = await call(`/_control${path}`, { method, json });
      expect(done.status, done.text).toBeLessThan(300);
      return done.body;
    },
    tryControl: (path: string, json?: unknown, method = 'POST') =>
      call(`/_control${path}`, { method, json }),
    pay: (orderId: string, method?: string, more: Json = {}) =>
      rig.control(`/orders/${orderId}/pay`, { method, ...more }),
    advance: (seconds: number) => rig.control('/clock/advance', { seconds }),
    page: (token: string, path = '', headers: Record<string, string> = {}) =>
      call(`/snap/v3/redirection/${token}${path}`, { headers }),
    submit(token: string, action: string, form: Record<string, string>, headers = {}) {
      const body = new URLSearchParams(form);
      return call(`/snap/v3/redirection/${token}/${action}`, { method: 'POST', body, headers });
    },
    /** The transactions of one order, as the emulator's own books have them. */
    async attempts(orderId: string): Promise<Json[]> {
      const path = `/books?orderId=${encodeURIComponent(orderId)}`;
      const { transactions } = await rig.control(path, undefined, 'GET');
      return transactions as Json[];
    },
    async pendingId(orderId: string): Promise<string> {
      return String((await rig.attempts(orderId)).at(-1)?.transaction_id);
    },
    async notifications(): Promise<NotificationView[]> {
      const { notifications } = await rig.control('/notifications', undefined, 'GET');
      return notifications as NotificationView[];
    },
    async close(): Promise<void> {
      await emulator.close();
      await receiver.close();
    },
  };
  const shop = {
    notificationUrl: `${receiver.url}/notify`,
    finishUrl: 'http://shop.localhost/done',
  };
  const first = { serverKey: keyA, merchantId: 'G100000001', name: 'Buatfilm', ...shop };
  await rig.control('/accounts', first);
  return rig;
}
export type Rig = Awaited<ReturnType<typeof startRig>>;
type NotificationView = {
  id: number;
  status: string;
  deliveries: {
    url: string;
    state: string;
    body: string;
    retries: number;
    nextAttemptAt?: string;
    attempts: { url: string; code?: number; error?: string; durationMs: number }[];
  }[];
};

export function minimal(orderId: string, extra: Json = {}): Json {
  return { transaction_details: { order_id: orderId, gross_amount: 150_000 }, ...extra };
}

export function basic(key: string, password = ''): string {
  return `Basic ${Buffer.from(`${key}:${password}`).toString('base64')}`;
}

type RawRequest = { method?: string; headers: Record<string, string>; body?: string };
/** A request that `fetch` would not send: a GET with a body, or one under another Host. */
export function rawRequest(url: string, { method = 'GET', headers, body = '' }: RawRequest) {
  return new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    const outgoing = request(url, { method, headers }, async (answer) => {
      const chunks = await answer.setEncoding('utf8').toArray();
      resolve({ status: answer.statusCode, text: chunks.join('') });
    });
    outgoing.on('error', reject).end(body);
  });
}
