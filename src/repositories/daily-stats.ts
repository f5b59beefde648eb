import type { TenantTx } from '../db/database.ts';
import type { Days } from '../domain/local-time.ts';
import type { OrderStatus } from '../domain/payment-states.ts';

type Counted = {
  readonly day: string;
  readonly currency: string;
  readonly status: OrderStatus;
  readonly method: string | undefined;
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
  for (const { day, currency, status, method, amount, refundedAmount, sign } of changes) {
    await tx.query(
      `insert into daily_stats as s (tenant_id, day, currency, status, method, orders, amount,
                                     refunded_amount)
       values ($1, $2, $3, $4, $5, $6, $7, $8)
       on conflict (tenant_id, day, currency, status, method) do update
         set orders = s.orders + excluded.orders,
             amount = s.amount + excluded.amount,
             refunded_amount = s.refunded_amount + excluded.refunded_amount`,
      [
        tx.tenantId,
        day,
        currency,
        status,
        method ?? '',
        sign,
        sign * amount,
        sign * refundedAmount,
      ],
    );
  }
}

/** Orders that were created in a span of days, by what they are now. */
export type StatsRow = {
  readonly status: OrderStatus;
  /** Undefined: the shopper has not chosen one yet. */
  readonly method: string | undefined;
  readonly orders: bigint;
  readonly amount: bigint;
  readonly refundedAmount: bigint;
};

type Span = Days & { readonly currency: string };
type Sums = {
  status: OrderStatus;
  method: string;
  orders: string; // a sum of bigint is numeric, which arrives as text
  amount: string;
  refunded_amount: string;
};

const sums = `status, method, sum(orders) as orders, sum(amount) as amount,
  sum(refunded_amount) as refunded_amount`;
const inSpan = `tenant_id = $1 and currency = $2
  and ($3::date is null or day >= $3) and ($4::date is null or day <= $4)`;

/** Totals per status and method over a span of days, in one currency. */
export async function totals(tx: TenantTx, { from, to, currency }: Span): Promise<StatsRow[]> {
  const { rows } = await tx.query<Sums>(
    `select ${sums} from daily_stats where ${inSpan}
      group by status, method
     having sum(orders) <> 0
      order by status, method
      limit 1000`,
    [tx.tenantId, currency, from ?? null, to ?? null],
  );
  return rows.map(toStats);
}

/** The same, day by day; at most 366 days with all their statuses and methods. */
export async function listDays(
  tx: TenantTx,
  { from, to, currency }: Span,
): Promise<(StatsRow & { readonly day: string })[]> {
  const { rows } = await tx.query<Sums & { day: string }>(
    `select day, ${sums} from daily_stats where ${inSpan}
      group by day, status, method
     having sum(orders) <> 0
      order by day, status, method
      limit 100000`,
    [tx.tenantId, currency, from ?? null, to ?? null],
  );
  return rows.map((row) => ({ day: row.day, ...toStats(row) }));
}

function toStats(row: Sums): StatsRow {
  return {
    status: row.status,
    method: row.method || undefined,
    orders: BigInt(row.orders),
    amount: BigInt(row.amount),
    refundedAmount: BigInt(row.refunded_amount),
  };
}

/** Where the statistics are not what the orders add up to; what is counted too few or too many. */
export type StatsDrift = {
  readonly day: string;
  readonly currency: string;
  readonly status: string;
  readonly method: string;
  readonly orders: bigint;
  readonly amount: bigint;
  readonly refundedAmount: bigint;
};

const drift = `
  select coalesce(c.day, s.day) as day, coalesce(c.currency, s.currency) as currency,
         coalesce(c.status, s.status) as status, coalesce(c.method, s.method) as method,
         (coalesce(c.orders, 0) - coalesce(s.orders, 0))::bigint as orders,
         (coalesce(c.amount, 0) - coalesce(s.amount, 0))::bigint as amount,
         (coalesce(c.refunded_amount, 0) - coalesce(s.refunded_amount, 0))::bigint
           as refunded_amount
    from (select tenant_id, business_day as day, currency, status, coalesce(method, '') as method,
                 count(*) as orders, sum(amount) as amount, sum(refunded_amount) as refunded_amount
            from orders where tenant_id = $1
           group by 1, 2, 3, 4, 5) c
    full join (select * from daily_stats where tenant_id = $1) s
      on s.tenant_id = c.tenant_id and s.day = c.day and s.currency = c.currency
         and s.status = c.status and s.method = c.method
   where (coalesce(c.orders, 0), coalesce(c.amount, 0), coalesce(c.refunded_amount, 0))
         <> (coalesce(s.orders, 0), coalesce(s.amount, 0), coalesce(s.refunded_amount, 0))`;

export async function listDrift(tx: TenantTx, limit: number): Promise<StatsDrift[]> {
  const { rows } = await tx.query<Omit<StatsDrift, 'refundedAmount'> & { refunded_amount: bigint }>(
    `${drift} order by 1, 2, 3, 4 limit $2`,
    [tx.tenantId, limit],
  );
  return rows.map(({ refunded_amount, ...row }) => ({ ...row, refundedAmount: refunded_amount }));
}

/** One mender of a tenant's rollups at a time: two would add the same difference twice. */
export async function lockAgainstRebuild(tx: TenantTx): Promise<void> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1::text, 0))', [
    `rollups of ${tx.tenantId}`,
  ]);
}

/**
 * Makes the statistics what the orders add up to, beside running traffic: what is off is added, and
 * traffic adds the same to both sides. The caller holds the rebuild's lock.
 */
export async function mendDrift(tx: TenantTx): Promise<void> {
  await tx.query(
    `insert into daily_stats as s (tenant_id, day, currency, status, method, orders, amount,
                                   refunded_amount)
     select $1, drift.* from (${drift}) drift
     on conflict (tenant_id, day, currency, status, method) do update
       set orders = s.orders + excluded.orders,
           amount = s.amount + excluded.amount,
           refunded_amount = s.refunded_amount + excluded.refunded_amount`,
    [tx.tenantId],
  );
}

function rowOf({ day, currency, status, method = '' }: Counted): string {
  return `${day} ${currency} ${status} ${method}`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
