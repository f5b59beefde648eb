import { v7 as uuidv7 } from 'uuid';
import type { TenantTx } from '../db/database.ts';
import type { Job } from '../domain/jobs.ts';

/**
 * Leaves work for later in the caller's own transaction: it happens if and only if that commits.
 * Two rows of one `id` are one job.
 */
export async function add(tx: TenantTx, job: Job, id: string = uuidv7()): Promise<void> {
  await tx.query(
    `insert into outbox (tenant_id, id, topic, payload) values ($1, $2, $3, $4)
     on conflict (tenant_id, id) do nothing`,
    [tx.tenantId, id, job.topic, JSON.stringify(job.payload)],
  );
}
