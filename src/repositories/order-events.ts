import { v7 as uuidv7 } from 'uuid';
import type { TenantTx } from '../db/database.ts';
import type { OrderId, PaymentId } from '../domain/ids.ts';

/** Who learned or did it: a request, a provider's message, our own question, or our audit. */
export type EventSource = 'api' | 'notification' | 'check' | 'reconciliation';

const microseconds = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"';

type NewEvent = {
  readonly orderId: OrderId;
  readonly paymentId?: PaymentId;
  readonly kind: string;
  readonly source: EventSource;
  readonly fromStatus?: string;
  readonly toStatus?: string;
  readonly reference?: string | undefined;
  readonly detail?: string | undefined;
  readonly requestId?: string | undefined;
};

/** Adds one line to the order's history, which is never changed. */
export async function append(tx: TenantTx, event: NewEvent): Promise<void> {
  await tx.query(
    `insert into order_events (tenant_id, id, order_id, payment_id, kind, source, from_status,
                               to_status, reference, detail, request_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      tx.tenantId,
      uuidv7(),
      event.orderId,
      event.paymentId ?? null,
      event.kind,
      event.source,
      event.fromStatus ?? null,
      event.toStatus ?? null,
      event.reference ?? null,
      event.detail ?? null,
      event.requestId ?? null,
    ],
  );
}

/** A part of the history: after one moment, up to another one; in UTC, to the microsecond. */
export type Span = { readonly after: string | undefined; readonly upTo: string };

type Sealable = {
  readonly after: string | undefined;
  readonly limit: number;
  /** Nothing younger is taken, whatever runs: a transaction is listed a moment after it began. */
  readonly marginMs: number;
};

export type Digest = { readonly count: number; readonly digest: string };

/**
 * How far the history can be sealed in one go; undefined: nothing is left to seal. Lines carry the
 * time at which their transaction began, so only what is older than every transaction that still
 * runs is certain to get no further line.
 */
export async function sealableUpTo(
  tx: TenantTx,
  { after, limit, marginMs }: Sealable,
): Promise<string | undefined> {
  const { rows } = await tx.query<{ up_to: string | null }>(
    `select to_char(max(created_at) at time zone 'UTC', '${microseconds}') as up_to
       from (select created_at from order_events
              where tenant_id = $1 and created_at > coalesce($2::timestamptz, '-infinity')
                and created_at < least(now() - $4 * interval '1 ms',
                  -- Of its own login, which is the only one that adds lines, everybody may see
                  -- this. Not even this transaction is seen where the server keeps no account.
                  coalesce((select min(xact_start) from pg_stat_activity
                    where usename = current_user and datname = current_database()), '-infinity'))
              order by created_at limit $3) as next_lines`,
    [tx.tenantId, after ?? null, limit, marginMs],
  );
  return rows[0]?.up_to ?? undefined;
}

/** Counts the lines of a span and hashes all that they say, each as a JSON array. */
export async function digest(tx: TenantTx, { after, upTo }: Span): Promise<Digest> {
  const { rows } = await tx.query<Digest>(
    `select count(*)::int as count,
            encode(sha256(convert_to(
              coalesce(string_agg(line, chr(10) order by created_at, id), ''), 'UTF8')), 'hex') as digest
       from (select created_at, id, jsonb_build_array(
                      id, order_id, payment_id, kind, source, from_status, to_status, reference,
                      detail, request_id,
                      to_char(created_at at time zone 'UTC', '${microseconds}'))::text as line
               from order_events
              where tenant_id = $1 and created_at > coalesce($2::timestamptz, '-infinity')
                and created_at <= $3::timestamptz) as lines`,
    [tx.tenantId, after ?? null, upTo],
  );
  if (!rows[0]) throw new Error('A count gave no row.');
  return rows[0];
}

/** Whether the history has this already: messages come more than once. */
export async function has(
  tx: TenantTx,
  event: { readonly orderId: OrderId; readonly kind: string; readonly reference: string },
): Promise<boolean> {
  const { rows } = await tx.query(
    `select 1 from order_events
      where tenant_id = $1 and order_id = $2 and kind = $3 and reference = $4
      limit 1`,
    [tx.tenantId, event.orderId, event.kind, event.reference],
  );
  return rows.length > 0;
}
