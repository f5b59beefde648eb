import type { Logger } from 'pino';

type Stop = () => Promise<void>;

const drainMs = 15_000;

/**
 * Runs a process: starts it, tells the supervisor that it is ready (PM2's `wait_ready`), and on
 * SIGTERM or SIGINT drains it, for at most 15 seconds.
 */
export async function runUntilSignal(log: Logger, start: () => Promise<Stop>): Promise<void> {
  // What nobody caught ends the process as it would anyway, but is told in the log's own way.
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'nobody caught this');
    process.exit(1);
  });
  let stop: Stop;
  try {
    stop = await start();
  } catch (error) {
    log.fatal({ err: error }, 'start failed');
    // What was opened before the failure would keep the process alive, and nobody would restart it.
    process.exit(1);
  }
  process.send?.('ready');

  let isStopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, async () => {
      if (isStopping) return;
      isStopping = true;
      log.info({ signal }, 'draining');
      const timer = setTimeout(() => {
        log.error('draining took too long');
        process.exit(1);
      }, drainMs);
      await stop();
      clearTimeout(timer);
      log.info('stopped');
      process.exit(0);
    });
  }
}
