import type { PlatformTx } from '../db/database.ts';
import { SupportGrantId, type TenantId, type UserId } from '../domain/ids.ts';

const isRunning = `ended_at is null and expires_at > now()`;

type NewGrant = {
  readonly id: SupportGrantId;
  readonly userId: UserId;
  readonly reason: string;
  readonly minutes: number;
};

export async function insert(
  tx: PlatformTx,
  tenantId: TenantId,
  { id, userId, reason, minutes }: NewGrant,
): Promise<void> {
  await tx.query(
    `insert into support_grants (tenant_id, id, user_id, reason, expires_at)
     values ($1, $2, $3, $4, now() + $5 * interval '1 minute')`,
    [tenantId, id, userId, reason, minutes],
  );
}

/** The grant by which a user may look at a tenant now. */
export async function findRunning(
  tx: PlatformTx,
  tenantId: TenantId,
  userId: UserId,
): Promise<SupportGrantId | undefined> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from support_grants
      where tenant_id = $1 and user_id = $2 and ${isRunning}
      order by expires_at desc limit 1`,
    [tenantId, userId],
  );
  return rows[0] && SupportGrantId.parse(rows[0].id);
}

/** Answers true where the use was not written down within the last hour: the caller does it. */
export async function markUsed(
  tx: PlatformTx,
  tenantId: TenantId,
  id: SupportGrantId,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update support_grants
        set used_at = now()
      where tenant_id = $1 and id = $2 and (used_at is null or used_at < now() - interval '1 hour')`,
    [tenantId, id],
  );
  return rowCount === 1;
}

export async function end(
  tx: PlatformTx,
  tenantId: TenantId,
  id: SupportGrantId,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update support_grants set ended_at = now() where tenant_id = $1 and id = $2 and ${isRunning}`,
    [tenantId, id],
  );
  return rowCount === 1;
}
