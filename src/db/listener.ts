import { setTimeout as sleep } from 'node:timers/promises';
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

/**
 * Hears one NOTIFY channel until closed, reconnecting by itself with growing pauses.
 *
 * @throws when the first connection cannot be made; nothing is left running then
 */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { channel, log, onGap } = options;
  const closing = new AbortController();
  let reconnecting: Promise<void> | undefined;
  let client = await connect(options, onLost);

  function onLost(): void {
    reconnecting = reconnect();
  }

  async function reconnect(): Promise<void> {
    for (let waitMs = firstRetryMs; ; waitMs = Math.min(waitMs * 2, lastRetryMs)) {
      await sleep(waitMs, undefined, { signal: closing.signal }).catch(() => {});
      if (closing.signal.aborted) return;
      try {
        client = await connect(options, onLost);
      } catch (error) {
        log.warn({ err: error, channel }, 'the listener could not reconnect');
        continue;
      }
      log.info({ channel }, 'the listener is back');
      return onGap();
    }
  }

  return {
    async close() {
      closing.abort();
      // An attempt under way may yet make a connection, which must not outlive us.
      await reconnecting;
      await client.end();
    },
  };
}

async function connect(options: ListenerOptions, onLost: () => void): Promise<pg.Client> {
  const { url, channel, log } = options;
  const client = new pg.Client({
    connectionString: url,
    application_name: 'kassa-listener',
    keepAlive: true,
    connectionTimeoutMillis: 3_000,
  });
  client.on('notification', ({ payload }) => options.onMessage(payload ?? ''));
  client.on('error', (error) => log.warn({ err: error, channel }, 'the listener broke'));
  try {
    await client.connect();
    await client.query(`listen ${pg.escapeIdentifier(channel)}`);
  } catch (error) {
    await client.end();
    throw error;
  }
  // Only now: a connection that never listened is the caller's failure, not a loss.
  client.once('end', onLost);
  return client;
}
