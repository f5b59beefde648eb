import pg from 'pg';
import type { Logger } from 'pino';

type ListenerOptions = {
  /** A direct connection: LISTEN hears nothing behind a pooler in transaction mode. */
  readonly url: string;
  readonly channel: string;
  readonly log: Logger;
  onMessage(payload: string): void;
  /** Called after every reconnect: what was said meanwhile is lost. */
  onGap(): void;
};

export type Listener = { close(): Promise<void> };

const firstRetryMs = 100;
const lastRetryMs = 5_000;

/** Hears one NOTIFY channel until closed, reconnecting by itself with growing pauses. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { url, channel, log } = options;
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function connect(): Promise<void> {
    const next = new pg.Client({
      connectionString: url,
      application_name: 'kassa-listener',
      keepAlive: true,
      connectionTimeoutMillis: 3_000,
    });
    next.on('notification', ({ payload }) => options.onMessage(payload ?? ''));
    next.on('error', (error) => log.warn({ err: error, channel }, 'the listener broke'));
    next.on('end', () => reconnectAfter(firstRetryMs));
    await next.connect();
    await next.query(`listen ${pg.escapeIdentifier(channel)}`);
    client = next;
  }

  function reconnectAfter(waitMs: number): void {
    if (isClosed) return;
    clearTimeout(timer);
    timer = setTimeout(async () => {
      try {
        await connect();
        options.onGap();
        log.info({ channel }, 'the listener is back');
      } catch {
        reconnectAfter(Math.min(waitMs * 2, lastRetryMs));
      }
    }, waitMs);
  }

  await connect();
  return {
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await client?.end();
    },
  };
}
