import type { TenantTx } from '../db/database.ts';
import { type AttentionReason, attentionSentences } from '../domain/attention.ts';
import {
  type Decision,
  decide,
  hasMoney,
  isOpen,
  mayStartAgain,
  type PaymentStatus,
} from '../domain/payment-states.ts';
import type { Observation } from '../providers/payment-provider.ts';
import * as attentionItems from '../repositories/attention-items.ts';
import * as orderEvents from '../repositories/order-events.ts';
import type { Order } from '../repositories/orders.ts';
import * as orders from '../repositories/orders.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import {
  feeAfter,
  isShort,
  type Mismatch,
  mismatchIn,
  refundedAfter,
  withoutRefund,
} from './observed-sums.ts';
import {
  type BookedCause,
  followPayments,
  movePayment,
  positionOf,
  queueEnd,
} from './order-changes.ts';
import { followRefunds, type RefundNews } from './refund-tracking.ts';

export type Applied =
  | { readonly kind: 'moved' | 'stayed'; readonly detail: string }
  | { readonly kind: 'illegal'; readonly reason: AttentionReason; readonly detail: string };

type Change = {
  readonly order: Order;
  readonly payment: Payment;
  readonly observation: Observation;
  readonly cause: BookedCause;
};

/**
 * Writes what the provider's books say about a payment, with everything that follows from it, in
 * one transaction. Every way of learning it ends here: notification, check, and a repeated create.
 */
export async function applyObservation(
  tx: TenantTx,
  payment: Payment,
  observation: Observation,
  cause: BookedCause,
): Promise<Applied> {
  // The order's lock makes all news about one order queue up; what was read before it is old.
  const order = await orders.lock(tx, payment.orderId);
  const current = await payments.getOfTransaction(tx, payment, observation.transactionId);
  return applyTo(tx, { order, payment: current, observation, cause });
}

async function applyTo(tx: TenantTx, found: Change): Promise<Applied> {
  const { observation } = found;
  const mismatch = mismatchIn(found.payment, observation);
  if (mismatch) return refuse(tx, found, mismatch);
  const { refusedAmount, isWaiting } = await followRefunds(tx, found);
  return refusedAmount > 0n
    ? takeBack(tx, found, { refusedAmount, isWaiting })
    : follow(tx, found, isWaiting);
}

async function follow(tx: TenantTx, change: Change, isWaiting: boolean): Promise<Applied> {
  const decision = decideAbout(change, isWaiting);
  switch (decision.kind) {
    case 'illegal':
      return refuse(tx, change, { reason: 'news-that-cannot-be', why: decision.why });
    case 'stay':
      await noteUnmoved(tx, change);
      return { kind: 'stayed', detail: decision.why };
    case 'further':
      return applyTo(tx, { ...change, payment: await addFurther(tx, change) });
    case 'move':
      return move(tx, change, decision);
    default:
      return decision satisfies never;
  }
}

function decideAbout(change: Change, isWaiting: boolean): Decision {
  return isWaiting && isShort(change)
    ? { kind: 'stay', why: 'an accepted refund is not in the books' }
    : decide(change.payment, change.observation);
}

/** Another attempt took money, too: from now on all news of its transaction is about its own row. */
async function addFurther(tx: TenantTx, change: Change): Promise<Payment> {
  const { payment, observation, cause } = change;
  const { orderId, id: paymentId } = payment;
  const { transactionId: about, state } = observation;
  const detail = `The provider decided: transaction ${about} is ${state}.`;
  await attentionItems.withdraw(tx, { orderId, paymentId, reason: 'fraud-hold', detail, about });
  const further = await payments.insertFurther(tx, payment, about);
  if (mayStartAgain(payment.status)) {
    await raise(tx, { ...change, payment: further }, { reason: 'late-money' });
  }
  await orderEvents.append(tx, {
    orderId,
    paymentId: further.id,
    kind: 'payment-started',
    toStatus: further.status,
    reference: about,
    ...cause,
  });
  return further;
}

/** The shopper began another attempt on the provider's page. */
export function isNewAttempt(payment: Payment, { state, transactionId }: Observation): boolean {
  const { status } = payment;
  return state === 'pending' && status === 'pending' && payment.transactionId !== transactionId;
}

/** Something can be paid at the provider that was ours and that we had given up. */
export function isRevived(payment: Payment, { state }: Observation): boolean {
  const wasOurs = payment.token !== undefined || payment.transactionId !== undefined;
  return state === 'pending' && wasOurs && mayStartAgain(payment.status);
}

async function move(
  tx: TenantTx,
  change: Change,
  { to, attention }: Extract<Decision, { kind: 'move' }>,
): Promise<Applied> {
  const { order, payment, observation, cause } = change;
  const refundedAmount = refundedAfter(payment, observation);
  const { transactionId, method = payment.method } = observation;
  const isSameAttempt = transactionId === payment.transactionId;
  const isSameSum = refundedAmount === payment.refundedAmount;
  if (to === payment.status && isSameAttempt && isSameSum) {
    return { kind: 'stayed', detail: 'known already' };
  }
  const customerFee = feeAfter(change, to);
  const moved = { status: to, transactionId, method, customerFee, refundedAmount };
  const detail = attention.map((reason) => attentionSentences[reason]).join(' ') || undefined;
  await movePayment(tx, payment, moved, { ...cause, detail });
  await watchMove(tx, change, { to, attention, customerFee });
  await followPayments(tx, order, { cause, before: payment });
  return { kind: 'moved', detail: `${payment.status} to ${to}` };
}

