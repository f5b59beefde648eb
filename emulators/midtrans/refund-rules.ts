import { randomUUID } from 'node:crypto';
import type { Books } from './books.ts';
import type { Clock } from './clock.ts';
import { refundPolicyOf } from './methods.ts';
import type { Notifications } from './notifications/notifications.ts';
import { type Refund, type Refunds, refundedOf, type Verdict } from './refunds.ts';
import { notModifiable, Refusal } from './refusal.ts';
import type { SettingsStore } from './settings.ts';
import type { Transaction, Transactions } from './transactions.ts';

type Parts = {
  books: Books;
  clock: Clock;
  transactions: Transactions;
  refunds: Refunds;
  notifications: Notifications;
  settings: SettingsStore;
};
export type RefundOrder = {
  readonly amount?: number | undefined;
  readonly refundKey?: string | undefined;
  readonly reason?: string | undefined;
  /** A direct refund asks the bank at once; any other is accepted now and decided later. */
  readonly isDirect?: boolean;
};
export type RefundOutcome = { transaction: Transaction; refund: Refund; chargebackId: number };

const dayMs = 24 * 3600_000;
const refundable = ['settlement', 'partial_refund'] as const;

/** Money going back on a settled transaction, and the bank's word on it. */
export function createRefundRules(parts: Parts) {
  const { books, clock, transactions, refunds, notifications, settings } = parts;

  /** Books a refund. One that the bank has refused at once is in the answer, too, with its state. */
  function refund(transaction: Transaction, order: RefundOrder): RefundOutcome {
    return books.transaction(() => {
      const earlier = refunds.listOf(transaction.transactionId);
      const remaining = transaction.captured - refundedOf(earlier);
      const amount = order.amount ?? remaining;
      refuse(transaction, order, { earlier, remaining, amount });

      const now = clock.now();
      const waitMs = order.isDirect ? 0 : settings.all().refundConfirmSeconds * 1000;
      const accepted = refunds.insert({
        transactionId: transaction.transactionId,
        refundKey: order.refundKey ?? randomUUID(),
        amount,
        reason: order.reason,
        state: 'accepted',
        verdict: settings.take('refuseRefunds') ? 'refuse' : 'confirm',
        createdAt: now,
        decideAt: now + waitMs,
      });
      const { number, verdict } = accepted;
      const made = order.isDirect ? refunds.decide(number, verdict, now) : accepted;
      const moved = restate(transaction);
      if (made.state !== 'refused') notifications.notify(moved);
      return { transaction: moved, refund: made, chargebackId: earlier.length + 1 };
    });
  }

  /** Puts the transaction into the state that its refunds amount to. */
  function restate({ transactionId, captured }: Transaction): Transaction {
    const refunded = refundedOf(refunds.listOf(transactionId));
    const partly = refunded === 0 ? 'settlement' : 'partial_refund';
    const to = refunded === captured ? 'refund' : partly;
    const moved = transactions.move(transactionId, { from: [...refundable, 'refund'], to });
    if (!moved) throw new Error('A transaction with a refund is in a state that has none.');
    return moved;
  }

  type Sums = { earlier: readonly Refund[]; remaining: number; amount: number };
  function refuse(transaction: Transaction, order: RefundOrder, sums: Sums): void {
    // Asked before the state: whoever repeats the refund that emptied a payment must learn that
    // it was made, not that nothing can be refunded.
    const standing = sums.earlier.filter(({ state }) => state !== 'refused');
    if (standing.some(({ refundKey }) => refundKey === order.refundKey)) {
      throw new Refusal('refund-duplicate', 'Duplicate refund ID');
    }
    const policy = refundPolicyOf(transaction.paymentType);
    const isSettled = refundable.some((status) => status === transaction.status);
    if (!policy || !isSettled) throw notModifiable();
    const lastDay = (transaction.settledAt ?? 0) + (policy.days ?? Infinity) * dayMs;
    if (clock.now() > lastDay) throw notModifiable();
    if (!Number.isSafeInteger(sums.amount) || sums.amount < 1 || sums.amount > sums.remaining) {
      throw new Refusal('refund-too-large', 'Refund rejected due to invalid amount');
    }
    if (policy.isWholeOnly && sums.amount < sums.remaining) throw notModifiable();
  }

  /** The bank's word on a refund that was accepted before. A refusal is told to nobody. */
  function decide(accepted: Refund, verdict: Verdict): Transaction {
    return books.transaction(() => {
      refunds.decide(accepted.number, verdict, clock.now());
      const transaction = transactions.get(accepted.transactionId);
      if (verdict === 'refuse') return restate(transaction);
      const touched = transactions.touch(transaction.transactionId);
      notifications.notify(touched);
      return touched;
    });
  }

  /** Lets the bank decide now, and as it is told to. */
  function decideByKey({ transactionId }: Transaction, key: string, verdict: Verdict): Transaction {
    const waiting = refunds.listOf(transactionId).filter(({ state }) => state === 'accepted');
    const found = waiting.find(({ refundKey }) => refundKey === key);
    if (!found) throw new Refusal('refund-not-found', `No refund ${key} waits for its bank.`);
    return decide(found, verdict);
  }

  function run(now: number): void {
    for (const due of refunds.listUndecided(now)) decide(due, due.verdict);
  }

  return { refund, decideByKey, run, nextAt: refunds.nextDecision };
}
export type RefundRules = ReturnType<typeof createRefundRules>;
