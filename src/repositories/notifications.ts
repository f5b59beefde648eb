import { v7 as uuidv7 } from 'uuid';
import type { TenantTx } from '../db/database.ts';
import { NotificationId, PaymentId } from '../domain/ids.ts';

export type NotificationStatus = 'received' | 'processed' | 'unmatched' | 'rejected';

export type StoredNotification = {
  readonly id: NotificationId;
  readonly paymentId: PaymentId | undefined;
  readonly status: NotificationStatus;
  readonly detail: string | undefined;
  readonly body: string;
};

type NotificationRow = {
  id: string;
  payment_id: string | null;
  status: NotificationStatus;
  detail: string | null;
  body: string;
};

const columns = 'id, payment_id, status, detail, body';

type NewNotification = {
  readonly provider: 'midtrans';
  readonly dedupeKey: string;
  readonly reference: string;
  readonly paymentId: PaymentId | undefined;
  readonly status: NotificationStatus;
  readonly detail: string | undefined;
  readonly body: string;
};

/** Stores a message once; a further copy is counted and answers what the first one came to. */
export async function store(
  tx: TenantTx,
  notification: NewNotification,
): Promise<StoredNotification> {
  const { rows } = await tx.query<NotificationRow>(
    `insert into notifications (tenant_id, id, provider, dedupe_key, reference, payment_id, status,
                                detail, body)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (tenant_id, provider, dedupe_key) do update
       set copies = notifications.copies + 1,
           -- A message that overtook its order finds it when it comes again.
           payment_id = coalesce(notifications.payment_id, excluded.payment_id),
           status = case when notifications.status = 'unmatched' then excluded.status
                         else notifications.status end
     returning ${columns}`,
    [
      tx.tenantId,
      uuidv7(),
      notification.provider,
      notification.dedupeKey,
      notification.reference,
      notification.paymentId ?? null,
      notification.status,
      notification.detail ?? null,
      notification.body,
    ],
  );
  if (!rows[0]) throw new Error('The notification was neither stored nor found.');
  return toNotification(rows[0]);
}

/** Whether a message is here already, and how many others of its reference came in the last hour. */
export async function countOthers(
  tx: TenantTx,
  { reference, dedupeKey }: { reference: string; dedupeKey: string },
): Promise<{ isKnown: boolean; others: bigint }> {
  const { rows } = await tx.query<{ is_known: boolean | null; others: bigint }>(
    `select bool_or(dedupe_key = $3) as is_known,
            count(*) filter (where received_at > now() - interval '1 hour') as others
       from notifications
      where tenant_id = $1 and reference = $2`,
    [tx.tenantId, reference, dedupeKey],
  );
  return { isKnown: rows[0]?.is_known ?? false, others: rows[0]?.others ?? 0n };
}

export async function find(
  tx: TenantTx,
  id: NotificationId,
): Promise<StoredNotification | undefined> {
  const { rows } = await tx.query<NotificationRow>(
    `select ${columns} from notifications where tenant_id = $1 and id = $2`,
    [tx.tenantId, id],
  );
  return rows[0] && toNotification(rows[0]);
}

export async function finish(tx: TenantTx, id: NotificationId, detail: string): Promise<void> {
  await tx.query(
    `update notifications set status = 'processed', detail = $3, processed_at = now()
      where tenant_id = $1 and id = $2`,
    [tx.tenantId, id, detail],
  );
}

/** Marks a message whose claim the provider's books do not bear out; a copy of it is refused, too. */
export async function reject(tx: TenantTx, id: NotificationId, detail: string): Promise<void> {
  await tx.query(
    `update notifications set status = 'rejected', detail = $3, processed_at = now()
      where tenant_id = $1 and id = $2`,
    [tx.tenantId, id, detail],
  );
}

function toNotification(row: NotificationRow): StoredNotification {
  return {
    id: NotificationId.parse(row.id),
    paymentId: row.payment_id === null ? undefined : PaymentId.parse(row.payment_id),
    status: row.status,
    detail: row.detail ?? undefined,
    body: row.body,
  };
}
