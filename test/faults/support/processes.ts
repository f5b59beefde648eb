import { expect, vi } from 'vitest';
import { freePorts } from '../../support/ports.ts';
import { type KassaProcess, startProcess } from '../../support/server-process.ts';
import { createGate } from './gate.ts';
import { startProxies } from './proxies.ts';
import { openQueueTime } from './queue-time.ts';
import type { World } from './world.ts';

export type Processes = Awaited<ReturnType<typeof startProcesses>>;

/**
 * The real server, and real workers when they are wanted, over the database and the emulators of a
 * world, behind proxies of their own. What is arranged and looked at goes past these.
 */
export async function startProcesses(inner: World) {
  const { outside, admin } = inner;
  const gate = createGate();
  const proxies = await startProxies(inner, gate);
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const settings = {
    LOG_LEVEL: 'fatal',
    PORT: String(port),
    PUBLIC_URL: url,
    MIDTRANS_BASE_URL: proxies.midtransUrl,
    SMTP_URL: proxies.smtpUrl,
    PROVIDER_TIMEOUT_MS: '2000',
    NOTIFICATION_CONFIRM_MS: '1000',
    SWEEP_INTERVAL_SECONDS: '1',
  };
  const options = { database: proxies.database, settings };
  let server: KassaProcess = await startProcess('server', options);
  const queueTime = await openQueueTime({ url: inner.database.worker, admin });

  async function expectIdle(): Promise<void> {
    await outside.lapse();
    await outside.bringLooksForward();
    await queueTime.endGaps();
    // Banks decide on refunds, which looks wait for.
    await outside.control('clock/advance', { seconds: 61 });
    const open = await queueTime.listOpen();
    expect([...open, ...(await outside.listEndless())]).toEqual([]);
  }

  return {
    /** As the tests of flows know it, with the real server in the place of the app. */
    world: { ...inner, url, gate },
    queueTime,
    startWorker: () => startProcess('worker', options),
    /** Waits until the workers have nothing left to do, and lets time pass for them. */
    untilIdle: () => vi.waitFor(expectIdle, { timeout: 60_000, interval: 200 }),
    killServer: () => server.kill('SIGKILL'),
    async restartServer(): Promise<void> {
      server = await startProcess('server', options);
    },
    async close(): Promise<void> {
      await server.kill('SIGTERM');
      await queueTime.close();
      await proxies.close();
    },
  };
}
