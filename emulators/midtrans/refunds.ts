import type { Books } from './books.ts';

/** Money that goes back because the merchant asked for it. */
export type Refund = {
  readonly number: number;
  readonly transactionId: string;
  readonly refundKey: string;
  readonly amount: number;
  readonly reason?: string | undefined;
  /** A refused one gave nothing back, and its amount and key are free again. */
  readonly state: 'accepted' | 'confirmed' | 'refused';
  /** What the bank will say at `decideAt`, settled when the refund was accepted. */
  readonly verdict: Verdict;
  readonly createdAt: number;
  readonly decideAt: number;
  readonly decidedAt?: number | undefined;
};
export type Verdict = 'confirm' | 'refuse';
/** Money that a card's bank has taken back for its customer. */
export type Chargeback = {
  readonly amount: number;
  readonly reason?: string | undefined;
  readonly createdAt: number;
};

type RefundRow = {
  number: number;
  transaction_id: string;
  refund_key: string;
  amount: number;
  reason: string | null;
  state: Refund['state'];
  verdict: Verdict;
  created_at: number;
  decide_at: number;
  decided_at: number | null;
};
type ChargebackRow = { amount: number; reason: string | null; created_at: number };
const columns = `transaction_id, refund_key, amount, reason, state, verdict, created_at, decide_at,
  decided_at`;

export function createRefunds(books: Books) {
  /** The refunds of one transaction, oldest first, the refused ones among them. */
  function listOf(transactionId: string): Refund[] {
    const rows = books.all<RefundRow>(
      `select number, ${columns} from refunds where transaction_id = ?
        order by number limit 100000`,
      transactionId,
    );
    return rows.map(toRefund);
  }

  function insert(draft: Omit<Refund, 'number'>): Refund {
    const number = books.insert(
      `insert into refunds (${columns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[draft.transactionId, draft.refundKey, draft.amount, draft.reason ?? null, draft.state],
      ...[draft.verdict, draft.createdAt, draft.decideAt, draft.decidedAt ?? null],
    );
    return { ...draft, number };
  }

  function decide(number: number, verdict: Verdict, at: number): Refund {
    const state = verdict === 'confirm' ? 'confirmed' : 'refused';
    const row = books.get<RefundRow>(
      `update refunds set state = ?, verdict = ?, decided_at = ?
        where number = ? and state = 'accepted' returning number, ${columns}`,
      ...[state, verdict, at, number],
    );
    if (!row) throw new Error(`The refund ${number} was decided before.`);
    return toRefund(row);
  }

  function listUndecided(until: number): Refund[] {
    const rows = books.all<RefundRow>(
      `select number, ${columns} from refunds
        where state = 'accepted' and decide_at <= ? order by decide_at, number limit 1000`,
      until,
    );
    return rows.map(toRefund);
  }

  function nextDecision(after: number): number | undefined {
    const row = books.get<{ at: number | null }>(
      `select min(decide_at) as at from refunds where state = 'accepted' and decide_at > ?`,
      after,
    );
    return row?.at ?? undefined;
  }

  function chargebacksOf(transactionId: string): Chargeback[] {
    const rows = books.all<ChargebackRow>(
      `select amount, reason, created_at from chargebacks
        where transaction_id = ? order by number limit 1000`,
      transactionId,
    );
    return rows.map(({ amount, reason, created_at: createdAt }) => {
      return { amount, reason: reason ?? undefined, createdAt };
    });
  }

  function insertChargeback(transactionId: string, draft: Chargeback): void {
    books.run(
      `insert into chargebacks (transaction_id, amount, reason, created_at) values (?, ?, ?, ?)`,
      ...[transactionId, draft.amount, draft.reason ?? null, draft.createdAt],
    );
  }

  return {
    listOf,
    insert,
    decide,
    listUndecided,
    nextDecision,
    chargebacksOf,
    insertChargeback,
  };
}
export type Refunds = ReturnType<typeof createRefunds>;

/** The sum of what was not refused. */
export function refundedOf(refunds: readonly Refund[]): number {
  const standing = refunds.filter(({ state }) => state !== 'refused');
  return standing.reduce((sum, { amount }) => sum + amount, 0);
}

function toRefund(row: RefundRow): Refund {
  return {
    number: row.number,
    transactionId: row.transaction_id,
    refundKey: row.refund_key,
    amount: row.amount,
    reason: row.reason ?? undefined,
    state: row.state,
    verdict: row.verdict,
    createdAt: row.created_at,
    decideAt: row.decide_at,
    decidedAt: row.decided_at ?? undefined,
  };
}
