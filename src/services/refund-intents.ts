import type { RefundRequest } from '../contracts/refunds.ts';
import type { TenantTx } from '../db/database.ts';
import type { Origin } from '../domain/caller.ts';
import type { OrderReference, RefundId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import { isInDoubt, isRefundable, refundableOf } from '../domain/refunds.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import * as orderEvents from '../repositories/order-events.ts';
import type { Order } from '../repositories/orders.ts';
import * as orders from '../repositories/orders.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import type { Refund } from '../repositories/refunds.ts';
import * as refunds from '../repositories/refunds.ts';

export type RefundIntent = {
  readonly reference: OrderReference;
  /** The same id again is the same refund. */
  readonly refundId: RefundId;
  /** That id is the request's own, so that a repetition is told by it and by nothing else. */
  readonly isKeyed: boolean;
  readonly request: RefundRequest;
  readonly origin: Origin;
};

type Lease = { readonly leaseId: string; readonly leaseMs: number };

/** So that every look at an order's refunds, which must see all of them, stays bounded. */
const maxRefundsPerOrder = 200;

/**
 * Writes down what a merchant wants to give back, under the order's lock, or finds the refund that
 * this request has asked for before. One that is in doubt is the caller's to call the provider for.
 *
 * @throws Problem `order-not-found`, `refund-not-possible`, `refund-too-large`,
 *   `refund-in-progress`
 */
export async function openRefund(
  tx: TenantTx,
  intent: RefundIntent,
  lease: Lease,
): Promise<Refund> {
  const order = await orders.lockByReference(tx, intent.reference);
  if (!order) throw new Problem('order-not-found', `There is no order ${intent.reference}.`);
  const all = await refunds.listOfOrder(tx, order.id);
  const known = all.find(({ id }) => id === intent.refundId) ?? findRepeated(all, intent);
  if (known && !isInDoubt(known.status)) return known;
  const refund = known ?? (await insertRefund(tx, { order, all, intent }));
  const claimed = await refunds.claim(tx, refund.id, lease);
  if (claimed) return claimed;
  throw new Problem(
    'refund-in-progress',
    `Refund ${refund.id} is being made. Look at it again in a moment.`,
    { retryAfter: 2 },
  );
}

/**
 * While nobody knows what became of a refund, an equal request without a key is taken for its
 * repetition: most clients that send one have just been told to. A refund too few can be made up for.
 */
function findRepeated(
  all: readonly Refund[],
  { isKeyed, request: { amount, reason } }: RefundIntent,
): Refund | undefined {
  if (isKeyed) return undefined;
  return all.find(
    (refund) =>
      isForgotten(refund) &&
      refund.reason === reason &&
      (amount === undefined || amount === refund.money.amount),
  );
}

/** No answer came, or the server that waited for one is gone. */
function isForgotten({ status, isLeased }: Refund): boolean {
  return status === 'unknown' || (status === 'requested' && !isLeased);
}

type Drafting = {
  readonly order: Order;
  readonly all: readonly Refund[];
  readonly intent: RefundIntent;
};

async function insertRefund(tx: TenantTx, { order, all, intent }: Drafting): Promise<Refund> {
  const { refundId, request, origin } = intent;
  const { payment, amount } = await choosePayment(tx, { order, all, intent });
  const refund = await refunds.insert(tx, {
    id: refundId,
    orderId: order.id,
    paymentId: payment.id,
    source: 'merchant',
    status: 'requested',
    money: { ...order.money, amount },
    reason: request.reason,
    providerKey: refundId,
  });
  await orderEvents.append(tx, {
    orderId: order.id,
    paymentId: payment.id,
    kind: 'refund-requested',
    toStatus: refund.status,
    reference: refund.providerKey,
    detail: request.reason,
    source: 'api',
    requestId: origin.requestId,
  });
  await auditEntries.append(tx, tx.tenantId, origin, {
    action: 'refund.requested',
    subject: { kind: 'refund', id: refund.id },
    after: {
      order: order.reference,
      payment: payment.id,
      amount: String(amount),
      currency: order.money.currency,
    },
  });
  return refund;
}

/**
 * One refund is of one payment. Where several payments paid an order, it is of the newest that has
 * enough left: that gives a second payment back before the first.
 */
async function choosePayment(
  tx: TenantTx,
  { order, all, intent }: Drafting,
): Promise<{ payment: Payment; amount: bigint }> {
  const { amount } = intent.request;
  const paid = (await payments.listOfOrder(tx, order.id)).filter((p) => isRefundable(p.status));
  const candidates = paid
    .map((payment) => ({ payment, left: leftOf(payment, all) }))
    .filter(({ left }) => left > 0n);
  if (candidates.length === 0 || all.length >= maxRefundsPerOrder) {
    throw new Problem(
      'refund-not-possible',
      `Order ${order.reference} is ${order.status}, and nothing of it is left to refund.`,
    );
  }
  const enough = candidates.find(({ left }) => left >= (amount ?? 1n));
  if (enough) return { payment: enough.payment, amount: amount ?? enough.left };
  const most = candidates.map(({ left }) => left).reduce((a, b) => (a > b ? a : b));
  throw new Problem('refund-too-large', `At most ${most} ${order.money.currency} can be refunded.`);
}

/** What may still go back of a payment, given the refunds of its order. */
export function leftOf(payment: Payment, all: readonly Refund[]): bigint {
  const own = all.filter(({ paymentId }) => paymentId === payment.id);
  return refundableOf(
    payment,
    own.map(({ status, money }) => ({ status, amount: money.amount })),
  );
}
