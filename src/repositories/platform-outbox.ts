import { v7 as uuidv7 } from 'uuid';
import type { PlatformTx } from '../db/database.ts';
import type { PlatformJob } from '../domain/jobs.ts';

/** As `outbox.add`, for work that is no tenant's: it happens if and only if the caller commits. */
export async function add(tx: PlatformTx, job: PlatformJob): Promise<void> {
  await tx.query(`insert into platform_outbox (id, topic, payload) values ($1, $2, $3)`, [
    uuidv7(),
    job.topic,
    JSON.stringify(job.payload),
  ]);
}
