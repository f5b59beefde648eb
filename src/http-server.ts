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
  /** Its body has to be there, which is small. */
  requestMs: 20_000,
  /** An answer has to be taken, and not byte by byte. */
  unreadMs: 15_000,
  /** How often those three are looked for. */
  checkMs: 2_000,
  /** Longer than the proxies in front keep theirs, so that it is never us who hangs up first. */
  keepAliveMs: 75_000,
  /** Of whoever is no proxy of ours: his connection is his alone. */
  strangerKeepAliveMs: 15_000,
  /** Something has to happen, if only that a provider answers us. */
  idleMs: 30_000,
  /** Requests on one connection that wait for answers. No browser and no proxy sends a second. */
  maxPipelined: 16,
  maxSockets: 10_000,
  /** Not of trusted proxies, behind which everybody is. */
  maxSocketsPerAddress: 256,
};

type ServerOptions = {
  readonly isHttps: boolean;
  readonly trustedProxies: readonly string[];
  readonly limits?: Partial<Limits>;
};
type Limits = typeof defaultLimits;
type IsTrusted = (address: string | undefined) => boolean;

/** A server with a limit on everything that a client can make it hold. It does not listen yet. */
export function createHttpServer(app: RequestListener, options: ServerOptions): Server {
  const limits = { ...defaultLimits, ...options.limits };
  const isTrusted = trustAddresses(options.trustedProxies);
  const server = createServer({
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.checkMs,
    keepAliveTimeout: limits.keepAliveMs,
    // Ours answers as everything else does.
    requireHostHeader: false,
  });
  server.timeout = limits.idleMs;
  server.maxConnections = limits.maxSockets;
  // Node would drop those beyond its limit without a word; the app counts and refuses.
  server.maxHeadersCount = 0;
  refuseBrokenRequests(server, options);
  capPerAddress(server, isTrusted, limits.maxSocketsPerAddress);
  endSlowReaders(server, limits);
  endIdle(server, isTrusted);
  answerWith(server, app, limits, isTrusted);
  return server;
}

/** Has requests answered, so many of a connection at once, and says when the next may come. */
function answerWith(server: Server, app: RequestListener, limits: Limits, isTrusted: IsTrusted) {
  const { maxPipelined, strangerKeepAliveMs } = limits;
  const waiting = new WeakMap<Socket, number>();
  server.on('request', (req, res) => {
    const { socket } = req;
    // Node goes on with what it has read of a connection that was reset.
    if (socket.destroyed) return;
    const count = (waiting.get(socket) ?? 0) + 1;
    // Whoever asks on and on and reads nothing would have us do all of it at once, for nobody.
    if (count > maxPipelined) return void socket.resetAndDestroy();
    waiting.set(socket, count);
    const isStranger = !isTrusted(socket.remoteAddress);
    if (isStranger && res.shouldKeepAlive) {
      res.setHeader('Keep-Alive', `timeout=${Math.floor(strangerKeepAliveMs / 1_000)}`);
    }
    res.once('close', () => {
      const left = (waiting.get(socket) ?? 1) - 1;
      waiting.set(socket, left);
      // Node has set its own time by now, which is next to nothing while the server closes.
      if (isStranger && left === 0) {
        socket.setTimeout(Math.min(strangerKeepAliveMs, server.keepAliveTimeout));
      }
    });
    app(req, res);
  });
}

/**
 * Ends connections on which bytes of answers lie all the time. Node's timer would do for those who
 * read nothing, but starts again with each byte that moves. They are reset, since the kernel would
 * go on keeping what it has of the answer after a mere close.
 */
function endSlowReaders(server: Server, { unreadMs, checkMs }: Limits): void {
  const open = new Map<Socket, { unreadSince: number | undefined }>();
  server.on('connection', (socket: Socket) => {
    open.set(socket, { unreadSince: undefined });
    socket.once('close', () => open.delete(socket));
  });
  const timer = setInterval(() => {
    const now = performance.now();
    for (const [socket, state] of open) {
      state.unreadSince = socket.writableLength > 0 ? (state.unreadSince ?? now) : undefined;
      if (now - (state.unreadSince ?? now) >= unreadMs) socket.resetAndDestroy();
    }
  }, checkMs).unref();
  server.once('close', () => clearInterval(timer));
}

/** Ends connections on which nothing happens, as what is left to be read allows. */
function endIdle(server: Server, isTrusted: IsTrusted): void {
  server.on('timeout', (socket) => {
    // What a proxy has not read yet is not taken from it, nor from anybody when the server closes.
    if (isTrusted(socket.remoteAddress) || !server.listening) socket.destroy();
    else socket.resetAndDestroy();
  });
}

/** Answers in the app's place what Node refuses: what is no HTTP, too large, or too slow. */
function refuseBrokenRequests(server: Server, { isHttps }: ServerOptions): void {
  const secure = secureAnswers({ isHttps });
  const current = new WeakMap<Duplex, ServerResponse>();
  server.on('request', (req, res) => current.set(req.socket, res));
  server.on('clientError', (error, socket) => {
    if (!(socket instanceof Socket) || !socket.writable) return void socket.destroy();
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
      res.removeHeader('Keep-Alive');
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

function capPerAddress(server: Server, isTrusted: IsTrusted, max: number): void {
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
