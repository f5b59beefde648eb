import type { PlatformTx } from '../db/database.ts';
import type { UserId } from '../domain/ids.ts';

export type SecondFactor = {
  /** Encrypted, as better-auth stored it. */
  readonly secret: string;
  readonly isVerified: boolean;
  /** The 30 seconds that the last code which was taken stood for. */
  readonly lastUsedStep: bigint | undefined;
};

/**
 * A user's second factor. Its row is locked until the commit: of two requests with one code, the
 * later one finds it used.
 */
export async function lock(tx: PlatformTx, userId: UserId): Promise<SecondFactor | undefined> {
  const { rows } = await tx.query<{
    secret: string;
    verified: boolean;
    last_used_step: bigint | null;
  }>(
    `select secret, verified, last_used_step from identity.two_factors
      where user_id = $1 for update`,
    [userId],
  );
  const [row] = rows;
  return (
    row && {
      secret: row.secret,
      isVerified: row.verified,
      lastUsedStep: row.last_used_step ?? undefined,
    }
  );
}

export async function noteStep(tx: PlatformTx, userId: UserId, step: bigint): Promise<void> {
  await tx.query(`update identity.two_factors set last_used_step = $2 where user_id = $1`, [
    userId,
    step,
  ]);
}

/** A new secret has used none of its codes. */
export async function forgetSteps(tx: PlatformTx, userId: UserId): Promise<void> {
  await tx.query(`update identity.two_factors set last_used_step = null where user_id = $1`, [
    userId,
  ]);
}
