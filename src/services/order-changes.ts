import type { TenantTx } from '../db/database.ts';
import { bySystem, type Origin } from '../domain/caller.ts';
import type { MailKind } from '../domain/jobs.ts';
import { type Position, positionAfter, transfersBetween } from '../domain/ledger.ts';
import { localDate } from '../domain/local-time.ts';
import {
  hasMoney,
  isOpen,
  mayStartAgain,
  type OrderStatus,
  orderStandOf,
  type PaymentStatus,
  paymentTransitions,
} from '../domain/payment-states.ts';
import * as customerTotals from '../repositories/customer-totals.ts';
import * as dailyStats from '../repositories/daily-stats.ts';
import * as ledger from '../repositories/ledger.ts';
import * as orderEvents from '../repositories/order-events.ts';
import type { Order } from '../repositories/orders.ts';
import * as orders from '../repositories/orders.ts';
import * as outbox from '../repositories/outbox.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import * as usageCounters from '../repositories/usage-counters.ts';
import { watchDoublePayment } from './attention.ts';

/** Why something changes, for the history. */
export type Cause = {
  readonly source: orderEvents.EventSource;
  readonly requestId?: string | undefined;
  /** Whose wish it is, for the audit log; without one Kassa does it by itself. */
  readonly origin?: Origin | undefined;
};

/** What Kassa is called in the audit log when it acts by itself. */
const ownNames: Readonly<Record<orderEvents.EventSource, string>> = {
  api: 'api',
  notification: 'notification',
  check: 'sweep',
  reconciliation: 'reconciliation',
};

export function originOfCause({ source, requestId = 'none', origin }: Cause): Origin {
  return origin ?? bySystem(ownNames[source], requestId);
}

/** A cause with the tenant's time zone, whose days the books are kept in. */
export type BookedCause = Cause & { readonly timeZone: string };

/**
 * Makes an order, whose row the caller has locked, what its payments say, with everything that
 * follows: history, mail, statistics, quota, and an end to pages that must not be paid any more.
 * Called after every change of a payment; the one place where an order's status comes from.
 * `before` is the payment that changed, as it was, when its change can concern money.
 */
export async function followPayments(
  tx: TenantTx,
  order: Order,
  { cause, before }: { cause: Cause; before?: Payment },
): Promise<void> {
  const all = await payments.listOfOrder(tx, order.id);
  if (before) await watchDoublePayment(tx, before, all);
  const { status, payment } = orderStandOf(all);
  if (hasMoney(status)) await endOpenPages(tx, all, cause);
  const hadPage = all.some(({ token }) => token !== undefined);
  const givesBack = mayStartAgain(status) && !hadPage ? order.quotaPeriod : undefined;
  await changeOrder(tx, order, {
    status,
    refundedAmount: refundedSaleOf(payment),
    quotaPeriod: givesBack ? undefined : order.quotaPeriod,
    mail: mailAbout({ before: order.status, status, hadPage, cause }),
    payment,
    cause,
  });
  if (givesBack) await usageCounters.giveBack(tx, givesBack);
}

type OrderChange = {
  readonly status: OrderStatus;
  readonly refundedAmount: bigint;
  readonly quotaPeriod: string | undefined;
  readonly mail?: MailKind | undefined;
  /** The payment that the order now goes by. */
  readonly payment: Payment;
  readonly cause: Cause;
};

/** Writes a changed order. The statistics come last: all orders of a day share those rows. */
export async function changeOrder(tx: TenantTx, order: Order, change: OrderChange): Promise<Order> {
  const { status, refundedAmount, quotaPeriod, mail, payment, cause } = change;
  const method = payment.method ?? order.paymentMethod;
  const next = await orders.update(tx, order, {
    status,
    refundedAmount,
    method,
    quotaPeriod,
    paidAt: order.paidAt ?? (status === 'paid' ? new Date() : undefined),
  });
  if (status !== order.status) {
    await orderEvents.append(tx, {
      orderId: order.id,
      kind: 'order-moved',
      fromStatus: order.status,
      toStatus: status,
      ...cause,
    });
    if (mail) await queueMail(tx, payment, mail, cause);
  }
  const isRecounted =
    status !== order.status || refundedAmount !== order.refundedAmount || method !== order.method;
  if (isRecounted) await countOrder(tx, next, order);
  return next;
}

/** Counts an order in the statistics, no longer as what it was. Last: many orders share the rows. */
export async function countOrder(tx: TenantTx, order: Order, was?: Order): Promise<void> {
  const change = { after: toCounted(order), ...(was && { before: toCounted(was) }) };
  await customerTotals.recount(tx, change);
  await dailyStats.recount(tx, change);
}

