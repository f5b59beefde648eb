import type { TenantTx } from '../db/database.ts';
import { OrderId, PaymentId, RefundId } from '../domain/ids.ts';
import { currencyOf, type Money } from '../domain/money.ts';
import type { RefundStatus } from '../domain/refunds.ts';

export type Refund = {
  readonly id: RefundId;
  readonly orderId: OrderId;
  readonly paymentId: PaymentId;
  /** `provider`: it was made there, by the merchant, and found by us. */
  readonly source: 'merchant' | 'provider';
  readonly status: RefundStatus;
  readonly money: Money;
  readonly reason: string | undefined;
  readonly providerKey: string;
  readonly providerCalls: number;
  /** The provider's words when it refused. */
  readonly detail: string | undefined;
  readonly isLeased: boolean;
  /** Until then an earlier call may have been executed; undefined: no call before this one was. */
  readonly unclearAt: Date | undefined;
  /** So young that the provider still knows its key, and a repeated call is the same refund. */
  readonly isRepeatable: boolean;
  readonly acceptedAt: Date | undefined;
  readonly confirmedAt: Date | undefined;
  readonly createdAt: Date;
};

type RefundRow = {
  id: string;
  order_id: string;
  payment_id: string;
  source: Refund['source'];
  status: RefundStatus;
  amount: bigint;
  currency: string;
  reason: string | null;
  provider_key: string;
  provider_calls: number;
  detail: string | null;
  is_leased: boolean;
  unclear_at: Date | null;
  is_repeatable: boolean;
  accepted_at: Date | null;
  confirmed_at: Date | null;
  created_at: Date;
};

// Midtrans keeps a key for seven days from its first use: the last one is left for slow calls.
const columns = `id, order_id, payment_id, source, status, amount, currency, reason, provider_key,
  provider_calls, detail, coalesce(lease_until > now(), false) as is_leased,
  unclear_at, created_at > now() - interval '6 days' as is_repeatable, accepted_at, confirmed_at, created_at`;

// Asked for again after as long as it has been in doubt: soon at first, then ever less often.
const doubtGap = `least(greatest(now() - created_at, interval '5 seconds'), interval '6 hours')`;
const firstFollowGap = `interval '1 minute'`;
const followGap = `least(greatest(now() - accepted_at, ${firstFollowGap}), interval '1 day')`;

type NewRefund = Pick<
  Refund,
  'id' | 'orderId' | 'paymentId' | 'source' | 'money' | 'reason' | 'providerKey'
> & { readonly status: 'requested' | 'accepted' };

export async function insert(tx: TenantTx, refund: NewRefund): Promise<Refund> {
  const { rows } = await tx.query<RefundRow>(
    `insert into refunds (tenant_id, id, order_id, payment_id, source, status, amount, currency,
                          reason, provider_key, accepted_at, next_check_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, case when $6 = 'accepted' then now() end,
             now() + ${firstFollowGap})
     returning ${columns}`,
    [
      tx.tenantId,
      refund.id,
      refund.orderId,
      refund.paymentId,
      refund.source,
      refund.status,
      refund.money.amount,
      refund.money.currency,
      refund.reason ?? null,
      refund.providerKey,
    ],
  );
  if (!rows[0]) throw new Error(`Refund ${refund.id} was not inserted.`);
  return toRefund(rows[0]);
}

export async function find(tx: TenantTx, id: RefundId): Promise<Refund | undefined> {
  const { rows } = await tx.query<RefundRow>(
    `select ${columns} from refunds where tenant_id = $1 and id = $2`,
    [tx.tenantId, id],
  );
  return rows[0] && toRefund(rows[0]);
}

export async function get(tx: TenantTx, id: RefundId): Promise<Refund> {
  const refund = await find(tx, id);
  if (!refund) throw new Error(`There is no refund ${id}.`);
  return refund;
}

/** The refunds of an order, oldest first. */
export async function listOfOrder(tx: TenantTx, orderId: OrderId): Promise<Refund[]> {
  const { rows } = await tx.query<RefundRow>(
    `select ${columns} from refunds
      where tenant_id = $1 and order_id = $2
      order by id limit 1000`,
    [tx.tenantId, orderId],
  );
  return rows.map(toRefund);
}

type Lease = { readonly leaseId: string; readonly leaseMs: number };

/** Refunds that have no end and should be looked at, longest overdue first. */
export async function listDue(tx: TenantTx, limit: number): Promise<Refund[]> {
  const { rows } = await tx.query<RefundRow>(
    `select ${columns} from refunds
      where tenant_id = $1 and status in ('requested', 'unknown', 'accepted')
        and next_check_at <= now()
      order by next_check_at limit $2`,
    [tx.tenantId, limit],
  );
  return rows.map(toRefund);
}

/**
 * Takes a refund that is in doubt for one more call to the provider, and counts that call. Whoever
 * left a lease behind died with it, and may have called until its end.
 */
