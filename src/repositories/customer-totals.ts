import type { TenantTx } from '../db/database.ts';
import { CustomerId } from '../domain/ids.ts';
import type { OrderStatus } from '../domain/payment-states.ts';

/** Orders whose money was received and is not charged back; what was refunded stands beside it. */
export const soldStatuses: readonly OrderStatus[] = ['paid', 'partially_refunded', 'refunded'];

type Counted = {
  readonly customerId: CustomerId;
  readonly currency: string;
  readonly status: OrderStatus;
  readonly amount: bigint;
  readonly refundedAmount: bigint;
};

type Sums = {
  readonly orders: bigint;
  readonly paidOrders: bigint;
  readonly spentAmount: bigint;
  readonly refundedAmount: bigint;
};

export type CustomerTotals = Sums & {
  readonly customerId: CustomerId;
  readonly currency: string;
};

/** Counts a customer's order as what it is now and no longer as what it was. */
export async function recount(
  tx: TenantTx,
  { before, after }: { before?: Counted; after: Counted },
): Promise<void> {
  const was = before ? shareOf(before) : none;
  const is = shareOf(after);
  const change = [
    is.orders - was.orders,
    is.paidOrders - was.paidOrders,
    is.spentAmount - was.spentAmount,
    is.refundedAmount - was.refundedAmount,
  ];
  if (change.every((sum) => sum === 0n)) return;
  await tx.query(
    `insert into customer_totals as t (tenant_id, customer_id, currency, orders, paid_orders,
                                       spent_amount, refunded_amount)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (tenant_id, customer_id, currency) do update
       set orders = t.orders + excluded.orders,
           paid_orders = t.paid_orders + excluded.paid_orders,
           spent_amount = t.spent_amount + excluded.spent_amount,
           refunded_amount = t.refunded_amount + excluded.refunded_amount`,
    [tx.tenantId, after.customerId, after.currency, ...change],
  );
}

const none: Sums = { orders: 0n, paidOrders: 0n, spentAmount: 0n, refundedAmount: 0n };

function shareOf({ status, amount, refundedAmount }: Counted): Sums {
  if (!soldStatuses.includes(status)) return { ...none, orders: 1n };
  return { orders: 1n, paidOrders: 1n, spentAmount: amount, refundedAmount };
}

type TotalsRow = {
  customer_id: string;
  currency: string;
  orders: bigint;
  paid_orders: bigint;
  spent_amount: bigint;
  refunded_amount: bigint;
};

/** The totals of these customers, in every currency that they bought in. */
export async function listOf(tx: TenantTx, ids: readonly CustomerId[]): Promise<CustomerTotals[]> {
  const { rows } = await tx.query<TotalsRow>(
    `select customer_id, currency, orders, paid_orders, spent_amount, refunded_amount
       from customer_totals
      where tenant_id = $1 and customer_id = any($2)
      order by customer_id, currency
      limit 1000`,
    [tx.tenantId, ids],
  );
  return rows.map(toTotals);
}

const drift = `
  select coalesce(c.customer_id, t.customer_id) as customer_id,
         coalesce(c.currency, t.currency) as currency,
         (coalesce(c.orders, 0) - coalesce(t.orders, 0))::bigint as orders,
         (coalesce(c.paid_orders, 0) - coalesce(t.paid_orders, 0))::bigint as paid_orders,
         (coalesce(c.spent_amount, 0) - coalesce(t.spent_amount, 0))::bigint as spent_amount,
         (coalesce(c.refunded_amount, 0) - coalesce(t.refunded_amount, 0))::bigint
           as refunded_amount
    from (select customer_id, currency, count(*) as orders,
                 count(*) filter (where status = any($2)) as paid_orders,
                 coalesce(sum(amount) filter (where status = any($2)), 0) as spent_amount,
                 coalesce(sum(refunded_amount) filter (where status = any($2)), 0)
                   as refunded_amount
            from orders where tenant_id = $1
           group by 1, 2) c
    full join (select * from customer_totals where tenant_id = $1) t
      on t.customer_id = c.customer_id and t.currency = c.currency
   where (coalesce(c.orders, 0), coalesce(c.paid_orders, 0), coalesce(c.spent_amount, 0),
          coalesce(c.refunded_amount, 0))
         <> (coalesce(t.orders, 0), coalesce(t.paid_orders, 0), coalesce(t.spent_amount, 0),
             coalesce(t.refunded_amount, 0))`;

/** Customers whose totals are not what their orders add up to: what is counted too few or too many. */
export async function listDrift(tx: TenantTx, limit: number): Promise<CustomerTotals[]> {
  const { rows } = await tx.query<TotalsRow>(`${drift} order by 1, 2 limit $3`, [
    tx.tenantId,
    soldStatuses,
    limit,
  ]);
  return rows.map(toTotals);
}

/** As `mendDrift` of the daily statistics, under the same lock. */
export async function mendDrift(tx: TenantTx): Promise<void> {
  await tx.query(
    `insert into customer_totals as t (tenant_id, customer_id, currency, orders, paid_orders,
                                       spent_amount, refunded_amount)
     select $1, drift.* from (${drift}) drift
     on conflict (tenant_id, customer_id, currency) do update
       set orders = t.orders + excluded.orders,
           paid_orders = t.paid_orders + excluded.paid_orders,
           spent_amount = t.spent_amount + excluded.spent_amount,
           refunded_amount = t.refunded_amount + excluded.refunded_amount`,
    [tx.tenantId, soldStatuses],
  );
}

function toTotals(row: TotalsRow): CustomerTotals {
  return {
    customerId: CustomerId.parse(row.customer_id),
    currency: row.currency,
    orders: row.orders,
    paidOrders: row.paid_orders,
    spentAmount: row.spent_amount,
    refundedAmount: row.refunded_amount,
  };
}
