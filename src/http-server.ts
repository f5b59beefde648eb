import {
  createServer,
  IncomingMessage,
  type RequestListener,
  type Server,
  ServerResponse,
} from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { networkOf } from './domain/networks.ts';
import { Problem } from './domain/problems.ts';
import { trustAddresses } from './middleware/proxy-trust.ts';
import { secureAnswers } from './middleware/security-headers.ts';

/** What Node is generous with: enough to hold a server with slow clients. */
const defaultLimits = {
  /** A request's head has to be there; a connection that sends nothing at all counts as well. */
  headersMs: 10_000,
  /** Its body has to be there. */
  requestMs: 30_000,
  /** How often those two are looked for. */
  checkMs: 5_000,
  /** Longer than the proxies in front keep theirs, so that it is never us who hangs up first. */
  keepAliveMs: 75_000,
  /** Bytes have to move: of the answer when its client reads, or of the next part of a request. */
  idleMs: 30_000,
  maxSockets: 10_000,
  /** Not of trusted proxies, behind which everybody is. */
  maxSocketsPerAddress: 256,
};

type ServerOptions = {
  readonly isHttps: boolean;
  readonly trustedProxies: readonly string[];
  readonly limits?: Partial<typeof defaultLimits>;
};

/** A server with a limit on everything that a client can make it hold. It does not listen yet. */
export function createHttpServer(app: RequestListener, options: ServerOptions): Server {
  const limits = { ...defaultLimits, ...options.limits };
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.checkMs,
      keepAliveTimeout: limits.keepAliveMs,
      // Ours answers as everything else does.
      requireHostHeader: false,
    },
    app,
  );
  server.timeout = limits.idleMs;
  server.maxConnections = limits.maxSockets;
  // Node would drop those beyond its limit without a word; the app counts and refuses.
  server.maxHeadersCount = 0;
  refuseBrokenRequests(server, options);
  capPerAddress(server, trustAddresses(options.trustedProxies), limits.maxSocketsPerAddress);
  return server;
}

/** Answers in the app's place what Node refuses: what is no HTTP, too large, or too slow. */
function refuseBrokenRequests(server: Server, { isHttps }: ServerOptions): void {
  const secure = secureAnswers({ isHttps });
  const current = new WeakMap<Duplex, ServerResponse>();
  server.on('request', (req, res) => current.set(req.socket, res));
  server.on('clientError', (error, socket) => {
    if (!(socket instanceof Socket) || !socket.writable) return void socket.destroy();
    if (!socket.writable) return void socket.destroy();
    const res = current.get(socket);
    // The rest of a request was broken: its own answer says so.
    const own = res && !res.req.complete && !res.headersSent ? res : responseOn(socket);
    if (own) answer(own, toProblem(error));
  });
  server.on('checkExpectation', (_req, res) =>
    answer(res, new Problem('expectation-failed', 'Leave the header Expect out.')),
  );
  server.on('connect', (_req, socket) => {
    const res = responseOn(socket);
    if (res) answer(res, new Problem('method-unknown', 'This is no tunnel.'));
  });

  function answer(res: ServerResponse, problem: Problem): void {
    secure(res.req, res, () => {
      const body = JSON.stringify(problem.toBody('none'));
      res.writeHead(problem.status, {
        Connection: 'close',
        'Content-Type': 'application/problem+json; charset=utf-8',
        'Content-Length': Buffer.byteLength(body),
      });
      res.end(body, () => res.socket?.destroySoon());
    });
  }
}

/** An answer of its own; none while another is under way, as a part of which it would be read. */
function responseOn(socket: Duplex): ServerResponse | undefined {
  if (socket instanceof Socket) {
    const res = new ServerResponse(new IncomingMessage(socket));
    try {
      res.assignSocket(socket);
      return res;
    } catch {
      // Only Node knows whether the other answer has left already.
    }
  }
  socket.destroy();
  return undefined;
}

function toProblem(error: Error): Problem {
  const code = 'code' in error ? error.code : undefined;
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem('headers-too-large', 'Address and headers may have 16 kB together.');
    case 'HPE_INVALID_METHOD':
      return new Problem('method-unknown', 'There is no such method.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem('request-timeout', 'The request took too long to arrive.');
    default:
      return new Problem('invalid-request', 'The request is not HTTP as it should be.');
  }
}

function capPerAddress(
  server: Server,
  isTrusted: (address: string | undefined) => boolean,
  max: number,
): void {
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    if (isTrusted(socket.remoteAddress)) return;
    const network = networkOf(socket.remoteAddress ?? 'unknown');
    const count = (open.get(network) ?? 0) + 1;
    if (count > max) return void socket.destroy();
    open.set(network, count);
    socket.once('close', () => {
      const left = (open.get(network) ?? 1) - 1;
      if (left > 0) open.set(network, left);
      else open.delete(network);
    });
  });
}
