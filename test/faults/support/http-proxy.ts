import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import { openDoor } from './door.ts';
import type { Fault, Gate } from './gate.ts';

export type HttpProxy = { readonly url: string; close(): Promise<void> };

type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; body: Buffer };
type Call = {
  readonly res: ServerResponse;
  /** Lets the provider do what it is asked for. */
  readonly forward: () => Promise<Answer>;
};

const operations: readonly (readonly [RegExp, string])[] = [
  [/^POST \/snap\/v1\/transactions$/, 'make a page'],
  [/^POST \/snap\/v1\/transactions\/[^/]+\/cancel$/, 'close a page'],
  [/^GET \/v2\/[^/]+\/status$/, 'ask the status'],
  [/^GET \/v2\/[^/]+\/status\/b2b$/, 'list the attempts'],
  [/^POST \/v2\/[^/]+\/(cancel|expire|refund)$/, '$1'],
  [/^POST \/v2\/capture$/, 'capture'],
];

/** Stands between Kassa and its provider, and knows each call by what it is for. */
export async function startHttpProxy({
  url,
  gate,
}: {
  url: string;
  gate: Gate;
}): Promise<HttpProxy> {
  const agent = new Agent({ keepAlive: false });
  const server = createServer(async (req, res) => {
    // Each call has a connection of its own, so that each can be refused or cut by itself.
    res.shouldKeepAlive = false;
    const body = Buffer.concat(await req.toArray());
    const call = { res, forward: () => ask({ url, agent, req, body }) };
    const fault = gate.pass({ kind: 'http', name: nameOf(req) });
    await (fault ? spoil(call, fault) : handOver(call)).catch(() => res.destroy());
  });
  const door = await openDoor(server, { gate, kind: 'http' });
  return {
    url: `http://127.0.0.1:${door.port}`,
    async close() {
      server.closeAllConnections();
      await door.close();
      agent.destroy();
    },
  };
}

function nameOf({ method, url }: IncomingMessage): string {
  const line = `${method} ${url}`;
  const found = operations.find(([pattern]) => pattern.test(line));
  return found ? line.replace(...found) : line;
}

type Question = {
  readonly url: string;
  readonly agent: Agent;
  readonly req: IncomingMessage;
  readonly body: Buffer;
};

function ask({ url, agent, req, body }: Question): Promise<Answer> {
  const { method, headers } = req;
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${req.url}`, { agent, method, headers }, (reply) => {
      const { statusCode: status = 0, headers } = reply;
      reply
        .toArray()
        .then((chunks) => resolve({ status, headers, body: Buffer.concat(chunks) }), reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

async function handOver({ res, forward }: Call): Promise<void> {
  send(res, await forward());
}

function send(res: ServerResponse, { status, headers, body }: Answer): void {
  const { 'transfer-encoding': _, connection: _closed, ...kept } = headers;
  res.writeHead(status, { ...kept, 'content-length': body.length }).end(body);
}

const json = { 'content-type': 'application/json' };
const failure = (code: string) =>
  JSON.stringify({ status_code: code, status_message: 'sorry', error_messages: ['sorry'] });

/** The answers that come instead of the provider's own. */
const substitutes = {
  'error 500': { status: 500, headers: json, text: failure('500') },
  'HTML 502': {
    status: 502,
    headers: { 'content-type': 'text/html' },
    text: '<h1>Bad gateway</h1>',
  },
  'too many 429': { status: 429, headers: json, text: failure('429') },
  'broken JSON': { status: 200, headers: json, text: '{"status_code":"200","token":"' },
  'wrong shape': { status: 200, headers: json, text: '{"ok":true}' },
} as const;

async function spoil(call: Call, { mode, strike }: Fault): Promise<void> {
  const { res, forward } = call;
  switch (mode) {
    case 'before':
      await strike?.();
      return void res.socket?.resetAndDestroy();
    case 'after':
      await forward();
      await strike?.();
      return void res.socket?.resetAndDestroy();
    case 'held':
      await strike?.();
      return handOver(call);
    case 'held after effect': {
      const answer = await forward();
      await strike?.();
      return send(res, answer);
    }
    case 'stall':
      return;
    case 'stall after effect':
      return void (await forward());
    case 'error 500 after effect':
      await forward();
      return substitute(res, 'error 500');
    case 'broken JSON':
    case 'wrong shape':
      await forward();
      return substitute(res, mode);
    case 'error 500':
    case 'HTML 502':
    case 'too many 429':
      return substitute(res, mode);
    case 'truncated':
      return sendHalf(res, await forward());
    default:
      throw new Error(`A call cannot be "${mode}".`);
  }
}

function substitute(res: ServerResponse, kind: keyof typeof substitutes): void {
  const { status, headers, text } = substitutes[kind];
  send(res, { status, headers, body: Buffer.from(text) });
}

function sendHalf(res: ServerResponse, { status, body }: Answer): void {
  res.writeHead(status, { ...json, 'content-length': body.length });
  res.write(body.subarray(0, body.length / 2), () => res.socket?.destroy());
}
