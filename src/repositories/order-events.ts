import { v7 as uuidv7 } from 'uuid';
import type { TenantTx } from '../db/database.ts';
import type { OrderId, PaymentId } from '../domain/ids.ts';

/** Who learned or did it: a request, a provider's message, our own question, or our audit. */
export type EventSource = 'api' | 'notification' | 'check' | 'reconciliation';

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
