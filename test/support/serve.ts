import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import express, { type RequestHandler } from 'express';
import { pino } from 'pino';
import { pinoHttp } from 'pino-http';
import { onTestFinished } from 'vitest';
import { answerProblems } from '../../src/middleware/problems.ts';
import { trustProxies } from '../../src/middleware/proxy-trust.ts';
import { assignRequestId } from '../../src/middleware/request-id.ts';

type Question = {
  readonly method?: string;
  readonly path?: string;
  /** Names and values in turn, as they go over the wire: a header may come twice. */
  readonly headers?: readonly string[];
  readonly body?: string | Buffer;
};

type Answer = {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect of a body.
  readonly body: any;
};

type ServeOptions = { readonly trusted?: readonly string[] };

/**
 * An app of the given middleware, between the request id and the answer to problems, for as long
 * as a test lasts. Not `fetch`, which forbids the headers that matter here.
 */
export async function serve(handlers: readonly RequestHandler[], options: ServeOptions = {}) {
  return (await start(handlers, options)).ask;
}

/** As `serve`, with the address for what speaks HTTP in a way of its own. */
export async function start(
  handlers: readonly RequestHandler[],
  { trusted = ['127.0.0.0/8'] }: ServeOptions = {},
) {
  const app = express();
  app.set('query parser', 'simple');
  app.use(assignRequestId(trustProxies(trusted)));
  app.use(pinoHttp({ logger: pino({ level: 'silent' }) }));
  for (const handler of handlers) app.use(handler);
  app.use(answerProblems);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  const { port } = address;

  function ask({ method = 'GET', path = '/', headers = [], body }: Question) {
    return new Promise<Answer>((resolve, reject) => {
      const hasHost = headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
      const host = hasHost ? [] : ['Host', 'localhost'];
      const length = body === undefined ? [] : ['Content-Length', String(Buffer.byteLength(body))];
      const sent = request(
        { host: '127.0.0.1', port, method, path, headers: [...host, ...headers, ...length] },
        (res) => void read(res).then(resolve, reject),
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }
  return { url: `http://127.0.0.1:${port}`, ask };
}

async function read(res: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = await res.toArray();
  const text = Buffer.concat(chunks).toString();
  const isJson = /json/.test(res.headers['content-type'] ?? '');
  const body = isJson ? JSON.parse(text) : text;
  return { status: res.statusCode, headers: res.headers, body };
}
