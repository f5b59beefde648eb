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
  /** How often those two, and what is read too slowly, are looked for. */
  checkMs: 5_000,
  /** Longer than the proxies in front keep theirs, so that it is never us who hangs up first. */
  keepAliveMs: 75_000,
  /** An answer under way has to move at 1 kB a second, over this long. */
  stallMs: 30_000,
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
  server.maxConnections = limits.maxSockets;
  // Node would drop those beyond its limit without a word; the app counts and refuses.
  server.maxHeadersCount = 0;
  const refuse = refuser(options);
  server.on('clientError', (error, socket) => refuse(toProblem(error), socket));
  server.on('checkExpectation', (req) =>
    refuse(new Problem('expectation-failed', 'Leave the header Expect out.'), req.socket),
  );
  server.on('connect', (_req, socket) =>
    refuse(new Problem('method-unknown', 'This is no tunnel.'), socket),
  );
  capPerAddress(server, trustAddresses(options.trustedProxies), limits.maxSocketsPerAddress);
  closeStalled(server, limits);
  return server;
}

/** Answers in the app's place what Node refuses before the app sees it. */
function refuser({ isHttps }: ServerOptions) {
  const secure = secureAnswers({ isHttps });
  return (problem: Problem, socket: Duplex): void => {
    if (!(socket instanceof Socket) || !socket.writable) return void socket.destroy();
    const req = new IncomingMessage(socket);
    const res = new ServerResponse(req);
    try {
      res.assignSocket(socket);
    } catch {
      // Another answer is under way there, and this one would be read as a part of it.
      return void socket.destroy();
    }
    secure(req, res, () => {
      const body = JSON.stringify(problem.toBody('none'));
      res.writeHead(problem.status, {
        Connection: 'close',
        'Content-Type': 'application/problem+json; charset=utf-8',
        'Content-Length': Buffer.byteLength(body),
      });
      res.end(body, () => socket.destroySoon());
    });
  };
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

type Progress = { readonly since: number; readonly sent: number };

/** Closes connections whose client reads so slowly that the answer is held here for it. */
function closeStalled(server: Server, { checkMs, stallMs }: typeof defaultLimits): void {
  const waiting = new Map<Socket, Progress | undefined>();
  server.on('connection', (socket: Socket) => {
    waiting.set(socket, undefined);
    socket.once('close', () => waiting.delete(socket));
  });
  const timer = setInterval(() => {
    for (const [socket, before] of waiting) waiting.set(socket, look(socket, before));
  }, checkMs);
  timer.unref();
  server.once('close', () => clearInterval(timer));

  function look(socket: Socket, before: Progress | undefined): Progress | undefined {
    if (socket.writableLength === 0) return undefined;
    const now = { since: performance.now(), sent: socket.bytesWritten - socket.writableLength };
    if (!before) return now;
    if (now.since - before.since < stallMs) return before;
    // Bytes in a millisecond are kilobytes in a second.
    if (now.sent - before.sent >= stallMs) return now;
    socket.destroy();
    return undefined;
  }
}
