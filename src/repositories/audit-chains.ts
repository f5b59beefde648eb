import type { PlatformTx } from '../db/database.ts';
import { TenantId } from '../domain/ids.ts';

/**
 * The chain after another one, by the ids of their tenants: all that there are, also of tenants that
 * are gone. One at a time, so that no query reads through the entries of all of them.
 */
export async function findNext(
  tx: PlatformTx,
  after: TenantId | undefined,
): Promise<TenantId | undefined> {
  const { rows } = await tx.query<{ id: string | null }>(
    `select least(
       (select tenant_id from audit_heads
         where $1::uuid is null or tenant_id > $1 order by tenant_id limit 1),
       (select tenant_id from audit_entries
         where $1::uuid is null or tenant_id > $1 order by tenant_id limit 1)) as id`,
    [after ?? null],
  );
  return rows[0]?.id ? TenantId.parse(rows[0].id) : undefined;
}
