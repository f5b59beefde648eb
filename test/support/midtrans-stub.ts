import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Reply = (req: IncomingMessage, res: ServerResponse, body: string) => void;
type Call = {
  readonly method: string;
  readonly path: string;
  readonly body: string;
  readonly headers: IncomingMessage['headers'];
};

/** Refunds, cancels and captures of a transaction. */
const changes = /^\/v2\/(?:capture|[^/]+\/(?:refund|cancel))$/;

export type MidtransStub = Awaited<ReturnType<typeof startMidtransStub>>;

/**
 * A server that speaks as Midtrans where a test needs one exact answer; the emulator, with books
 * of its own, is for everything else. Calls are kept in `calls`.
 */
export async function startMidtransStub() {
  const calls: Call[] = [];
  const statuses = new Map<string, object>();
  const attempts = new Map<string, readonly object[]>();
  let created = 0;
  let onCreate: Reply = createPage;
  let onStatus: Reply = answerStatus;
  let onCancelPage: Reply = closePage;
  let onChange: Reply = acceptChange;

  function createPage(_req: IncomingMessage, res: ServerResponse): void {
    created += 1;
    const token = `token-${created}`;
    json(res, 201, { token, redirect_url: `https://app.example/snap/${token}` });
  }

  function closePage(_req: IncomingMessage, res: ServerResponse): void {
    json(res, 200, { canceled_at: '2026-01-15T10:00:00.000Z' });
  }

  function acceptChange(_req: IncomingMessage, res: ServerResponse, body: string): void {
    const { refund_key } = (JSON.parse(body) ?? {}) as { refund_key?: string };
    json(res, 200, { status_code: '200', status_message: 'Success', refund_key });
  }

  function answerStatus(req: IncomingMessage, res: ServerResponse): void {
    const id = decodeURIComponent(/^\/v2\/([^/]+)\//.exec(req.url ?? '')?.[1] ?? '');
    const notFound = { status_code: '404', status_message: "Transaction doesn't exist.", id: 'x' };
    const transactions = attempts.get(id);
    const isList = transactions && req.url?.endsWith('/status/b2b');
    json(res, 200, isList ? { status_code: '200', transactions } : (statuses.get(id) ?? notFound));
  }

  const server = createServer(async (req, res) => {
    let body = '';
    for await (const chunk of req) body += chunk;
    const { method = '', url: path = '', headers } = req;
    calls.push({ method, path, body, headers });
    if (path === '/snap/v1/transactions') onCreate(req, res, body);
    else if (path.startsWith('/snap/')) onCancelPage(req, res, body);
    else if (changes.test(path)) onChange(req, res, body);
    else onStatus(req, res, body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    createCalls: () => calls.filter(({ path }) => path === '/snap/v1/transactions'),
    changeCalls: () => calls.filter(({ path }) => changes.test(path)),
    statusCalls: () => calls.filter(({ path }) => path.startsWith('/v2/')),
    /** What the books say of an order id or transaction id. */
    setStatus: (id: string, status: object) => statuses.set(id, status),
    /** All attempts of an order, newest first; without them there is no such list. */
    setAttempts: (reference: string, all: readonly object[]) => attempts.set(reference, all),
    /** How creates are answered from now on; `undefined`: with a page. */
    answerCreates: (reply: Reply | undefined) => {
      onCreate = reply ?? createPage;
    },
    answerStatuses: (reply: Reply | undefined) => {
      onStatus = reply ?? answerStatus;
    },
    /** How a page's end is answered from now on; `undefined`: it is closed. */
    answerPageCancels: (reply: Reply | undefined) => {
      onCancelPage = reply ?? closePage;
    },
    /** How refunds, cancels and captures are answered from now on; `undefined`: with success. */
    answerChanges: (reply: Reply | undefined) => {
      onChange = reply ?? acceptChange;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function json(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}
