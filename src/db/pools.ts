import pg from 'pg';
import type { Logger } from 'pino';

type PoolOptions = {
  readonly url: string;
  readonly applicationName: string;
  readonly max: number;
  readonly log: Logger;
};

const int8 = 20;
const date = 1082;

/** bigint columns and counts arrive as BigInt, calendar days as text: a day has no time zone. */
const types: pg.CustomTypesConfig = {
  getTypeParser(oid, format) {
    if (oid === int8) return (text: string) => BigInt(text);
    if (oid === date) return (text: string) => text;
    return pg.types.getTypeParser(oid, format);
  },
};

/**
 * A pool with limits on everything that can wait: a free connection, a lock, a statement, an idle
 * transaction. Pipelined, so that `database.ts` can send a transaction in one round trip.
 */
export function createPool({ url, applicationName, max, log }: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: applicationName,
    max,
    pipeline: true,
    types,
    keepAlive: true,
    connectionTimeoutMillis: 3_000,
    idleTimeoutMillis: 60_000,
    statement_timeout: 15_000,
    lock_timeout: 10_000,
    idle_in_transaction_session_timeout: 15_000,
  });
  // Without these a connection that PostgreSQL closes would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'an idle database connection broke'));
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}
