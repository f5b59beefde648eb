import type { StatsReply } from '../contracts/stats.ts';
import type { Db } from '../db/database.ts';
import type { Tenant } from '../domain/tenant.ts';
import * as dailyStats from '../repositories/daily-stats.ts';

export type StatsService = ReturnType<typeof createStatsService>;

export function createStatsService({ db }: { db: Db }) {
  /** From the rollups: the cost does not grow with the number of orders. */
  async function summary(tenant: Tenant): Promise<StatsReply> {
    const totals = await db.withTenantOnce(tenant.id, (tx) =>
      dailyStats.totals(tx, tenant.currency),
    );
    const pending = totals.find(({ status }) => status === 'pending');
    const kept = totals.filter(
      ({ status }) => status === 'paid' || status === 'partially_refunded',
    );
    const sum = (values: readonly bigint[]) => Number(values.reduce((a, b) => a + b, 0n));
    return {
      success: true,
      stats: {
        pending: Number(pending?.orders ?? 0n),
        paid: sum(kept.map(({ orders }) => orders)),
        revenue: sum(kept.map(({ amount, refundedAmount }) => amount - refundedAmount)),
        currency: tenant.currency,
      },
    };
  }

  return { summary };
}
