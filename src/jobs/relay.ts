import type pg from 'pg';
import type { Logger } from 'pino';
import { platformChain } from '../domain/audit.ts';
import { type Topic, topics } from '../domain/jobs.ts';
import { startLoop } from './loop.ts';
import type { Queue } from './queue.ts';

type RelayOptions = { readonly pool: pg.Pool; readonly queue: Queue; readonly log: Logger };
type OutboxRow = { tenant_id: string; id: string; topic: Topic; payload: unknown };

const batchSize = 500;
const pauseMs = 250;

/**
 * Moves what transactions left in the outbox to the queue. Rows are deleted after the queue has
 * them, under the same ids: dying in between repeats the move and makes no second job.
 */
export function startRelay({ pool, queue, log }: RelayOptions) {
  async function moveBatch(): Promise<number> {
    // Across tenants on purpose: the worker's login has its own policy on this one table.
    const { rows } = await pool.query<OutboxRow>(
      // What only a newer version knows stays for it: a rollback must not lose work.
      `select tenant_id, id, topic, payload from outbox where topic = any($2) limit $1`,
      [batchSize, topics],
    );
    if (rows.length === 0) return 0;
    await queue.add(rows.map(({ tenant_id, ...row }) => ({ ...row, tenantId: tenant_id })));
    await pool.query(
      `delete from outbox o using unnest($1::uuid[], $2::uuid[]) as moved (tenant_id, id)
        where o.tenant_id = moved.tenant_id and o.id = moved.id`,
      [rows.map((row) => row.tenant_id), rows.map((row) => row.id)],
    );
    return rows.length;
  }

  /** As `moveBatch`, for work that is no tenant's: the nil UUID stands in a tenant's place. */
  async function movePlatformBatch(): Promise<number> {
    const { rows } = await pool.query<Omit<OutboxRow, 'tenant_id'>>(
      `select id, topic, payload from platform_outbox where topic = any($2) limit $1`,
      [batchSize, topics],
    );
    if (rows.length === 0) return 0;
    await queue.add(rows.map((row) => ({ ...row, tenantId: platformChain })));
    await pool.query(`delete from platform_outbox where id = any($1::uuid[])`, [
      rows.map((row) => row.id),
    ]);
    return rows.length;
  }

  return startLoop({ name: 'relay', pauseMs, log }, async () => {
    while ((await moveBatch()) === batchSize);
    while ((await movePlatformBatch()) === batchSize);
  });
}