type Watched = {
  readonly to: PaymentStatus;
  readonly attention: readonly AttentionReason[];
  readonly customerFee: bigint;
};

/** Tells a person what a move is odd in, and takes back what it has settled. */
async function watchMove(tx: TenantTx, change: Change, { to, attention, customerFee }: Watched) {
  const { payment, observation } = change;
  const { orderId, id: paymentId } = payment;
  for (const reason of attention) await raise(tx, change, { reason });
  if (customerFee > 0n && hasMoney(to)) {
    await raise(tx, change, {
      reason: 'fee-on-top',
      why: `the shopper paid ${customerFee} on top, ${observation.money.amount} in all`,
    });
    const about = observation.transactionId;
    const detail = `The provider's books have the fee of ${about} now.`;
    const reason = 'amount-differs';
    await attentionItems.withdraw(tx, { orderId, paymentId, reason, detail, about });
  }
  // Another attempt that pays decides nothing about the one that is held.
  const isHeld = payment.status === 'challenged';
  if (isHeld && payment.transactionId === observation.transactionId) {
    const detail = `The provider decided: the payment is ${to}.`;
    await attentionItems.settle(tx, { orderId, paymentId, reason: 'fraud-hold', detail });
  }
}

/**
 * Takes refunds back that the bank refused after the provider had accepted them: the money never
 * left, so the payment has it again. What else the books tell is written in the same move: rows that
 * many orders share are locked once a transaction, and always in the same order.
 */
async function takeBack(
  tx: TenantTx,
  found: Change,
  { refusedAmount, isWaiting }: RefundNews,
): Promise<Applied> {
  const { order, payment, observation, cause } = found;
  const change = { ...found, payment: withoutRefund(found, refusedAmount) };
  const decision = decideAbout(change, isWaiting);
  if (decision.kind === 'illegal') {
    await refuse(tx, found, { reason: 'news-that-cannot-be', why: decision.why });
  }
  const { status, refundedAmount } =
    decision.kind === 'move'
      ? { status: decision.to, refundedAmount: refundedAfter(change.payment, observation) }
      : change.payment;
  if (status === payment.status && refundedAmount === payment.refundedAmount) {
    return { kind: 'stayed', detail: 'refunds were refused' };
  }
  const { transactionId, method = payment.method } = observation;
  const customerFee = feeAfter(change, status);
  const moved = { status, transactionId, method, customerFee, refundedAmount };
  const detail = `The bank refused refunds of ${refusedAmount} that the provider had accepted.`;
  await movePayment(tx, payment, moved, { ...cause, detail });
  await followPayments(tx, order, { cause, before: payment });
  return { kind: 'moved', detail: `${payment.status} to ${status}` };
}

/** News that moves nothing but belongs to the history, once: an attempt began, or was refused. */
async function noteUnmoved(tx: TenantTx, change: Change) {
  const { order, payment, observation, cause } = change;
  // Whoever asked by itself ends it by itself.
  const isTold = cause.source === 'notification';
  if (isTold && isRevived(payment, observation)) await queueEnd(tx, payment, cause);
  const isNew = isNewAttempt(payment, observation);
  if (!isNew && observation.state !== 'denied') return;
  const { transactionId, method } = observation;
  const note = { orderId: order.id, kind: kindOf(observation), reference: transactionId };
  if (await orderEvents.has(tx, note)) return;
  if (isNew) {
    const { status, customerFee } = payment;
    const position = positionOf(payment);
    const isFinished = !isOpen(status);
    const noted = { status, transactionId, method, customerFee, position, isFinished };
    await payments.move(tx, payment, noted);
    await followPayments(tx, order, { cause, before: payment });
  }
  await appendEvent(tx, change, undefined);
}

/** What cannot be is written down for a person, once, and changes nothing. */
async function refuse(tx: TenantTx, change: Change, mismatch: Mismatch): Promise<Applied> {
  const { state } = change.observation;
  const why = `the provider says ${state}, but ${mismatch.why}`;
  const isNew = await raise(tx, change, { reason: mismatch.reason, why });
  if (isNew) await appendEvent(tx, change, `The provider says ${state}, but ${mismatch.why}.`);
  return { kind: 'illegal', reason: mismatch.reason, detail: mismatch.why };
}

/** In the same words for the same news, which is a fact for a person once. */
async function raise(
  tx: TenantTx,
  { order, payment, observation }: Change,
  { reason, why }: { readonly reason: AttentionReason; readonly why?: string },
): Promise<boolean> {
  const { transactionId, state, money } = observation;
  return attentionItems.raise(tx, {
    orderId: order.id,
    paymentId: payment.id,
    reason,
    detail: `Transaction ${transactionId} of ${money.amount} ${money.currency}: ${why ?? state}.`,
  });
}

async function appendEvent(tx: TenantTx, change: Change, detail: string | undefined) {
  await orderEvents.append(tx, {
    orderId: change.order.id,
    paymentId: change.payment.id,
    kind: kindOf(change.observation),
    reference: change.observation.transactionId,
    ...(detail && { detail }),
    ...change.cause,
  });
}

function kindOf(observation: Observation): string {
  return `attempt-${observation.state}`;
}
