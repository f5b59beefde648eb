import { v7 as uuidv7 } from 'uuid';
import type { TenantTx } from '../db/database.ts';
import type { AttentionReason } from '../domain/attention.ts';
import { AttentionItemId, OrderId, OrderReference, type PaymentId } from '../domain/ids.ts';
import type { Moment } from '../domain/moment.ts';
import { currencyOf, type Money } from '../domain/money.ts';

export type AttentionItem = {
  readonly id: AttentionItemId;
  readonly orderId: OrderId;
  readonly reference: OrderReference;
  readonly money: Money;
  readonly reason: AttentionReason;
  readonly detail: string;
  readonly createdAt: Date;
  /** In the list. */
  readonly position: Moment;
  readonly resolution:
    | { readonly by: 'merchant' | 'kassa'; readonly at: Date; readonly note: string }
    | undefined;
};

type ItemRow = {
  id: string;
  order_id: string;
  reference: string;
  amount: bigint;
  currency: string;
  reason: AttentionReason;
  detail: string;
  created_at: Date;
  created_micros: string;
  resolved_at: Date | null;
  resolved_by: 'merchant' | 'kassa' | null;
  resolution: string | null;
};

const selectItems = `select a.id, a.order_id, o.order_id as reference, o.amount, o.currency, a.reason,
         a.detail, a.created_at, a.resolved_at,
         (extract(epoch from a.created_at) * 1000000)::bigint::text as created_micros, a.resolved_by, a.resolution
    from attention_items a
    join orders o on o.tenant_id = a.tenant_id and o.id = a.order_id
   where a.tenant_id = $1`;

type Matter = {
  readonly orderId: OrderId;
  readonly paymentId: PaymentId;
  readonly reason: AttentionReason;
  /** The fact, in the same words each time that it is told. */
  readonly detail: string;
};

/**
 * Puts an order before a person, once for each fact: a further one of the same kind joins an open
 * item, and one that a person is done with stays so. The caller holds the order's lock. Answers
 * whether the fact was new.
 */
export async function raise(
  tx: TenantTx,
  { orderId, paymentId, reason, detail }: Matter,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into attention_items as a (tenant_id, id, order_id, payment_id, reason, detail)
     select $1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::text, $6::text
      where not exists (
        select 1 from attention_items
         where tenant_id = $1 and order_id = $3 and payment_id = $4 and reason = $5
           and resolved_by is distinct from 'kassa'
           and $6 = any (string_to_array(detail, chr(10))))
     on conflict (tenant_id, order_id, payment_id, reason) where resolved_at is null
     do update set detail = a.detail || chr(10) || excluded.detail`,
    [tx.tenantId, uuidv7(), orderId, paymentId, reason, detail.replaceAll(/\s+/g, ' ')],
  );
  return rowCount === 1;
}

/** Closes what has settled by itself; of one payment, or of all of the order's. */
export async function settle(
  tx: TenantTx,
  { orderId, paymentId, reason, detail }: Omit<Matter, 'paymentId'> & { paymentId?: PaymentId },
): Promise<void> {
  await tx.query(
    `update attention_items
        set resolved_at = now(), resolved_by = 'kassa', resolution = $5
      where tenant_id = $1 and order_id = $2 and reason = $4 and resolved_at is null
        and ($3::uuid is null or payment_id = $3)`,
    [tx.tenantId, orderId, paymentId ?? null, reason, detail],
  );
}

/** Closes what has settled by itself of these payments, by whatever order. */
export async function settleOfPayments(
  tx: TenantTx,
  {
    paymentIds,
    reason,
    detail,
  }: Pick<Matter, 'reason' | 'detail'> & { paymentIds: readonly PaymentId[] },
): Promise<void> {
  await tx.query(
    `update attention_items
        set resolved_at = now(), resolved_by = 'kassa', resolution = $4
      where tenant_id = $1 and payment_id = any($2) and reason = $3 and resolved_at is null`,
    [tx.tenantId, paymentIds, reason, detail],
  );
}

/**
 * Takes back what an open item says about one thing, named in its detail: an item that is about it
 * alone is closed, any other says so in a further line.
 */
export async function withdraw(
  tx: TenantTx,
  { orderId, paymentId, reason, detail, about }: Matter & { readonly about: string },
): Promise<void> {
  await tx.query(
    `update attention_items
        set detail = detail || chr(10) || $5,
            resolved_at = case when position(chr(10) in detail) = 0 then now() end,
            resolved_by = case when position(chr(10) in detail) = 0 then 'kassa' end,
            resolution = case when position(chr(10) in detail) = 0 then $5 end
      where tenant_id = $1 and order_id = $2 and payment_id = $3 and reason = $4
        and resolved_at is null and position($6 in detail) > 0`,
    [tx.tenantId, orderId, paymentId, reason, detail, about],
  );
}

/** Closes an item with a person's note; one that is closed stays as it is. */
export async function resolve(tx: TenantTx, id: AttentionItemId, note: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update attention_items
        set resolved_at = now(), resolved_by = 'merchant', resolution = $3
      where tenant_id = $1 and id = $2 and resolved_at is null`,
    [tx.tenantId, id, note],
  );
  return rowCount === 1;
}

export async function find(tx: TenantTx, id: AttentionItemId): Promise<AttentionItem | undefined> {
  const { rows } = await tx.query<ItemRow>(`${selectItems} and a.id = $2`, [tx.tenantId, id]);
  return rows[0] && toItem(rows[0]);
}

type Page = {
  readonly status: 'open' | 'resolved';
  /** The last item of the page before. */
  readonly after: Moment | undefined;
  readonly limit: number;
};

/** Items of all orders, newest first. */
export async function list(tx: TenantTx, { status, after, limit }: Page): Promise<AttentionItem[]> {
  const { rows } = await tx.query<ItemRow>(
    `${selectItems} and a.resolved_at is ${status === 'open' ? 'null' : 'not null'}
        and ($2::bigint is null or (a.created_at, a.id) <
             ('epoch'::timestamptz + $2 * interval '1 microsecond', $3::uuid))
      order by a.created_at desc, a.id desc limit $4`,
    [tx.tenantId, after?.micros ?? null, after?.id ?? null, limit],
  );
  return rows.map(toItem);
}

function toItem(row: ItemRow): AttentionItem {
  const { resolved_at: at, resolved_by: by, resolution: note } = row;
  return {
    id: AttentionItemId.parse(row.id),
    orderId: OrderId.parse(row.order_id),
    reference: OrderReference.parse(row.reference),
    money: { amount: row.amount, currency: currencyOf(row.currency) },
    reason: row.reason,
    detail: row.detail,
    createdAt: row.created_at,
    position: { micros: row.created_micros, id: row.id },
    resolution: at && by && note !== null ? { at, by, note } : undefined,
  };
}
