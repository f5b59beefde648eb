import type { Books } from './books.ts';
import { type Clock, nextSettlementRun } from './clock.ts';
import type { Payments } from './payments.ts';
import type { Refunds } from './refunds.ts';
import { notModifiable, Refusal } from './refusal.ts';
import { isChallenged } from './statuses.ts';
import type { Transaction, Transactions } from './transactions.ts';

type Parts = {
  books: Books;
  clock: Clock;
  transactions: Transactions;
  refunds: Refunds;
  payments: Payments;
};
type ChargebackOrder = { amount?: number | undefined; reason?: string | undefined };

/** What only cards know: a reservation that is captured later, doubts, settlement, chargebacks. */
export function createCardPayments(parts: Parts) {
  const { books, clock, transactions, refunds } = parts;
  const { moveOn } = parts.payments;

  /** A person has looked at a challenged payment and believes it. */
  function approve(transaction: Transaction): Transaction {
    requireChallenge(transaction);
    return moveOn(transaction, { from: ['capture'], to: 'capture' }, { fraudStatus: 'accept' });
  }

  function reject(transaction: Transaction): Transaction {
    requireChallenge(transaction);
    return moveOn(transaction, { from: ['capture'], to: 'deny' }, { fraudStatus: 'deny' });
  }

  function requireChallenge(transaction: Transaction): void {
    if (!isChallenged(transaction)) throw notModifiable();
  }

  /** Takes what was reserved, or a part of it; the rest is released. */
  function capture(transaction: Transaction, amount = transaction.grossAmount): Transaction {
    const { fee, grossAmount } = transaction;
    // Less than the fee would leave the merchant with less than nothing.
    if (amount <= fee || amount > grossAmount) throw notModifiable();
    const now = clock.now();
    const change = { captured: amount, capturedAt: now, settleDueAt: nextSettlementRun(now) };
    return moveOn(transaction, { from: ['authorize'], to: 'capture' }, change);
  }

  /** The card's bank takes a settled payment back, whole or in part. */
  function chargeBack(transaction: Transaction, order: ChargebackOrder): Transaction {
    const { transactionId, method, captured } = transaction;
    if (method !== 'credit_card') {
      throw new Refusal('transaction-not-modifiable', 'Only cards have chargebacks.');
    }
    const earlier = refunds.chargebacksOf(transactionId);
    const remaining = earlier.reduce((left, { amount }) => left - amount, captured);
    const amount = order.amount ?? remaining;
    if (amount < 1 || amount > remaining) {
      throw new Refusal('transaction-not-modifiable', `Only ${remaining} can be charged back.`);
    }
    const to = amount === remaining ? 'chargeback' : 'partial_chargeback';
    return books.transaction(() => {
      const { reason } = order;
      refunds.insertChargeback(transactionId, { amount, reason, createdAt: clock.now() });
      return moveOn(transaction, { from: ['settlement', 'partial_chargeback'], to });
    });
  }

  /** Settles every captured card now, whatever its own day would have been. */
  function runSettlement(): number {
    return settle(Number.MAX_SAFE_INTEGER);
  }

  /** A payment that is still in doubt when it would settle is cancelled instead. */
  function settle(until: number): number {
    const captured = transactions.listDue('settle_due_at', 'capture', until);
    for (const card of captured.filter(isChallenged)) parts.payments.cancel(card);
    const good = captured.filter((card) => !isChallenged(card));
    const change = { settledAt: clock.now() };
    for (const card of good) moveOn(card, { from: ['capture'], to: 'settlement' }, change);
    return good.length;
  }

  return {
    approve,
    reject,
    capture,
    chargeBack,
    runSettlement,
    run: settle,
    nextAt: (after: number) => transactions.nextDue('settle_due_at', 'capture', after),
  };
}
export type CardPayments = ReturnType<typeof createCardPayments>;
