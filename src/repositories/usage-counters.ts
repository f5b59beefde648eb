import type { TenantTx } from '../db/database.ts';

const metric = 'orders';

/**
 * Takes one order out of the month's quota; false when nothing is left. Called last in a
 * transaction: every new order of the tenant touches this one row.
 */
export async function take(
  tx: TenantTx,
  { period, limit }: { period: string; limit: number | undefined },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into usage_counters as u (tenant_id, metric, period, used)
     values ($1, $2, $3, 1)
     on conflict (tenant_id, metric, period) do update
       set used = u.used + 1
       where $4::int is null or u.used < $4`,
    [tx.tenantId, metric, period, limit ?? null],
  );
  return rowCount === 1;
}

/** Gives one back: the order came to nothing. */
export async function giveBack(tx: TenantTx, period: string): Promise<void> {
  await tx.query(
    `update usage_counters set used = used - 1
      where tenant_id = $1 and metric = $2 and period = $3`,
    [tx.tenantId, metric, period],
  );
}
