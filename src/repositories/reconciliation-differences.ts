import { v7 as uuidv7 } from 'uuid';
import type { TenantTx } from '../db/database.ts';
import { DifferenceId, type PaymentId, type ReconciliationId } from '../domain/ids.ts';
import { type Currency, currencyOf } from '../domain/money.ts';
import type { Difference } from '../domain/reconciliation.ts';
import type { Payment } from './payments.ts';

/** `repaired` by the run that found it; `resolved` by somebody or something else, later. */
export type Resolution = 'open' | 'repaired' | 'resolved';

export type FoundDifference = Difference & {
  readonly id: DifferenceId;
  /** The merchant's name of the order, and the provider's of the payment. */
  readonly order: string;
  readonly paymentReference: string;
  readonly currency: Currency;
  readonly resolution: Resolution;
  readonly resolvedBy: string | undefined;
  readonly note: string | undefined;
  readonly resolvedAt: Date | undefined;
  readonly createdAt: Date;
};

type DifferenceRow = Difference & {
  id: string;
  order: string;
  payment_reference: string;
  currency: string;
  resolution: Resolution;
  resolved_by: string | null;
  note: string | null;
  resolved_at: Date | null;
  created_at: Date;
};

type NewDifferences = {
  readonly reconciliationId: ReconciliationId;
  readonly payment: Payment;
  readonly differences: readonly Difference[];
  readonly resolution: 'open' | 'repaired';
};

/** Writes what a run found; what it found before is left as it is. */
export async function insert(
  tx: TenantTx,
  { reconciliationId, payment, differences, resolution }: NewDifferences,
): Promise<void> {
  for (const { what, subject, ours, theirs } of differences) {
    await tx.query(
      `insert into reconciliation_differences
              (tenant_id, id, run_id, order_id, payment_id, what, subject, ours, theirs,
               resolution, resolved_by, resolved_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text,
               case when $10 = 'repaired' then 'reconciliation' end,
               case when $10 = 'repaired' then now() end)
       on conflict (tenant_id, run_id, payment_id, what, subject) do nothing`,
      [
        tx.tenantId,
        uuidv7(),
        reconciliationId,
        payment.orderId,
        payment.id,
        what,
        subject,
        ours,
        theirs,
        resolution,
      ],
    );
  }
}

/**
 * Closes whatever was open of payments whose books agree now. Who did it is in their history; if
 * nothing of ours changed since, the provider's books did.
 */
export async function resolveAgreeing(
  tx: TenantTx,
  reconciliationId: ReconciliationId,
  paymentIds: readonly PaymentId[],
): Promise<void> {
  await tx.query(
    `update reconciliation_differences d
        set resolution = case when d.run_id = $2 then 'repaired' else 'resolved' end,
            resolved_by = case when d.run_id = $2 then 'reconciliation'
              else coalesce(
                (select e.source from order_events e
                  where e.tenant_id = $1 and e.order_id = d.order_id
                    and e.payment_id = d.payment_id and e.created_at >= d.created_at
                  order by e.created_at desc, e.id desc limit 1), 'provider') end,
            resolved_at = now()
      where d.tenant_id = $1 and d.payment_id = any($3) and d.resolution = 'open'`,
    [tx.tenantId, reconciliationId, paymentIds],
  );
}

type Finding = { readonly id: DifferenceId; readonly reconciliationId: ReconciliationId };

/** Closes one by a person's word; false when it is not open. */
export async function resolve(
  tx: TenantTx,
  { id, reconciliationId }: Finding,
  { by, note }: { readonly by: string; readonly note: string },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update reconciliation_differences
        set resolution = 'resolved', resolved_by = $4, note = $5, resolved_at = now()
      where tenant_id = $1 and run_id = $2 and id = $3 and resolution = 'open'`,
    [tx.tenantId, reconciliationId, id, by, note],
  );
  return rowCount === 1;
}

export type DifferenceCounts = {
  readonly differences: number;
  readonly repaired: number;
  readonly resolved: number;
  readonly open: number;
};

const none: DifferenceCounts = { differences: 0, repaired: 0, resolved: 0, open: 0 };

/** How many each of some runs found, and what became of them. */
export async function countByRun(
  tx: TenantTx,
  reconciliationIds: readonly ReconciliationId[],
): Promise<(id: ReconciliationId) => DifferenceCounts> {
  const { rows } = await tx.query<DifferenceCounts & { id: string }>(
    `select run_id as id, count(*)::int as differences,
            (count(*) filter (where resolution = 'repaired'))::int as repaired,
            (count(*) filter (where resolution = 'resolved'))::int as resolved,
            (count(*) filter (where resolution = 'open'))::int as open
       from reconciliation_differences
      where tenant_id = $1 and run_id = any($2)
      group by run_id limit 1000`,
    [tx.tenantId, reconciliationIds],
  );
  const byRun = new Map(rows.map(({ id, ...counts }) => [id, counts]));
  return (id) => byRun.get(id) ?? none;
}

const columns = `d.id, o.order_id as "order", p.provider_reference as payment_reference, p.currency,
  d.what, d.subject, d.ours, d.theirs, d.resolution, d.resolved_by, d.note, d.resolved_at,
  d.created_at`;

const source = `reconciliation_differences d
  join payments p on p.tenant_id = d.tenant_id and p.id = d.payment_id
  join orders o on o.tenant_id = d.tenant_id and o.id = d.order_id`;

/** What a run found, in the order of finding; `after` is the last one of the page before. */
export async function list(
  tx: TenantTx,
  reconciliationId: ReconciliationId,
  { after, limit }: { readonly after: DifferenceId | undefined; readonly limit: number },
): Promise<FoundDifference[]> {
  const { rows } = await tx.query<DifferenceRow>(
    `select ${columns} from ${source}
      where d.tenant_id = $1 and d.run_id = $2 and ($3::uuid is null or d.id > $3)
      order by d.id limit $4`,
    [tx.tenantId, reconciliationId, after ?? null, limit],
  );
  return rows.map(toFound);
}

export async function find(
  tx: TenantTx,
  { id, reconciliationId }: Finding,
): Promise<FoundDifference | undefined> {
  const { rows } = await tx.query<DifferenceRow>(
    `select ${columns} from ${source}
      where d.tenant_id = $1 and d.run_id = $2 and d.id = $3`,
    [tx.tenantId, reconciliationId, id],
  );
  return rows[0] && toFound(rows[0]);
}

function toFound({ payment_reference, resolved_by, ...row }: DifferenceRow): FoundDifference {
  return {
    id: DifferenceId.parse(row.id),
    order: row.order,
    paymentReference: payment_reference,
    currency: currencyOf(row.currency),
    what: row.what,
    subject: row.subject,
    ours: row.ours,
    theirs: row.theirs,
    resolution: row.resolution,
    resolvedBy: resolved_by ?? undefined,
    note: row.note ?? undefined,
    resolvedAt: row.resolved_at ?? undefined,
    createdAt: row.created_at,
  };
}
