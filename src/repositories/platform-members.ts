import type { PlatformTx } from '../db/database.ts';
import type { PlatformRole } from '../domain/access.ts';
import type { UserId } from '../domain/ids.ts';

export async function findRole(tx: PlatformTx, userId: UserId): Promise<PlatformRole | undefined> {
  const { rows } = await tx.query<{ role: PlatformRole }>(
    `select role from identity.platform_members where user_id = $1`,
    [userId],
  );
  return rows[0]?.role;
}

/** Gives a user a role on the platform, in place of the one before. */
export async function setRole(tx: PlatformTx, userId: UserId, role: PlatformRole): Promise<void> {
  await tx.query(
    `insert into identity.platform_members (user_id, role) values ($1, $2)
     on conflict (user_id) do update set role = excluded.role, updated_at = excluded.updated_at`,
    [userId, role],
  );
}
