import { randomUUID } from 'node:crypto';
import type { Books } from './books.ts';
import type { Clock } from './clock.ts';
import { allowsPartialRefund, allowsRefund } from './methods.ts';
import type { Notifications } from './notifications.ts';
import type { Refund, Refunds } from './refunds.ts';
import { Refusal } from './refusal.ts';
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
};
export type RefundOutcome = { transaction: Transaction; refund: Refund; chargebackId: number };

/** Money going back on a settled transaction, and the bank's later word that it went. */
export function createRefundRules(parts: Parts) {
  const { books, clock, transactions, refunds, notifications, settings } = parts;

  function refund(transaction: Transaction, order: RefundOrder): RefundOutcome {
    const earlier = refunds.listOf(transaction.transactionId);
    const remaining = earlier.reduce((left, { amount }) => left - amount, transaction.grossAmount);
    const amount = order.amount ?? remaining;
    refuse(transaction, order, { earlier, remaining, amount });

    return books.transaction(() => {
      const createdAt = clock.now();
      refunds.insert({
        transactionId: transaction.transactionId,
        refundKey: order.refundKey ?? randomUUID(),
        amount,
        reason: order.reason,
        createdAt,
        confirmAt: createdAt + settings.all().refundConfirmSeconds * 1000,
      });
      const to = amount === remaining ? 'refund' : 'partial_refund';
      const from = ['settlement', 'partial_refund'] as const;
      const moved = transactions.move(transaction.transactionId, { from, to });
      const inserted = refunds.listOf(transaction.transactionId).at(-1);
      if (!moved || !inserted) throw new Error('A refund was allowed and then could not be made.');
      notifications.notify(moved);
      return { transaction: moved, refund: inserted, chargebackId: earlier.length + 1 };
    });
  }

  type Sums = { earlier: readonly Refund[]; remaining: number; amount: number };
  function refuse({ status, paymentType }: Transaction, order: RefundOrder, sums: Sums): void {
    // Asked before the state: whoever repeats the refund that emptied a payment must learn that
    // it was made, not that nothing can be refunded.
    if (sums.earlier.some(({ refundKey }) => refundKey === order.refundKey)) {
      throw new Refusal('refund-duplicate', 'Duplicate refund ID');
    }
    const isSettled = status === 'settlement' || status === 'partial_refund';
    if (!isSettled || !allowsRefund(paymentType)) throw notModifiable();
    if (!Number.isSafeInteger(sums.amount) || sums.amount < 1 || sums.amount > sums.remaining) {
      throw new Refusal('refund-too-large', 'Refund rejected due to invalid amount');
    }
    const isPartial = sums.amount < sums.remaining;
    if (isPartial && !allowsPartialRefund(paymentType)) throw notModifiable();
  }

  /** The second notification of a refund: the same refund, now with the bank's time. */
  function run(now: number): void {
    for (const due of refunds.listUnconfirmed(now)) {
      books.transaction(() => {
        refunds.confirm(due.number, now);
        notifications.notify(transactions.get(due.transactionId));
      });
    }
  }

  return { refund, run, nextAt: refunds.nextConfirmation };
}
export type RefundRules = ReturnType<typeof createRefundRules>;

function notModifiable(): Refusal {
  const message = 'Merchant cannot modify the status of the transaction';
  return new Refusal('transaction-not-modifiable', message);
}
