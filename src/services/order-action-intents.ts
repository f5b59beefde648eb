import type { TenantTx } from '../db/database.ts';
import type { Origin } from '../domain/caller.ts';
import type { OrderActionId, OrderReference } from '../domain/ids.ts';
import { type OrderActionKind, wordOf } from '../domain/order-actions.ts';
import { hasMoney, isOpen, orderStandOf } from '../domain/payment-states.ts';
import { Problem } from '../domain/problems.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import type { OrderAction } from '../repositories/order-actions.ts';
import * as orderActions from '../repositories/order-actions.ts';
import * as orderEvents from '../repositories/order-events.ts';
import type { Order } from '../repositories/orders.ts';
import * as orders from '../repositories/orders.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';

export type ActionIntent = {
  readonly reference: OrderReference;
  /** The same id again is the same action. */
  readonly actionId: OrderActionId;
  /** That id is the request's own, so that a repetition is told by it and by nothing else. */
  readonly isKeyed: boolean;
  readonly reason: string | undefined;
  readonly origin: Origin;
};

type Wish = ActionIntent & { readonly word: 'cancel' | 'capture' };
type Lease = { readonly leaseId: string; readonly leaseMs: number };
type Choice = { readonly kind: OrderActionKind; readonly targets: readonly Payment[] };

/**
 * Writes down what a merchant wants done to an order, and to which of its payments, under the
 * order's lock; or finds what this request has asked for before. One that has no end yet is the
 * caller's to go on with.
 *
 * @throws Problem `order-not-found`, `order-not-cancellable`, `order-not-capturable`,
 *   `payment-in-progress`, `order-change-in-progress`
 */
export async function openAction(tx: TenantTx, wish: Wish, lease: Lease): Promise<OrderAction> {
  const order = await orders.lockByReference(tx, wish.reference);
  if (!order) throw new Problem('order-not-found', `There is no order ${wish.reference}.`);
  const action = (await findAction(tx, order, wish)) ?? (await insertAction(tx, order, wish));
  if (action.status !== 'requested') return action;
  const claimed = await orderActions.claim(tx, action.id, lease);
  if (claimed) return claimed;
  throw inProgress();
}

/** While an action has no end, an equal request without a key is taken for its repetition. */
async function findAction(tx: TenantTx, order: Order, { actionId, isKeyed, word }: Wish) {
  const own = await orderActions.find(tx, actionId);
  if (own) return own;
  const open = await orderActions.findOpen(tx, order.id);
  if (!open || (!isKeyed && wordOf(open.kind) === word)) return open;
  throw inProgress();
}

async function insertAction(tx: TenantTx, order: Order, wish: Wish): Promise<OrderAction> {
  const all = await payments.listOfOrder(tx, order.id);
  const { kind, targets } =
    wish.word === 'cancel' ? chooseCancelled(order, all) : await chooseCaptured(tx, order, all);
  const { actionId, reason, origin } = wish;
  for (const payment of targets) {
    await orderEvents.append(tx, {
      orderId: order.id,
      paymentId: payment.id,
      kind: `${wish.word}-requested`,
      source: 'api',
      fromStatus: payment.status,
      reference: payment.transactionId ?? payment.reference,
      detail: reason,
      requestId: origin.requestId,
    });
  }
  await auditEntries.append(tx, tx.tenantId, origin, {
    action: `order.${wish.word}-requested`,
    subject: { kind: 'order', id: order.reference },
    before: { status: order.status },
    after: { kind, payments: targets.map(({ id }) => id) },
  });
  return orderActions.insert(tx, {
    id: actionId,
    orderId: order.id,
    kind,
    paymentIds: targets.map(({ id }) => id),
    // That there is nothing to do is written down too: a repetition must not find something else.
    status: targets.length === 0 ? 'done' : 'requested',
    reason,
  });
}

/** The payments that have to end for the order to be cancelled; none when it has ended. */
function chooseCancelled(order: Order, all: readonly Payment[]): Choice {
  if (!hasMoney(order.status)) {
    if (all.some(({ isLeased }) => isLeased)) {
      throw new Problem('payment-in-progress', 'A payment of the order is being created.', {
        retryAfter: 2,
      });
    }
    return { kind: 'cancel', targets: all.filter(({ status }) => isOpen(status)) };
  }
  // Which of two payments is meant, the request does not say.
  if (all.filter(({ status }) => status === 'paid').length > 1) {
    throw refusalOf(
      'cancel',
      `Order ${order.reference} was paid twice; refund one of the payments.`,
    );
  }
  const { payment } = orderStandOf(all);
  // Only cards stay unsettled for a while; whether this one still is, the provider knows.
  if (payment.status === 'paid' && payment.method === 'credit_card') {
    return { kind: 'void', targets: [payment] };
  }
  throw refusalOf('cancel', `Order ${order.reference} is ${order.status}.`);
}

/** The reserved payment; none when it was captured by an earlier request of this kind. */
async function chooseCaptured(
  tx: TenantTx,
  order: Order,
  all: readonly Payment[],
): Promise<Choice> {
  const payment = all.find(({ status }) => status === 'authorized');
  // A paid order is not charged again, whatever else is reserved for it.
  if (payment && !hasMoney(order.status)) return { kind: 'capture', targets: [payment] };
  const captured = all.find(({ status }) => status === 'paid');
  const isRepeated =
    captured?.transactionId !== undefined &&
    (await orderEvents.has(tx, {
      orderId: order.id,
      kind: 'capture-requested',
      reference: captured.transactionId,
    }));
  if (isRepeated) return { kind: 'capture', targets: [] };
  throw refusalOf('capture', `Order ${order.reference} has no card that is reserved.`);
}

export function refusalOf(kind: OrderActionKind, detail: string): Problem {
  return kind === 'capture'
    ? new Problem('order-not-capturable', detail)
    : new Problem('order-not-cancellable', `${detail} What is settled is refunded instead.`);
}

function inProgress(): Problem {
  return new Problem(
    'order-change-in-progress',
    'The order is being cancelled or captured. Look at it again in a moment.',
    { retryAfter: 2 },
  );
}