/** Ends a payment that the provider has nothing of, and cannot get anything of any more. */
export async function expirePayment(
  tx: TenantTx,
  payment: Payment,
  cause: BookedCause,
): Promise<void> {
  const order = await orders.lock(tx, payment.orderId);
  const current = await payments.get(tx, payment.id);
  // A new page may have been made since the provider was asked.
  if (!isOpen(current.status) || current.isLeased || current.token !== payment.token) return;
  await movePayment(tx, current, { ...current, status: 'expired' }, cause);
  await followPayments(tx, order, { cause });
}

type Moved = Pick<
  Payment,
  'status' | 'transactionId' | 'method' | 'customerFee' | 'refundedAmount'
>;

/** Writes a payment's new state, its line of history, and what that means for the books. */
export async function movePayment(
  tx: TenantTx,
  payment: Payment,
  { status, transactionId, method, customerFee, refundedAmount }: Moved,
  { timeZone, ...cause }: BookedCause & { readonly detail?: string | undefined },
): Promise<void> {
  if (status !== payment.status && !paymentTransitions[payment.status].includes(status)) {
    throw new Error(`Payment ${payment.id} cannot go from ${payment.status} to ${status}.`);
  }
  const { amount, currency } = payment.money;
  const before = positionOf(payment);
  const position = positionAfter(before, { to: status, amount, fee: customerFee, refundedAmount });
  await payments.move(tx, payment, {
    status,
    transactionId,
    method,
    customerFee,
    position,
    isFinished: !isOpen(status),
    lateCheckSeconds: lateCheckSecondsOf(status),
  });
  await ledger.post(tx, {
    transfers: transfersBetween(before, position),
    currency,
    orderId: payment.orderId,
    paymentId: payment.id,
    day: localDate(new Date(), timeZone).day,
  });
  await orderEvents.append(tx, {
    orderId: payment.orderId,
    paymentId: payment.id,
    kind: 'payment-moved',
    fromStatus: payment.status,
    toStatus: status,
    reference: transactionId,
    ...cause,
  });
}

/** When to ask again about a payment that ended without money: some banks settle afterwards. */
export function lateCheckSecondsOf(status: PaymentStatus): number | undefined {
  return mayStartAgain(status) ? 86_400 : undefined;
}

/** What became of a payment's money, as its row says. */
export function positionOf(payment: Payment): Position {
  const { customerFee, capturedAmount, refundedAmount, lostAmount } = payment;
  const fee = capturedAmount > 0n ? customerFee : 0n;
  return { captured: capturedAmount, fee, refunded: refundedAmount, lost: lostAmount };
}

/** Has the shopper told, once this transaction is committed. */
export async function queueMail(tx: TenantTx, payment: Payment, kind: MailKind, cause: Cause) {
  const { id: paymentId, orderId } = payment;
  const payload = { orderId, paymentId, kind, requestId: cause.requestId };
  await outbox.add(tx, { topic: 'order-mail', payload });
}

/** Has a payment's page ended at the provider, once this transaction is committed. */
export async function queueEnd(tx: TenantTx, payment: Payment, cause: Cause): Promise<void> {
  const payload = { paymentId: payment.id, requestId: cause.requestId };
  await outbox.add(tx, { topic: 'payment-end', payload });
}

function toCounted(order: Order) {
  return {
    customerId: order.customerId,
    day: order.businessDay,
    currency: order.money.currency,
    status: order.status,
    method: order.method,
    amount: order.money.amount,
    refundedAmount: order.refundedAmount,
  };
}

/** The order is paid: whoever still has another page of it open must not pay it again. */
async function endOpenPages(tx: TenantTx, all: readonly Payment[], cause: Cause): Promise<void> {
  for (const payment of all) {
    if (isOpen(payment.status)) await queueEnd(tx, payment, cause);
  }
}

/** What went back of the order's own amount; a refund may give a fee on top back, too. */
function refundedSaleOf({ money, refundedAmount }: Payment): bigint {
  return refundedAmount < money.amount ? refundedAmount : money.amount;
}

type MailFacts = {
  readonly before: OrderStatus;
  readonly status: OrderStatus;
  readonly hadPage: boolean;
  readonly cause: Cause;
};

/** What became of an order is news to its shopper, unless nobody ever showed them a page. */
function mailAbout({ before, status, hadPage, cause }: MailFacts): MailKind | undefined {
  if (cause.source === 'api' || !(hadPage || hasMoney(status))) return undefined;
  // A refund that the bank took back makes the order paid again, which its shopper knows.
  if (status === 'paid' && hasMoney(before)) return undefined;
  return status === 'paid' || status === 'failed' || status === 'expired' ? status : undefined;
}
