import type { Figures, StatsReply, StatsSeriesReply } from '../contracts/stats.ts';
import type { Db } from '../db/database.ts';
import type { Origin } from '../domain/caller.ts';
import { type Days, daysBetween, spanOf } from '../domain/local-time.ts';
import type { Tenant } from '../domain/tenant.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import * as customerTotals from '../repositories/customer-totals.ts';
import type { StatsRow } from '../repositories/daily-stats.ts';
import * as dailyStats from '../repositories/daily-stats.ts';
import * as ledger from '../repositories/ledger.ts';

type Booked = StatsSeriesReply['days'][number]['booked'];

/** One figure that is not what the orders add up to. */
export type StatsFinding = {
  readonly where: string;
  /** What has to be added for it to be right. */
  readonly missing: Readonly<Record<'orders' | 'amount' | 'refunded', bigint>>;
};

type RebuildTask = { readonly mode: 'look' } | { readonly mode: 'mend'; readonly origin: Origin };

const maxFindings = 100;

export type StatsService = ReturnType<typeof createStatsService>;

/** From the rollups: the cost grows with the days and not with the orders. */
export function createStatsService({ db }: { db: Db }) {
  async function summary(tenant: Tenant, days: Days = {}): Promise<StatsReply> {
    const { currency } = tenant;
    const rows = await db.withTenantOnce(tenant.id, (tx) =>
      dailyStats.totals(tx, { ...days, currency }),
    );
    return { success: true, stats: { ...toFigures(rows), currency } };
  }

  async function series(tenant: Tenant, days: Days): Promise<StatsSeriesReply> {
    const { currency, timeZone } = tenant;
    const span = spanOf(days, timeZone);
    const { rows, booked } = await db.withTenantSnapshot(tenant.id, async (tx) => ({
      rows: await dailyStats.listDays(tx, { ...span, currency }),
      booked: await ledger.listDays(tx, { ...span, currency }),
    }));
    const ordersOf = Map.groupBy(rows, ({ day }) => day);
    const moneyOf = Map.groupBy(booked, ({ day }) => day);
    return {
      success: true,
      currency,
      timeZone,
      days: daysBetween(span.from, span.to).map((day) => ({
        day,
        ...toFigures(ordersOf.get(day) ?? []),
        booked: toBooked(moneyOf.get(day) ?? []),
      })),
    };
  }

  /**
   * Adds the orders up again and answers where the statistics and the customers' totals were off,
   * at most 100 places of each; mends them unless it is only to look.
   */
  async function rebuild(tenant: Tenant, task: RebuildTask) {
    const { mode } = task;
    return db.withTenant(tenant.id, async (tx): Promise<StatsFinding[]> => {
      if (mode === 'mend') await dailyStats.lockAgainstRebuild(tx);
      const days = await dailyStats.listDrift(tx, maxFindings);
      const customers = await customerTotals.listDrift(tx, maxFindings);
      if (mode === 'mend') {
        await customerTotals.mendDrift(tx);
        await dailyStats.mendDrift(tx);
      }
      const off = days.length + customers.length;
      if (task.mode === 'mend' && off > 0) {
        await auditEntries.append(tx, tenant.id, task.origin, {
          action: 'stats.rebuilt',
          subject: { kind: 'tenant', id: tenant.id },
          // Of each kind not more than these are counted.
          after: { days: days.length, customers: customers.length },
        });
      }
      return [
        ...days.map(({ day, currency, status, method, orders, amount, refundedAmount }) => ({
          where: [day, currency, status, method].filter(Boolean).join(' '),
          missing: { orders, amount, refunded: refundedAmount },
        })),
        ...customers.map(({ customerId, currency, orders, spentAmount, refundedAmount }) => ({
          where: `customer ${customerId} ${currency}`,
          missing: { orders, amount: spentAmount, refunded: refundedAmount },
        })),
      ];
    });
  }

  return { summary, series, rebuild };
}

function toFigures(rows: readonly StatsRow[]): Figures {
  const byStatus = [...Map.groupBy(rows, ({ status }) => status)].map(([status, same]) => ({
    status,
    orders: sum(same, 'orders'),
    amount: sum(same, 'amount'),
    refunded: sum(same, 'refundedAmount'),
  }));
  const byMethod = [...Map.groupBy(rows, ({ method }) => method)].map(([method, same]) => ({
    method: method ?? null,
    orders: sum(same, 'orders'),
    ...keptOf(same),
  }));
  return {
    orders: sum(rows, 'orders'),
    pending: byStatus.find(({ status }) => status === 'pending')?.orders ?? 0,
    ...keptOf(rows),
    byStatus,
    byMethod,
  };
}

/** What is wholly refunded or charged back is no revenue. */
function keptOf(rows: readonly StatsRow[]): { paid: number; revenue: number } {
  const kept = rows.filter(({ status }) => status === 'paid' || status === 'partially_refunded');
  return { paid: sum(kept, 'orders'), revenue: sum(kept, 'amount') - sum(kept, 'refundedAmount') };
}

function toBooked(days: readonly ledger.AccountDay[]): Booked {
  const netOf = (account: string) => {
    const found = days.find((day) => day.account === account);
    return found ? Number(found.debits - found.credits) : 0;
  };
  return {
    received: -netOf('sales'),
    fees: -netOf('customer_fees'),
    refunded: netOf('refunds'),
    lost: netOf('losses'),
  };
}

/** Sums stay far below 2^53: a trillion rupiah an order, times nine thousand. */
function sum(rows: readonly StatsRow[], what: 'orders' | 'amount' | 'refundedAmount'): number {
  return Number(rows.reduce((total, row) => total + row[what], 0n));
}
