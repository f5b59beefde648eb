import type { Books } from '../books.ts';

type NotificationRow = {
  number: number;
  merchant_id: string;
  order_id: string;
  transaction_id: string;
  status: string;
  body: string;
  created_at: number;
};
type DeliveryRow = {
  number: number;
  url: string;
  body: string;
  tamper: string | null;
  state: string;
  retries: number;
  next_at: number;
};
type AttemptRow = {
  at: number;
  url: string;
  code: number | null;
  error: string | null;
  duration_ms: number;
};
export type LogFilter = { orderId?: string | undefined; limit: number };

/**
 * What was sent, newest first: the genuine body, and each delivery with the text that it carries
 * (which may be forged) and every attempt to hand it over.
 */
export function listNotifications(books: Books, { orderId, limit }: LogFilter) {
  const rows = books.all<NotificationRow>(
    `select number, merchant_id, order_id, transaction_id, status, body, created_at
       from notifications where (?1 is null or order_id = ?1) order by number desc limit ?2`,
    orderId ?? null,
    limit,
  );
  return rows.map((row) => ({
    id: row.number,
    merchantId: row.merchant_id,
    orderId: row.order_id,
    transactionId: row.transaction_id,
    status: row.status,
    createdAt: new Date(row.created_at).toISOString(),
    body: JSON.parse(row.body),
    deliveries: listDeliveries(books, row.number),
  }));
}

function listDeliveries(books: Books, notification: number) {
  const rows = books.all<DeliveryRow>(
    `select number, url, body, tamper, state, retries, next_at from deliveries
      where notification = ? order by number limit 1000`,
    notification,
  );
  return rows.map((row) => ({
    url: row.url,
    state: row.state,
    tamper: row.tamper ?? undefined,
    retries: row.retries,
    nextAttemptAt: row.state === 'queued' ? new Date(row.next_at).toISOString() : undefined,
    body: row.body,
    attempts: listAttempts(books, row.number),
  }));
}

function listAttempts(books: Books, delivery: number) {
  const rows = books.all<AttemptRow>(
    `select at, url, code, error, duration_ms from attempts
      where delivery = ? order by number limit 1000`,
    delivery,
  );
  return rows.map((row) => ({
    at: new Date(row.at).toISOString(),
    url: row.url,
    code: row.code ?? undefined,
    error: row.error ?? undefined,
    durationMs: row.duration_ms,
  }));
}
