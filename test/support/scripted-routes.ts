import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import express from 'express';
import { pino } from 'pino';
import { pinoHttp } from 'pino-http';
import { vi } from 'vitest';
import { Problem } from '../../src/domain/problems.ts';
import { identifyCaller } from '../../src/middleware/caller.ts';
import { replyOnce } from '../../src/middleware/idempotency.ts';
import { answerProblems } from '../../src/middleware/problems.ts';
import { trustProxies } from '../../src/middleware/proxy-trust.ts';
import { assignRequestId } from '../../src/middleware/request-id.ts';
import { resolveTenant, tenantOf } from '../../src/middleware/tenant-resolver.ts';
import type { Gateway, Merchant } from './gateway.ts';

export type Work = (resourceId: string) => Promise<unknown>;
export type ScriptedRoutes = Awaited<ReturnType<typeof startScriptedRoutes>>;
export type KeyedAnswer = Awaited<ReturnType<ScriptedRoutes['send']>>;

/** How work may end. */
export const endings = {
  done: async (resourceId: string) => ({ resourceId, made: randomUUID() }),
  /** As a retry would be refused too. */
  refuse: async () => {
    throw new Problem('order-already-paid', 'No.');
  },
  comeBack: async () => {
    throw new Problem('provider-unavailable', 'Later.');
  },
  defect: async () => {
    throw new TypeError('a broken assumption');
  },
} satisfies Record<string, Work>;

type Call = {
  readonly merchant: Merchant;
  readonly path?: string;
  readonly value?: string;
  readonly key?: string | string[];
};

/** Two routes that take an `Idempotency-Key`, over a gateway's database; tests write their work. */
export async function startScriptedRoutes({ services, admin }: Gateway) {
  /** What the next requests do that come through; `done` when there is none. */
  const works: Work[] = [];
  /** Those that work was run under, in order. */
  const resourceIds: string[] = [];

  const trust = trustProxies([]);
  const app = express();
  app.use(assignRequestId(trust), pinoHttp({ logger: pino({ level: 'silent' }) }));
  app.use((_req, res, next) => {
    res.locals.caller = { kind: 'anonymous' };
    next();
  });
  app.use(
    identifyCaller(services),
    resolveTenant({
      directory: services.directory,
      trust,
      tenantDomains: [],
      platformSubdomains: [],
    }),
  );
  for (const path of ['/credits', '/orders/:orderId/refunds']) {
    app.post(path, express.json(), async (req, res) => {
      const write = { req, res, tenant: tenantOf(res), request: { value: req.body.value } };
      res.status(201);
      await replyOnce(services.idempotency, write, (resourceId) => {
        resourceIds.push(resourceId);
        const work = works.shift() ?? endings.done;
        return work(resourceId);
      });
    });
  }
  app.use(answerProblems);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  async function send({ merchant, path = '/credits', value = 'a', key = 'key' }: Call) {
    const req = request({
      host: '127.0.0.1',
      port,
      method: 'POST',
      path: `${path}?tenant=${merchant.slug}`,
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
    });
    req.end(JSON.stringify({ value }));
    const [res] = await once(req, 'response');
    const bytes = await text(res);
    return {
      status: Number(res.statusCode),
      code: JSON.parse(bytes).code as string | undefined,
      bytes,
      isReplay: res.headers['idempotent-replayed'] === 'true',
    };
  }

  /** Sends a request whose work sleeps, as one does whose process is stopped, and waits for that. */
  async function sendAsleep(call: Call) {
    let wake = (_ending: Work) => {};
    const ending = new Promise<Work>((resolve) => {
      wake = resolve;
    });
    const begun = resourceIds.length + 1;
    works.push(async (resourceId) => (await ending)(resourceId));
    const answer = send(call);
    const expectBegun = () => {
      if (resourceIds.length < begun) throw new Error('The work has not begun.');
    };
    await vi.waitFor(expectBegun, { timeout: 20_000, interval: 2 });
    return { answer, wake };
  }

  /** As if so much time had passed for the keys of the merchant. */
  async function pass(merchant: Merchant, time: string): Promise<void> {
    await admin.query(
      `update idempotency_keys
          set expires_at = expires_at - $2::interval, lease_until = lease_until - $2::interval
        where tenant_id = $1`,
      [merchant.id, time],
    );
  }

  async function close(): Promise<void> {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  return { works, resourceIds, send, sendAsleep, pass, close };
}
