import { randomUUID } from 'node:crypto';
import { type Books, type BooksFilter, filtered, nextChange } from './books.ts';
import type { CardResult } from './cards.ts';
import type { Clock } from './clock.ts';
import type { Details } from './methods.ts';
import { type FraudStatus, isSuccessful, type TransactionStatus } from './statuses.ts';

/** One attempt to pay an order. */
export type Transaction = {
  readonly transactionId: string;
  readonly token: string;
  readonly merchantId: string;
  readonly orderId: string;
  readonly method: string;
  readonly paymentType: string;
  /** What the shopper was asked for, the fee included. */
  readonly grossAmount: number;
  /** The part of it that is a fee on top of what the merchant asked for. */
  readonly fee: number;
  readonly status: TransactionStatus;
  readonly fraudStatus?: FraudStatus | undefined;
  readonly details: Details;
  /** What a pending card payment waits for: the one-time password, or its bank. */
  readonly step?: 'otp' | 'delayed' | undefined;
  readonly cardResult?: CardResult | undefined;
  readonly createdAt: number;
  readonly expiresAt?: number | undefined;
  readonly captureDueAt?: number | undefined;
  readonly settleDueAt?: number | undefined;
  /** What was taken; a captured card may be less than what was reserved on it. */
  readonly captured: number;
  readonly capturedAt?: number | undefined;
  readonly settledAt?: number | undefined;
  /** The place of its last change among all changes in the books. */
  readonly changed: number;
  readonly changedAt: number;
};
/** What may change when a transaction moves; the rest was fixed when it was made. */
export type Change = Partial<
  Pick<
    Transaction,
    | 'details'
    | 'fraudStatus'
    | 'expiresAt'
    | 'settleDueAt'
    | 'captured'
    | 'capturedAt'
    | 'settledAt'
  >
>;

type Draft = Omit<Transaction, 'transactionId' | 'changed' | 'changedAt'>;

type TransactionRow = {
  transaction_id: string;
  token: string;
  merchant_id: string;
  order_id: string;
  method: string;
  payment_type: string;
  gross_amount: number;
  fee: number;
  status: TransactionStatus;
  fraud_status: FraudStatus | null;
  details: string;
  step: 'otp' | 'delayed' | null;
  card_result: CardResult | null;
  created_at: number;
  expires_at: number | null;
  capture_due_at: number | null;
  settle_due_at: number | null;
  captured: number;
  captured_at: number | null;
  settled_at: number | null;
  changed: number;
  changed_at: number;
};
const columns = `transaction_id, token, merchant_id, order_id, method, payment_type, gross_amount,
  fee, status, fraud_status, details, step, card_result, created_at, expires_at, capture_due_at,
  settle_due_at, captured, captured_at, settled_at, changed, changed_at`;

export function createTransactions(books: Books, clock: Clock) {
  function get(transactionId: string): Transaction {
    const row = books.get<TransactionRow>(
      `select ${columns} from transactions where transaction_id = ?`,
      transactionId,
    );
    if (!row) throw new Error(`The books do not hold the transaction ${transactionId}.`);
    return toTransaction(row);
  }

  function insert(draft: Draft): Transaction {
    const transactionId = randomUUID();
    books.run(
      `insert into transactions (${columns})
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${nextChange}, ?)`,
      ...[transactionId, draft.token, draft.merchantId, draft.orderId, draft.method],
      ...[draft.paymentType, draft.grossAmount, draft.fee, draft.status, draft.fraudStatus ?? null],
      ...[JSON.stringify(draft.details), draft.step ?? null, draft.cardResult ?? null],
      ...[draft.createdAt, draft.expiresAt ?? null, draft.captureDueAt ?? null],
      ...[draft.settleDueAt ?? null, draft.captured, draft.capturedAt ?? null],
      ...[draft.settledAt ?? null, clock.now()],
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
          set status = ?, step = null, details = ?, fraud_status = ?, expires_at = ?,
              settle_due_at = ?, captured = ?, captured_at = ?, settled_at = ?,
              changed = ${nextChange}, changed_at = ?
        where transaction_id = ? and status = ?`,
      ...[to, JSON.stringify(next.details), next.fraudStatus ?? null, next.expiresAt ?? null],
      ...[next.settleDueAt ?? null, next.captured, next.capturedAt ?? null],
      ...[next.settledAt ?? null, clock.now(), transactionId, current.status],
    );
    return get(transactionId);
  }

  /** Marks it as changed, for what is kept beside it: a refund, and what became of it. */
  function touch(transactionId: string): Transaction {
    books.run(
      `update transactions set changed = ${nextChange}, changed_at = ? where transaction_id = ?`,
      clock.now(),
      transactionId,
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
    return attempts.findLast(({ status }) => isSuccessful(status)) ?? attempts.at(-1);
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

  function list(filter: BooksFilter): Transaction[] {
    const { clause, values } = filtered(filter);
    const rows = books.all<TransactionRow>(
      `select ${columns} from transactions ${clause}`,
      ...values,
    );
    return rows.map(toTransaction);
  }

  return { get, insert, move, touch, find, listOfOrder, listDue, nextDue, list };
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
    fee: row.fee,
    status: row.status,
    fraudStatus: row.fraud_status ?? undefined,
    details: JSON.parse(row.details),
    step: row.step ?? undefined,
    cardResult: row.card_result ?? undefined,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    captureDueAt: row.capture_due_at ?? undefined,
    settleDueAt: row.settle_due_at ?? undefined,
    captured: row.captured,
    capturedAt: row.captured_at ?? undefined,
    settledAt: row.settled_at ?? undefined,
    changed: row.changed,
    changedAt: row.changed_at,
  };
}
