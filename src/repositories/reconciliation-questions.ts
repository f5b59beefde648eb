import type { TenantTx } from '../db/database.ts';
import { PaymentId, type ReconciliationId } from '../domain/ids.ts';

export type Question = { readonly paymentId: PaymentId; readonly reason: string };

/** Notes that a run has to ask about these payments again. */
export async function put(
  tx: TenantTx,
  reconciliationId: ReconciliationId,
  questions: readonly Question[],
): Promise<void> {
  if (questions.length === 0) return;
  await tx.query(
    `insert into reconciliation_questions as known
            (tenant_id, run_id, payment_id, reason)
     select $1::uuid, $2::uuid, asked.payment_id, asked.reason
       from unnest($3::uuid[], $4::text[]) as asked (payment_id, reason)
     on conflict (tenant_id, run_id, payment_id) do update
        set reason = excluded.reason, tries = known.tries + 1`,
    [
      tx.tenantId,
      reconciliationId,
      questions.map(({ paymentId }) => paymentId),
      questions.map(({ reason }) => reason),
    ],
  );
}

/** Forgets questions that were answered. */
export async function remove(
  tx: TenantTx,
  reconciliationId: ReconciliationId,
  paymentIds: readonly PaymentId[],
): Promise<void> {
  await tx.query(
    `delete from reconciliation_questions
      where tenant_id = $1 and run_id = $2 and payment_id = any($3)`,
    [tx.tenantId, reconciliationId, paymentIds],
  );
}

/** The open questions, least often asked first: one that is never answered keeps back no other. */
export async function list(
  tx: TenantTx,
  reconciliationId: ReconciliationId,
  limit: number,
): Promise<PaymentId[]> {
  const { rows } = await tx.query<{ payment_id: string }>(
    `select payment_id from reconciliation_questions
      where tenant_id = $1 and run_id = $2
      order by tries, payment_id limit $3`,
    [tx.tenantId, reconciliationId, limit],
  );
  return rows.map(({ payment_id }) => PaymentId.parse(payment_id));
}

export async function count(tx: TenantTx, reconciliationId: ReconciliationId): Promise<number> {
  const { rows } = await tx.query<{ count: number }>(
    `select count(*)::int as count from reconciliation_questions
      where tenant_id = $1 and run_id = $2`,
    [tx.tenantId, reconciliationId],
  );
  return rows[0]?.count ?? 0;
}

/** For people: which orders could not be asked about, and why. */
export async function listForReport(
  tx: TenantTx,
  reconciliationId: ReconciliationId,
  limit: number,
): Promise<{ readonly order: string; readonly reason: string }[]> {
  const { rows } = await tx.query<{ order: string; reason: string }>(
    `select o.order_id as "order", q.reason
       from reconciliation_questions q
       join payments p on p.tenant_id = q.tenant_id and p.id = q.payment_id
       join orders o on o.tenant_id = p.tenant_id and o.id = p.order_id
      where q.tenant_id = $1 and q.run_id = $2
      order by q.payment_id limit $3`,
    [tx.tenantId, reconciliationId, limit],
  );
  return rows;
}
