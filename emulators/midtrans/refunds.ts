import type { Books } from './books.ts';

export type Refund = {
  readonly number: number;
  readonly transactionId: string;
  readonly refundKey: string;
  readonly amount: number;
  readonly reason?: string | undefined;
  readonly createdAt: number;
  /** When the bank will say that the money is on its way back. */
  readonly confirmAt: number;
  readonly confirmedAt?: number | undefined;
};

type RefundRow = {
  number: number;
  transaction_id: string;
  refund_key: string;
  amount: number;
  reason: string | null;
  created_at: number;
  confirm_at: number;
  confirmed_at: number | null;
};
const columns = `transaction_id, refund_key, amount, reason, created_at, confirm_at, confirmed_at`;

export function createRefunds(books: Books) {
  /** The refunds of one transaction, oldest first. */
  function listOf(transactionId: string): Refund[] {
    const rows = books.all<RefundRow>(
      `select number, ${columns} from refunds where transaction_id = ? order by number limit 1000`,
      transactionId,
    );
    return rows.map(toRefund);
  }

  function insert(draft: Omit<Refund, 'number' | 'confirmedAt'>): void {
    books.run(
      `insert into refunds (${columns}) values (?, ?, ?, ?, ?, ?, null)`,
      ...[draft.transactionId, draft.refundKey, draft.amount, draft.reason ?? null],
      ...[draft.createdAt, draft.confirmAt],
    );
  }

  function confirm(number: number, at: number): void {
    books.run('update refunds set confirmed_at = ? where number = ?', at, number);
  }

  function listUnconfirmed(until: number): Refund[] {
    const rows = books.all<RefundRow>(
      `select number, ${columns} from refunds
        where confirmed_at is null and confirm_at <= ? order by confirm_at, number limit 1000`,
      until,
    );
    return rows.map(toRefund);
  }

  function nextConfirmation(after: number): number | undefined {
    const row = books.get<{ at: number | null }>(
      `select min(confirm_at) as at from refunds where confirmed_at is null and confirm_at > ?`,
      after,
    );
    return row?.at ?? undefined;
  }

  return { listOf, insert, confirm, listUnconfirmed, nextConfirmation };
}
export type Refunds = ReturnType<typeof createRefunds>;

function toRefund(row: RefundRow): Refund {
  return {
    number: row.number,
    transactionId: row.transaction_id,
    refundKey: row.refund_key,
    amount: row.amount,
    reason: row.reason ?? undefined,
    createdAt: row.created_at,
    confirmAt: row.confirm_at,
    confirmedAt: row.confirmed_at ?? undefined,
  };
}
