import type { PlatformTx } from '../db/database.ts';

/** Deletes counts whose window is over, at most `limit` of them; answers how many. */
export async function deleteExpired(
  tx: PlatformTx,
  { now, limit }: { readonly now: number; readonly limit: number },
): Promise<number> {
  const { rowCount } = await tx.query(
    `delete from rate_limits
      where key in (select key from rate_limits where expire < $1 order by expire limit $2)
        and expire < $1`,
    [now, limit],
  );
  return rowCount ?? 0;
}
