import type { BalancesReply, LedgerDaysReply } from '../contracts/ledger.ts';
import type { Db } from '../db/database.ts';
import { type Days, spanOf } from '../domain/local-time.ts';
import type { Tenant } from '../domain/tenant.ts';
import * as ledger from '../repositories/ledger.ts';

const maxFindings = 100;

export type LedgerService = ReturnType<typeof createLedgerService>;

export function createLedgerService({ db }: { db: Db }) {
  /**
   * Adds up a tenant's books in three ways (payments, transfers, totals of days) and answers where
   * they differ, at most 100 places of each kind; nothing when they agree.
   */
  async function check(tenant: Tenant): Promise<ledger.Discrepancy[]> {
    return db.withTenantSnapshot(tenant.id, async (tx) => [
      ...(await ledger.listPaymentDiscrepancies(tx, maxFindings)),
      ...(await ledger.listDayDiscrepancies(tx, maxFindings)),
    ]);
  }

  async function balances(
    tenant: Tenant,
    { until }: { until?: string | undefined },
  ): Promise<BalancesReply> {
    const found = await db.withTenantOnce(tenant.id, (tx) => ledger.balances(tx, until));
    return {
      success: true,
      balances: found.map((side) => ({
        ...toView(side),
        balance: Number(side.debits - side.credits),
      })),
    };
  }

  async function days(tenant: Tenant, asked: Days): Promise<LedgerDaysReply> {
    const { currency, timeZone } = tenant;
    const span = spanOf(asked, timeZone);
    const found = await db.withTenantOnce(tenant.id, (tx) =>
      ledger.listDays(tx, { ...span, currency }),
    );
    return {
      success: true,
      timeZone,
      days: found.map((side) => ({
        day: side.day,
        ...toView(side),
        closing: Number(side.closing),
      })),
    };
  }

  return { check, balances, days };
}

function toView({ account, currency, debits, credits }: ledger.Balance) {
  return { account, currency, debits: Number(debits), credits: Number(credits) };
}
