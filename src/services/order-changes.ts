import type { TenantTx } from '../db/database.ts';
import type { MailKind } from '../domain/jobs.ts';
import {
  decide,
  hasMoney,
  isOpen,
  type OrderStatus,
  orderAfter,
} from '../domain/payment-states.ts';
import type { Observation } from '../providers/payment-provider.ts';
import * as dailyStats from '../repositories/daily-stats.ts';
import * as orderEvents from '../repositories/order-events.ts';
import type { Order } from '../repositories/orders.ts';
import * as orders from '../repositories/orders.ts';
import * as outbox from '../repositories/outbox.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';

/** Why something changes, for the history. */
export type Cause = {
  readonly source: orderEvents.EventSource;
  readonly requestId?: string | undefined;
};

export type Applied = {
  readonly kind: 'moved' | 'stayed' | 'illegal';
  readonly detail: string;
};

/**
 * Writes what the provider's books say about a payment, with everything that follows from it, in
 * one transaction. Every way of learning it ends here: notification, check, and a repeated create.
 */
export async function applyObservation(
  tx: TenantTx,
  payment: Payment,
  observation: Observation,
  cause: Cause,
): Promise<Applied> {
  // The order's lock makes all news about one order queue up; what was read before it is old.
  const order = await orders.lock(tx, payment.orderId);
  const current = await payments.get(tx, payment.id);

  const mismatch = mismatchIn(current, observation);
  if (mismatch) return refuse(tx, { order, payment: current, observation, cause, why: mismatch });

  const decision = decide(current, observation);
  switch (decision.kind) {
    case 'illegal':
      return refuse(tx, { order, payment: current, observation, cause, why: decision.why });
    case 'stay':
      await noteUnmoved(tx, { order, payment: current, observation, cause }, decision.attention);
      return { kind: 'stayed', detail: decision.why };
    case 'move':
      return move(tx, { order, payment: current, observation, cause }, decision);
    default:
      return decision satisfies never;
  }
}

type Change = {
  readonly order: Order;
  readonly payment: Payment;
  readonly observation: Observation;
  readonly cause: Cause;
};

async function move(
  tx: TenantTx,
  change: Change,
  { to, attention }: { to: Payment['status']; attention?: string },
): Promise<Applied> {
  const { order, payment, observation, cause } = change;
  const refundedAmount = refundedAfter(payment, observation);
  if (to === payment.status && refundedAmount === payment.refundedAmount) {
    return { kind: 'stayed', detail: 'known already' };
  }
  await payments.move(tx, payment, {
    status: to,
    transactionId: observation.transactionId,
    method: observation.method ?? payment.method,
    refundedAmount,
    isFinished: !isOpen(to),
  });
  await orderEvents.append(tx, {
    orderId: order.id,
    paymentId: payment.id,
    kind: 'payment-moved',
    fromStatus: payment.status,
    toStatus: to,
    reference: observation.transactionId,
    ...(attention && { detail: attention }),
    ...cause,
  });
  const latest = await payments.findLatest(tx, order.id);
  const isLatest = latest?.id === payment.id;
  const status = orderAfter(order.status, { from: payment.status, to, isLatest });
  const isPaidTwice = hasMoney(order.status) && hasMoney(to) && !hasMoney(payment.status);
  await changeOrder(tx, order, {
    status,
    refundedAmount: isPaidTwice ? order.refundedAmount : refundedAmount,
    attentionReason: isPaidTwice ? 'Two payments paid the same order.' : attention,
    // A page that its shopper never got to see is no news to the shopper.
    mail: payment.token !== undefined || hasMoney(to) ? mailAbout(status) : undefined,
    cause,
  });
  return { kind: 'moved', detail: `${payment.status} to ${to}` };
}

type OrderChange = {
  readonly status: OrderStatus;
  readonly refundedAmount?: bigint;
  readonly attentionReason?: string | undefined;
  readonly quotaPeriod?: string | undefined;
  readonly mail?: MailKind | undefined;
  readonly cause: Cause;
};

/**
 * Moves an order, whose row the caller has locked, with its history, its mail and its place in the
 * statistics. The statistics come last: all orders of a day share those rows.
 */
