import type { BalancesReply, LedgerDaysReply } from '../contracts/ledger.ts';
import type { Db } from '../db/database.ts';
import { type Days, spanOf } from '../domain/local-time.ts';
import type { Tenant } from '../domain/tenant.ts';
import * as ledger from '../repositories/ledger.ts';

export type Finding = {
  /** What is off: a payment's position, or an account's total. */
  readonly what: string;
  readonly where: string;
  readonly expected: bigint;
  readonly found: bigint;
};

const maxFindings = 100;

export type LedgerService = ReturnType<typeof createLedgerService>;

export function createLedgerService({ db }: { db: Db }) {
  /**
   * Adds up a tenant's books in three ways (payments, transfers, totals of days) and answers where
   * they differ, at most 100 places of each kind; nothing when they agree.
   */
  async function check(tenant: Tenant): Promise<Finding[]> {
    return db.withTenantSnapshot(tenant.id, async (tx) => {
      const discrepancies = await ledger.listDiscrepancies(tx, maxFindings);
      const totals = await ledger.balances(tx, undefined);
      const transfers = await ledger.balancesOfTransfers(tx);
      return [
        ...discrepancies.map(({ paymentId, ...finding }) => ({
          ...finding,
          where: `payment ${paymentId}`,
        })),
        ...compareTotals(transfers, totals),
      ];
    });
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

function compareTotals(
  transfers: readonly ledger.Balance[],
  totals: readonly ledger.Balance[],
): Finding[] {
  const places = new Set([...transfers, ...totals].map(placeOf));
  const netIn = (balances: readonly ledger.Balance[], place: string) => {
    const balance = balances.find((candidate) => placeOf(candidate) === place);
    return { debits: balance?.debits ?? 0n, credits: balance?.credits ?? 0n };
  };
  return [...places].flatMap((place) => {
    const expected = netIn(transfers, place);
    const found = netIn(totals, place);
    return (['debits', 'credits'] as const)
      .filter((side) => expected[side] !== found[side])
      .map((side) => ({
        what: side,
        where: `account ${place}`,
        expected: expected[side],
        found: found[side],
      }));
  });
}

function placeOf({ account, currency }: ledger.Balance): string {
  return `${account} ${currency}`;
}