export async function claim(
  tx: TenantTx,
  id: RefundId,
  { leaseId, leaseMs }: Lease,
): Promise<Refund | undefined> {
  const { rows } = await tx.query<RefundRow>(
    `update refunds
        set provider_calls = provider_calls + 1, lease_id = $3,
            lease_until = now() + $4 * interval '1 ms',
            unclear_at = greatest(unclear_at, lease_until),
            next_check_at = now() + greatest($4 * interval '1 ms', ${doubtGap}),
            updated_at = now()
      where tenant_id = $1 and id = $2 and status in ('requested', 'unknown')
        and (lease_until is null or lease_until <= now())
     returning ${columns}`,
    [tx.tenantId, id, leaseId, leaseMs],
  );
  return rows[0] && toRefund(rows[0]);
}

/** Stores how the call ended, if the caller's lease still is the one that counts. */
export async function settle(
  tx: TenantTx,
  id: RefundId,
  outcome: {
    readonly leaseId: string;
    readonly status: Exclude<RefundStatus, 'requested' | 'confirmed'>;
    readonly detail?: string;
    /** The call may have been executed. */
    readonly isUnclear?: boolean;
  },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update refunds
        set status = $4, detail = $5, lease_id = null, lease_until = null,
            accepted_at = case when $4 = 'accepted' then now() else accepted_at end,
            unclear_at = case when $6 then now() else unclear_at end,
            next_check_at = case $4 when 'unknown' then now() + ${doubtGap}
                                    when 'accepted' then now() + ${firstFollowGap} end,
            alarmed_at = case when $4 = 'unknown' then alarmed_at end, updated_at = now()
      where tenant_id = $1 and id = $2 and lease_id = $3`,
    [
      tx.tenantId,
      id,
      outcome.leaseId,
      outcome.status,
      outcome.detail ?? null,
      outcome.isUnclear ?? false,
    ],
  );
  return rowCount === 1;
}

/** Takes a refund that is accepted for one more look at the books, and plans the next one. */
export async function planFollow(tx: TenantTx, id: RefundId): Promise<Refund | undefined> {
  const { rows } = await tx.query<RefundRow>(
    `update refunds set next_check_at = now() + ${followGap}
      where tenant_id = $1 and id = $2 and status = 'accepted' and alarmed_at is null
     returning ${columns}`,
    [tx.tenantId, id],
  );
  return rows[0] && toRefund(rows[0]);
}

/**
 * Marks a refund that is past its limit, once: a person has to be told. One in doubt is still asked
 * for. Of one that is accepted only the provider's own news can tell more.
 */
export async function alarm(
  tx: TenantTx,
  id: RefundId,
  { doubtDays, acceptedDays }: { readonly doubtDays: number; readonly acceptedDays: number },
): Promise<Refund | undefined> {
  const { rows } = await tx.query<RefundRow>(
    `update refunds
        set alarmed_at = now(), updated_at = now(),
            next_check_at = case when status = 'accepted' then null else next_check_at end
      where tenant_id = $1 and id = $2 and alarmed_at is null
        and ((status in ('requested', 'unknown') and created_at <= now() - $3 * interval '1 day')
             or (status = 'accepted' and accepted_at <= now() - $4 * interval '1 day'))
     returning ${columns}`,
    [tx.tenantId, id, doubtDays, acceptedDays],
  );
  return rows[0] && toRefund(rows[0]);
}

/** Writes what the provider's books say of a refund. The caller holds the order's lock. */
export async function move(
  tx: TenantTx,
  id: RefundId,
  {
    status,
    detail,
  }: {
    readonly status: Exclude<RefundStatus, 'requested' | 'unknown'>;
    readonly detail?: string;
  },
): Promise<void> {
  await tx.query(
    `update refunds
        set status = $3, detail = $4, lease_id = null, lease_until = null,
            accepted_at = case when $3 = 'accepted' then now() else coalesce(accepted_at, now()) end,
            confirmed_at = case when $3 = 'confirmed' then now() else confirmed_at end,
            next_check_at = case when $3 = 'accepted' then now() + ${firstFollowGap} end,
            alarmed_at = null, updated_at = now()
      where tenant_id = $1 and id = $2`,
    [tx.tenantId, id, status, detail ?? null],
  );
}

function toRefund(row: RefundRow): Refund {
  return {
    id: RefundId.parse(row.id),
    orderId: OrderId.parse(row.order_id),
    paymentId: PaymentId.parse(row.payment_id),
    source: row.source,
    status: row.status,
    money: { amount: row.amount, currency: currencyOf(row.currency) },
    reason: row.reason ?? undefined,
    providerKey: row.provider_key,
    providerCalls: row.provider_calls,
    detail: row.detail ?? undefined,
    isLeased: row.is_leased,
    unclearAt: row.unclear_at ?? undefined,
    isRepeatable: row.is_repeatable,
    acceptedAt: row.accepted_at ?? undefined,
    confirmedAt: row.confirmed_at ?? undefined,
    createdAt: row.created_at,
  };
}