export async function changeOrder(tx: TenantTx, order: Order, change: OrderChange): Promise<Order> {
  const next = await orders.update(tx, order, {
    status: change.status,
    refundedAmount: change.refundedAmount ?? order.refundedAmount,
    attentionReason: change.attentionReason ?? order.attentionReason,
    paidAt: order.paidAt ?? (change.status === 'paid' ? new Date() : undefined),
    ...('quotaPeriod' in change && { quotaPeriod: change.quotaPeriod }),
  });
  if (next.status === order.status && next.refundedAmount === order.refundedAmount) return next;
  if (next.status !== order.status) {
    await orderEvents.append(tx, {
      orderId: order.id,
      kind: 'order-moved',
      fromStatus: order.status,
      toStatus: next.status,
      ...change.cause,
    });
    if (change.mail) await queueMail(tx, order, change.mail, change.cause);
  }
  await dailyStats.recount(tx, { before: toCounted(order), after: toCounted(next) });
  return next;
}

/** Ends a page that nobody used before its time was up: nothing of it is in the provider's books. */
export async function expireUnused(tx: TenantTx, payment: Payment, cause: Cause): Promise<void> {
  const order = await orders.lock(tx, payment.orderId);
  const current = await payments.get(tx, payment.id);
  if (!isOpen(current.status) || current.isLeased || current.transactionId) return;
  await payments.move(tx, current, {
    status: 'expired',
    transactionId: undefined,
    method: current.method,
    refundedAmount: 0n,
    isFinished: true,
  });
  const latest = await payments.findLatest(tx, order.id);
  const status = orderAfter(order.status, {
    from: current.status,
    to: 'expired',
    isLatest: latest?.id === current.id,
  });
  await changeOrder(tx, order, { status, mail: current.token ? 'expired' : undefined, cause });
}

/** Has the shopper told, once this transaction is committed. */
export async function queueMail(tx: TenantTx, order: Order, kind: MailKind, cause: Cause) {
  await outbox.add(tx, {
    topic: 'order-mail',
    payload: { orderId: order.id, kind, requestId: cause.requestId },
  });
}

/** How the statistics count an order. */
export function toCounted(order: Order) {
  return {
    day: order.businessDay,
    currency: order.money.currency,
    status: order.status,
    amount: order.money.amount,
    refundedAmount: order.refundedAmount,
  };
}

function mailAbout(status: OrderStatus): MailKind | undefined {
  return status === 'paid' || status === 'failed' || status === 'expired' ? status : undefined;
}

/** The refunds' sum grows only: messages may come late and in any order. */
function refundedAfter(payment: Payment, observation: Observation): bigint {
  const observed =
    observation.refundedAmount ??
    (observation.state === 'refunded' ? payment.money.amount : payment.refundedAmount);
  return observed > payment.refundedAmount ? observed : payment.refundedAmount;
}

function mismatchIn(payment: Payment, { money, refundedAmount = 0n }: Observation) {
  if (money.currency !== payment.money.currency) return 'the currency differs from the order';
  if (money.amount !== payment.money.amount) return 'the amount differs from the order';
  if (refundedAmount > payment.money.amount) return 'more was refunded than paid';
  return undefined;
}

function isNewAttempt(payment: Payment, { state, transactionId }: Observation): boolean {
  return (
    state === 'pending' && payment.status === 'pending' && payment.transactionId !== transactionId
  );
}

/** News that moves nothing but belongs to the history, once: an attempt began, was refused, paid too. */
async function noteUnmoved(tx: TenantTx, change: Change, attention: string | undefined) {
  const { order, payment, observation } = change;
  const isNew = isNewAttempt(payment, observation);
  if (!isNew && !attention && observation.state !== 'denied') return;
  const note = {
    orderId: order.id,
    kind: kindOf(observation),
    reference: observation.transactionId,
  };
  if (await orderEvents.has(tx, note)) return;
  if (attention) await orders.update(tx, order, { attentionReason: attention });
  if (isNew) {
    await payments.move(tx, payment, {
      status: payment.status,
      transactionId: observation.transactionId,
      method: observation.method,
      refundedAmount: payment.refundedAmount,
      isFinished: false,
    });
  }
  await appendEvent(tx, change, attention);
}

function kindOf(observation: Observation): string {
  return `attempt-${observation.state}`;
}

async function refuse(tx: TenantTx, change: Change & { why: string }): Promise<Applied> {
  const detail = `The provider says ${change.observation.state}, but ${change.why}.`;
  if (change.order.attentionReason !== detail) {
    await orders.update(tx, change.order, { attentionReason: detail });
    await appendEvent(tx, change, detail);
  }
  return { kind: 'illegal', detail: change.why };
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
