import { expect, vi } from 'vitest';
import { freePorts } from '../../support/ports.ts';
import { type KassaProcess, startProcess } from '../../support/server-process.ts';
import { createGate } from './gate.ts';
import { startHttpProxy } from './http-proxy.ts';
import { openQueueTime } from './queue-time.ts';
import { startSmtpProxy } from './smtp-proxy.ts';
import { startSqlProxy } from './sql-proxy.ts';
import type { World } from './world.ts';

export type Processes = Awaited<ReturnType<typeof startProcesses>>;

/**
 * The real server, and real workers when they are wanted, over the database and the emulators of a
 * world, behind proxies of their own. What is arranged and looked at goes past these.
 */
export async function startProcesses(inner: World) {
  const gate = createGate();
  const isCounted = (name: string) => name !== 'kassa-listener';
  const { database } = inner;
  const proxied = (url: string) => startSqlProxy({ url, gate, isCounted });
  const app = await proxied(database.app);
  const platform = await proxied(database.platform);
  const queue = await proxied(database.worker);
  const provider = await startHttpProxy({ url: inner.midtransUrl, gate });
  const post = await startSmtpProxy({ url: inner.smtpUrl, gate });
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const options = {
    database: { ...database, app: app.url, platform: platform.url, worker: queue.url },
    settings: {
      LOG_LEVEL: 'fatal',
      PORT: String(port),
      PUBLIC_URL: url,
      MIDTRANS_BASE_URL: provider.url,
      SMTP_URL: post.url,
      PROVIDER_TIMEOUT_MS: '2000',
      NOTIFICATION_CONFIRM_MS: '1000',
      SWEEP_INTERVAL_SECONDS: '1',
    },
  };
  const startServer = () => startProcess('server', options);
  let server: KassaProcess = await startServer();
  const queueTime = await openQueueTime({ url: database.worker, admin: inner.admin });

  async function untilIdle(): Promise<void> {
    await vi.waitFor(
      async () => {
        await inner.outside.lapse();
        await inner.outside.bringLooksForward();
        await queueTime.endGaps();
        // Banks decide on refunds, which looks wait for.
        await inner.outside.control('clock/advance', { seconds: 61 });
        const open = await queueTime.listOpen();
        expect([...open, ...(await inner.outside.listEndless())]).toEqual([]);
      },
      { timeout: 60_000, interval: 200 },
    );
  }

  return {
    /** As the tests of flows know it, with the real server in the place of the app. */
    world: { ...inner, url, gate },
    startWorker: () => startProcess('worker', options),
    untilIdle,
    killServer: () => server.kill('SIGKILL'),
    async restartServer(): Promise<void> {
      server = await startServer();
    },
    queueTime,
    async close() {
      await server.kill('SIGTERM');
      await queueTime.close();
      for (const part of [app, platform, queue, provider, post]) await part.close();
    },
  };
}
