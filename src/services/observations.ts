import type { TenantTx } from '../db/database.ts';
import {
  type Decision,
  decide,
  fraudHold,
  isOpen,
  mayStartAgain,
} from '../domain/payment-states.ts';
import type { Observation } from '../providers/payment-provider.ts';
import * as orderEvents from '../repositories/order-events.ts';
import type { Order } from '../repositories/orders.ts';
import * as orders from '../repositories/orders.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import {
  type BookedCause,
  followPayments,
  movePayment,
  positionOf,
  queueEnd,
} from './order-changes.ts';
import { followRefunds, type RefundNews } from './refund-tracking.ts';

export type Applied = {
  readonly kind: 'moved' | 'stayed' | 'illegal';
  readonly detail: string;
};

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
  const current = await payments.get(tx, payment.id);
  const found = { order, payment: current, observation, cause };

  const mismatch = mismatchIn(current, observation);
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
      return refuse(tx, change, decision.why);
    case 'stay':
      await noteUnmoved(tx, change, decision.attention);
      return { kind: 'stayed', detail: decision.why };
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
  { order, payment, observation, cause }: Change,
  { to, attention }: { to: Payment['status']; attention?: string },
): Promise<Applied> {
  const refundedAmount = refundedAfter(payment, observation);
  const { transactionId, method = payment.method } = observation;
  const isSameAttempt = transactionId === payment.transactionId;
  const isSameSum = refundedAmount === payment.refundedAmount;
  if (to === payment.status && isSameAttempt && isSameSum) {
    return { kind: 'stayed', detail: 'known already' };
  }
  const moved = { status: to, transactionId, method, refundedAmount };
  await movePayment(tx, payment, moved, { ...cause, detail: attention });
  const isReleased = payment.status === 'challenged' && order.attentionReason === fraudHold;
  const held = isReleased ? { ...order, attentionReason: undefined } : order;
  await followPayments(tx, held, { cause, attention });
  return { kind: 'moved', detail: `${payment.status} to ${to}` };
}

/**
 * Takes refunds back that the bank refused after the provider had accepted them: the money never
 * left, so the payment has it again. A merchant who was told of a refund has to know. What else the
 * books tell is written in the same move: rows that many orders share are locked once a transaction,
 * and always in the same order.
 */
async function takeBack(
  tx: TenantTx,
  found: Change,
  { refusedAmount, isWaiting }: RefundNews,
): Promise<Applied> {
  const { order, payment, observation, cause } = found;
  const change = { ...found, payment: withoutRefund(found, refusedAmount) };
  const decision = decideAbout(change, isWaiting);
  const refusal = `The bank refused refunds of ${refusedAmount} that the provider had accepted.`;
  const attention =
    decision.kind === 'illegal' ? `${refusal} ${contradiction(found, decision.why)}` : refusal;
  const next =
    decision.kind === 'move'
      ? { status: decision.to, refundedAmount: refundedAfter(change.payment, observation) }
      : change.payment;
  const { status, refundedAmount } = next;
  if (status === payment.status && refundedAmount === payment.refundedAmount) {
    await orders.update(tx, order, { attentionReason: attention });
    return { kind: 'stayed', detail: 'refunds were refused' };
  }
  const { transactionId, method = payment.method } = observation;
  const moved = { status, transactionId, method, refundedAmount };
  await movePayment(tx, payment, moved, { ...cause, detail: attention });
  await followPayments(tx, order, { cause, attention });
  return { kind: 'moved', detail: `${payment.status} to ${status}` };
}

/** The payment as it is once those refunds are taken back, of which the books may have had none. */
function withoutRefund({ payment, observation }: Change, refusedAmount: bigint): Payment {
  const isReturned = payment.status === 'refunded' || payment.status === 'partially_refunded';
  const left = payment.refundedAmount - refusedAmount;
  const told = observation.refundedAmount ?? 0n;
  const refundedAmount = left > told ? left : told;
  if (!isReturned || refundedAmount >= payment.refundedAmount) return payment;
  return {
    ...payment,
    status: refundedAmount === 0n ? 'paid' : 'partially_refunded',
    refundedAmount,
  };
}

/** The books have less refunded than we do. */
function isShort({ payment, observation }: Change): boolean {
  const { state, refundedAmount = state === 'paid' ? 0n : undefined } = observation;
  return refundedAmount !== undefined && refundedAmount < payment.refundedAmount;
}

/** The refunds' sum grows only: messages may come late and in any order. */
function refundedAfter(payment: Payment, observation: Observation): bigint {
  const observed = observation.refundedAmount ?? payment.refundedAmount;
  return observed > payment.refundedAmount ? observed : payment.refundedAmount;
}

function mismatchIn(payment: Payment, { money, refundedAmount = 0n }: Observation) {
  if (money.currency !== payment.money.currency) return 'the currency differs from the order';
  if (money.amount !== payment.money.amount) return 'the amount differs from the order';
  if (refundedAmount > payment.money.amount) return 'more was refunded than paid';
  return undefined;
}

/** News that moves nothing but belongs to the history, once: an attempt began, was refused, paid too. */
async function noteUnmoved(tx: TenantTx, change: Change, attention: string | undefined) {
  const { order, payment, observation, cause } = change;
  // Whoever asked by itself ends it by itself.
  const isTold = cause.source === 'notification';
  if (isTold && isRevived(payment, observation)) await queueEnd(tx, payment, cause);
  const isNew = isNewAttempt(payment, observation);
  if (!isNew && !attention && observation.state !== 'denied') return;
  const { transactionId, method } = observation;
  const note = { orderId: order.id, kind: kindOf(observation), reference: transactionId };
  if (await orderEvents.has(tx, note)) return;
  if (attention) await orders.update(tx, order, { attentionReason: attention });
  if (isNew) {
    const { status } = payment;
    const position = positionOf(payment);
    const isFinished = !isOpen(status);
    await payments.move(tx, payment, { status, transactionId, method, position, isFinished });
    await followPayments(tx, order, { cause, attention });
  }
  await appendEvent(tx, change, attention);
}

/** What cannot be is written down for a person, once, and changes nothing. */
async function refuse(tx: TenantTx, change: Change, why: string): Promise<Applied> {
  const detail = contradiction(change, why);
  if (change.order.attentionReason !== detail) {
    await orders.update(tx, change.order, { attentionReason: detail });
    await appendEvent(tx, change, detail);
  }
  return { kind: 'illegal', detail: why };
}

function contradiction({ observation }: Change, why: string): string {
  return `The provider says ${observation.state}, but ${why}.`;
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
