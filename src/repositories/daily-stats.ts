import type { TenantTx } from '../db/database.ts';
import type { OrderStatus } from '../domain/payment-states.ts';

type Counted = {
  readonly day: string;
  readonly currency: string;
  readonly status: OrderStatus;
  readonly amount: bigint;
  readonly refundedAmount: bigint;
};

/**
 * Counts an order under what it is now and no longer under what it was. Called last in a
 * transaction: all orders of a day share these rows.
 */
export async function recount(
  tx: TenantTx,
  { before, after }: { before?: Counted; after: Counted },
): Promise<void> {
  const changes = [...(before ? [{ ...before, sign: -1n }] : []), { ...after, sign: 1n }];
  // Always in the same order, or two orders that trade places would wait for each other for ever.
  changes.sort((a, b) => compare(rowOf(a), rowOf(b)));
  for (const { day, currency, status, amount, refundedAmount, sign } of changes) {
    await tx.query(
      `insert into daily_stats as s (tenant_id, day, currency, status, orders, amount, refunded_amount)
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (tenant_id, day, currency, status) do update
         set orders = s.orders + excluded.orders,
             amount = s.amount + excluded.amount,
             refunded_amount = s.refunded_amount + excluded.refunded_amount`,
      [tx.tenantId, day, currency, status, sign, sign * amount, sign * refundedAmount],
    );
  }
}

export type StatusTotal = {
  readonly status: OrderStatus;
  readonly orders: bigint;
  readonly amount: bigint;
  readonly refundedAmount: bigint;
};

/** Totals per status over all days, in one currency. */
export async function totals(tx: TenantTx, currency: string): Promise<StatusTotal[]> {
  const { rows } = await tx.query<{
    status: OrderStatus;
    orders: string;
    amount: string;
    refunded_amount: string;
  }>(
    // A sum of bigint is numeric, which arrives as text.
    `select status, sum(orders) as orders, sum(amount) as amount,
            sum(refunded_amount) as refunded_amount
       from daily_stats
      where tenant_id = $1 and currency = $2
      group by status
      limit 20`,
    [tx.tenantId, currency],
  );
  return rows.map((row) => ({
    status: row.status,
    orders: BigInt(row.orders),
    amount: BigInt(row.amount),
    refundedAmount: BigInt(row.refunded_amount),
  }));
}

function rowOf({ day, currency, status }: Counted): string {
  return `${day} ${currency} ${status}`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
