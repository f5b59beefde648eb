import type { Accounts } from './accounts.ts';
import { amountText } from './bodies.ts';
import type { Books } from './books.ts';
import { type CardPlan, type CardResult, decidedCardDetails, otp, slowCardMs } from './cards.ts';
import type { Checkout, Checkouts } from './checkouts.ts';
import { type Clock, nextSettlementRun } from './clock.ts';
import { customerFee } from './fees.ts';
import { allowsReversal, type Device, getMethod, type Method } from './methods.ts';
import type { Notifications } from './notifications/notifications.ts';
import { Refusal } from './refusal.ts';
import type { SettingsStore } from './settings.ts';
import { isSuccessful, type TransactionStatus } from './statuses.ts';
import type { Change, Transaction, Transactions } from './transactions.ts';

type Parts = {
  books: Books;
  clock: Clock;
  accounts: Accounts;
  checkouts: Checkouts;
  transactions: Transactions;
  notifications: Notifications;
  settings: SettingsStore;
};
type Step = { from: readonly TransactionStatus[]; to: TransactionStatus };

const processed = 'transaction has been processed';

/** What can happen to an attempt to pay; each change and its notification are one commit. */
export function createPayments(parts: Parts) {
  const { books, clock, transactions, notifications, settings } = parts;

  /** Opens an attempt by any method but a card. */
  function choose(checkout: Checkout, method: Method, device: Device): Transaction {
    const { customNumbers, phone } = checkout.request;
    const details = method.details({ device, customNumber: customNumbers[method.code], phone });
    return open(checkout, method, { device, details });
  }

  /** Opens an attempt by card; one without a further step is decided at once. */
  function chooseCard(checkout: Checkout, plan: CardPlan): Transaction {
    const step = plan.step === 'now' ? undefined : plan.step;
    return books.transaction(() => {
      const opened = open(checkout, getMethod('credit_card'), {
        device: 'desktop',
        details: plan.details,
        step,
        cardResult: plan.result,
      });
      return plan.step === 'now' ? decideCard(opened, plan.result) : opened;
    });
  }

  type Opening = { device: Device } & Pick<Transaction, 'details' | 'step' | 'cardResult'>;
  function open(checkout: Checkout, method: Method, { device, ...opening }: Opening): Transaction {
    return books.transaction(() => {
      requirePayable(checkout);
      const now = clock.now();
      const account = parts.accounts.get(checkout.merchantId);
      const paymentType = method.paymentType(device);
      const fee = customerFee({ checkout, account, method, paymentType });
      const transaction = transactions.insert({
        ...opening,
        token: checkout.token,
        merchantId: checkout.merchantId,
        orderId: checkout.orderId,
        method: method.code,
        paymentType,
        grossAmount: checkout.grossAmount + fee,
        fee,
        status: 'pending',
        // The one channel whose notifications are known to come without it.
        fraudStatus: method.code === 'indomaret' ? undefined : 'accept',
        createdAt: now,
        expiresAt: expiryOf(checkout, method, now),
        captureDueAt: opening.step === 'delayed' ? now + slowCardMs : undefined,
        captured: 0,
      });
      notifications.notify(transaction);
      return transaction;
    });
  }

  function requirePayable(checkout: Checkout): void {
    const { merchantId, orderId } = checkout;
    const statuses = transactions.listOfOrder(merchantId, orderId).map(({ status }) => status);
    if (statuses.includes('pending') || statuses.some(isSuccessful)) {
      throw new Refusal('transaction-processed', processed);
    }
    const isOpen = checkout.state === 'open' && clock.now() < checkout.expiresAt;
    const last = transactions
      .listOfOrder(merchantId, orderId)
      .findLast(({ token }) => token === checkout.token);
    if (!isOpen || last?.status === 'expire' || last?.status === 'cancel') {
      throw new Refusal('order-not-payable', 'This payment page is no longer valid.');
    }
  }

  function expiryOf({ request }: Checkout, method: Method, now: number): number {
    if (!method.takesExpiry || !request.expiry) return now + method.lifeMs;
    return (request.expiry.startsAt ?? now) + request.expiry.durationMs;
  }

  /** The shopper typed a one-time password; a wrong one is the end of the attempt. */
  function confirmOtp(transaction: Transaction, typed: string): Transaction {
    const result = typed === otp ? (transaction.cardResult ?? 'accept') : 'bank-deny';
    return decideCard(transaction, result);
  }

  function decideCard(transaction: Transaction, result: CardResult): Transaction {
    if (result === 'accept' || result === 'challenge') return acceptCard(transaction, result);
    const details = { ...transaction.details, ...decidedCardDetails(result, clock.now()) };
    const fraudStatus = result === 'fraud-deny' ? 'deny' : 'accept';
    return moveOn(transaction, { from: ['pending'], to: 'deny' }, { details, fraudStatus });
  }

  /** A card is good: it is captured, or only reserved where the merchant asked for that. */
  function acceptCard(transaction: Transaction, result: 'accept' | 'challenge'): Transaction {
    requireOnlyPayer(transaction);
    const now = clock.now();
    const { challengeCards, reserveCards, authorizeLifeSeconds } = settings.all();
    const details = { ...transaction.details, ...decidedCardDetails(result, now) };
    const { isAuthorizeOnly } = parts.checkouts.get(transaction.token).request;
    if (isAuthorizeOnly || reserveCards) {
      const expiresAt = now + authorizeLifeSeconds * 1000;
      return moveOn(transaction, { from: ['pending'], to: 'authorize' }, { details, expiresAt });
    }
    return moveOn(
      transaction,
      { from: ['pending'], to: 'capture' },
      {
        details,
        fraudStatus: challengeCards ? 'challenge' : result,
        captured: transaction.grossAmount,
        capturedAt: now,
        settleDueAt: nextSettlementRun(now),
      },
    );
  }

  /** The money arrives: cards are captured, all else is settled. */
  function pay(transaction: Transaction): Transaction {
    if (transaction.method === 'credit_card') return decideCard(transaction, 'accept');
    requireOnlyPayer(transaction);
    const now = clock.now();
    const settled = { captured: transaction.grossAmount, capturedAt: now, settledAt: now };
    const change = { ...settled, details: paidDetails(transaction, now) };
    return moveOn(transaction, { from: ['pending'], to: 'settlement' }, change);
  }

  function requireOnlyPayer({ merchantId, orderId, transactionId }: Transaction): void {
    const others = transactions.listOfOrder(merchantId, orderId);
    const isPaidElsewhere = others.some(
      (other) => other.transactionId !== transactionId && isSuccessful(other.status),
    );
    if (isPaidElsewhere) throw new Refusal('transaction-processed', processed);
  }

  function paidDetails(transaction: Transaction, at: number) {
    const receipt = { amount: amountText(transaction.grossAmount), at };
    const method = getMethod(transaction.method);
    return { ...transaction.details, ...method.paidDetails(transaction.paymentType, receipt) };
  }

  function deny(transaction: Transaction): Transaction {
    return moveOn(transaction, { from: ['pending', 'authorize'], to: 'deny' });
  }

  function cancel(transaction: Transaction): Transaction {
    return moveOn(transaction, { from: ['pending', 'authorize', 'capture'], to: 'cancel' });
  }

  /** By the merchant's call, or when its time is over. A reserved card ends by the clock only. */
  function expire(transaction: Transaction): Transaction {
    return moveOn(transaction, { from: ['pending'], to: 'expire' });
  }

  /** The bank takes a settled payment back. */
  function reverse(transaction: Transaction): Transaction {
    if (!allowsReversal(transaction.method)) {
      throw new Refusal('transaction-not-modifiable', 'This method has no reversals.');
    }
    return moveOn(transaction, { from: ['settlement'], to: 'deny' });
  }

  /** A bank lets money through at the edge: an expired attempt comes back as another, settled one. */
  function settleLate(expired: Transaction): Transaction {
    if (expired.status !== 'expire') {
      throw new Refusal('transaction-not-modifiable', `The attempt is ${expired.status}.`);
    }
    requireOnlyPayer(expired);
    return settleAnother(expired);
  }

  /** Two attempts were open at once, and the bank of the second lets money through as well. */
  function payBesides(paid: Transaction): Transaction {
    if (!isSuccessful(paid.status)) {
      throw new Refusal('transaction-not-modifiable', `The attempt is ${paid.status}.`);
    }
    return settleAnother(paid);
  }

  function settleAnother(earlier: Transaction): Transaction {
    const now = clock.now();
    return books.transaction(() => {
      const transaction = transactions.insert({
        ...earlier,
        status: 'settlement',
        // What is settled was let through, whatever became of the earlier one.
        fraudStatus: earlier.fraudStatus && 'accept',
        details: paidDetails(earlier, now),
        createdAt: now,
        captured: earlier.grossAmount,
        capturedAt: now,
        settledAt: now,
      });
      notifications.notify(transaction);
      return transaction;
    });
  }

  /** Every change of a state goes through here: it happens once, and it is told. */
  function moveOn(transaction: Transaction, step: Step, change?: Change): Transaction {
    return books.transaction(() => {
      const moved = transactions.move(transaction.transactionId, step, change);
      if (!moved) throw new Refusal('transaction-not-modifiable', processed);
      notifications.notify(moved);
      return moved;
    });
  }

  /** Does what has fallen due: slow cards first, since their minute is shorter than any expiry. */
  function run(now: number): void {
    for (const card of transactions.listDue('capture_due_at', 'pending', now)) {
      decideCard(card, card.cardResult ?? 'accept');
    }
    for (const reserved of transactions.listDue('expires_at', 'authorize', now)) {
      moveOn(reserved, { from: ['authorize'], to: 'expire' });
    }
    if (settings.all().stuckPending) return;
    for (const overdue of transactions.listDue('expires_at', 'pending', now)) expire(overdue);
  }

  function nextAt(after: number): number | undefined {
    const moments = [
      transactions.nextDue('capture_due_at', 'pending', after),
      transactions.nextDue('expires_at', 'authorize', after),
      transactions.nextDue('expires_at', 'pending', after),
    ].filter((moment) => moment !== undefined);
    return moments.length > 0 ? Math.min(...moments) : undefined;
  }

  return {
    choose,
    chooseCard,
    confirmOtp,
    pay,
    deny,
    cancel,
    expire,
    reverse,
    settleLate,
    payBesides,
    moveOn,
    run,
    nextAt,
  };
}
export type Payments = ReturnType<typeof createPayments>;
