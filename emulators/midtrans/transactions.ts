import { randomUUID } from 'node:crypto';
import type { Books } from './books.ts';
import type { CardResult } from './cards.ts';
import type { Details } from './methods.ts';
import { isPaid, type TransactionStatus } from './statuses.ts';

/** One attempt to pay an order. */
export type Transaction = {
  readonly transactionId: string;
  readonly token: string;
  readonly merchantId: string;
  readonly orderId: string;
  readonly method: string;
  readonly paymentType: string;
  readonly grossAmount: number;
  readonly status: TransactionStatus;
  readonly fraudStatus?: string | undefined;
  readonly details: Details;
  /** What a pending card payment waits for: the one-time password, or its bank. */
  readonly step?: 'otp' | 'delayed' | undefined;
  readonly cardResult?: CardResult | undefined;
  readonly createdAt: number;
  readonly expiresAt?: number | undefined;
  readonly captureDueAt?: number | undefined;
  readonly settleDueAt?: number | undefined;
  readonly settledAt?: number | undefined;
};
/** What may change when a transaction moves; the rest was fixed when it was made. */
export type Change = Partial<
  Pick<Transaction, 'details' | 'fraudStatus' | 'settleDueAt' | 'settledAt'>
>;

type TransactionRow = {
  transaction_id: string;
  token: string;
  merchant_id: string;
  order_id: string;
  method: string;
  payment_type: string;
  gross_amount: number;
  status: TransactionStatus;
  fraud_status: string | null;
  details: string;
  step: 'otp' | 'delayed' | null;
  card_result: CardResult | null;
  created_at: number;
  expires_at: number | null;
  capture_due_at: number | null;
  settle_due_at: number | null;
  settled_at: number | null;
};
const columns = `transaction_id, token, merchant_id, order_id, method, payment_type, gross_amount,
  status, fraud_status, details, step, card_result, created_at, expires_at, capture_due_at,
  settle_due_at, settled_at`;

export function createTransactions(books: Books) {
  function get(transactionId: string): Transaction {
    const row = books.get<TransactionRow>(
      `select ${columns} from transactions where transaction_id = ?`,
      transactionId,
    );
    if (!row) throw new Error(`The books do not hold the transaction ${transactionId}.`);
    return toTransaction(row);
  }

  function insert(draft: Omit<Transaction, 'transactionId'>): Transaction {
    const transactionId = randomUUID();
    books.run(
      `insert into transactions (${columns})
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[transactionId, draft.token, draft.merchantId, draft.orderId, draft.method],
      ...[draft.paymentType, draft.grossAmount, draft.status, draft.fraudStatus ?? null],
      ...[JSON.stringify(draft.details), draft.step ?? null, draft.cardResult ?? null],
      ...[draft.createdAt, draft.expiresAt ?? null, draft.captureDueAt ?? null],
      ...[draft.settleDueAt ?? null, draft.settledAt ?? null],
    );
    return get(transactionId);
  }

  /** Moves a transaction on if it still is where the caller believes; otherwise undefined. */
  function move(
    transactionId: string,
    { from, to }: { from: readonly TransactionStatus[]; to: TransactionStatus },
    change: Change = {},
  ): Transaction | undefined {
    const current = get(transactionId);
    if (!from.includes(current.status)) return undefined;
    const next = { ...current, ...change };
    books.run(
      `update transactions
          set status = ?, step = null, details = ?, fraud_status = ?, settle_due_at = ?,
              settled_at = ?
        where transaction_id = ? and status = ?`,
      ...[to, JSON.stringify(next.details), next.fraudStatus ?? null, next.settleDueAt ?? null],
      ...[next.settledAt ?? null, transactionId, current.status],
    );
    return get(transactionId);
  }

  /** All attempts of one order, oldest first. */
  function listOfOrder(merchantId: string, orderId: string): Transaction[] {
    const rows = books.all<TransactionRow>(
      `select ${columns} from transactions where merchant_id = ? and order_id = ?
        order by number limit 1000`,
      merchantId,
      orderId,
    );
    return rows.map(toTransaction);
  }

  /** By transaction id, or by order id: then the attempt that succeeded, or else the newest. */
  function find(merchantId: string, id: string): Transaction | undefined {
    const row = books.get<TransactionRow>(
      `select ${columns} from transactions where merchant_id = ? and transaction_id = ?`,
      merchantId,
      id,
    );
    if (row) return toTransaction(row);
    const attempts = listOfOrder(merchantId, id);
    return attempts.findLast(({ status }) => isPaid(status)) ?? attempts.at(-1);
  }

  type DueColumn = 'expires_at' | 'capture_due_at' | 'settle_due_at';
  function listDue(column: DueColumn, status: TransactionStatus, until: number): Transaction[] {
    const rows = books.all<TransactionRow>(
      `select ${columns} from transactions where status = ? and ${column} <= ?
        order by ${column}, number limit 1000`,
      status,
      until,
    );
    return rows.map(toTransaction);
  }

  function nextDue(column: DueColumn, status: TransactionStatus, after: number) {
    const row = books.get<{ at: number | null }>(
      `select min(${column}) as at from transactions where status = ? and ${column} > ?`,
      status,
      after,
    );
    return row?.at ?? undefined;
  }

  function list(): Transaction[] {
    const rows = books.all<TransactionRow>(
      `select ${columns} from transactions order by number limit 100000`,
    );
    return rows.map(toTransaction);
  }

  return { get, insert, move, find, listOfOrder, listDue, nextDue, list };
}
export type Transactions = ReturnType<typeof createTransactions>;

function toTransaction(row: TransactionRow): Transaction {
  return {
    transactionId: row.transaction_id,
    token: row.token,
    merchantId: row.merchant_id,
    orderId: row.order_id,
    method: row.method,
    paymentType: row.payment_type,
    grossAmount: row.gross_amount,
    status: row.status,
    fraudStatus: row.fraud_status ?? undefined,
    details: JSON.parse(row.details),
    step: row.step ?? undefined,
    cardResult: row.card_result ?? undefined,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    captureDueAt: row.capture_due_at ?? undefined,
    settleDueAt: row.settle_due_at ?? undefined,
    settledAt: row.settled_at ?? undefined,
  };
}
