import { v7 as uuidv7 } from 'uuid';
import type { CreatePaymentRequest } from '../contracts/payments.ts';
import type { TenantTx } from '../db/database.ts';
import { OrderId, PaymentId } from '../domain/ids.ts';
import { localDate } from '../domain/local-time.ts';
import { hasMoney, mayStartAgain } from '../domain/payment-states.ts';
import { Problem } from '../domain/problems.ts';
import type { Tenant } from '../domain/tenant.ts';
import * as customers from '../repositories/customers.ts';
import * as orderEvents from '../repositories/order-events.ts';
import type { Order } from '../repositories/orders.ts';
import * as orders from '../repositories/orders.ts';
import * as paymentCalls from '../repositories/payment-calls.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import * as usageCounters from '../repositories/usage-counters.ts';
import { changeOrder, countOrder } from './order-changes.ts';

/** What a request to pay comes to, given what is known of its order. */
export type Step =
  | { readonly kind: 'ready'; readonly order: Order; readonly payment: PayablePayment }
  /** The intent is committed and the caller's: call the provider, then say how it ended. */
  | { readonly kind: 'call'; readonly order: Order; readonly payment: Payment }
  /** Somebody else's call is under way. */
  | { readonly kind: 'busy' }
  /** The page is over or lost; the provider has to be asked before a new one is made. */
  | { readonly kind: 'stale'; readonly payment: Payment };

export type PayablePayment = Payment & { readonly token: string; readonly redirectUrl: string };

type Intent = {
  readonly tenant: Tenant;
  readonly request: CreatePaymentRequest;
  readonly contentHash: Buffer;
  readonly leaseId: string;
  readonly leaseMs: number;
  readonly requestId: string;
};

/**
 * Writes down what a storefront wants, or finds that it was written before.
 *
 * @throws Problem `order-content-differs`, `order-quota-exceeded`, `order-already-paid`
 */
export async function openIntent(tx: TenantTx, intent: Intent): Promise<Step> {
  const order = await orders.lockByReference(tx, intent.request.orderId);
  if (!order) return openOrder(tx, intent);
  if (!order.contentHash.equals(intent.contentHash)) {
    throw new Problem(
      'order-content-differs',
      `Order ${order.reference} was sent before with other content. Use a new orderId for a new order.`,
    );
  }
  const all = await payments.listOfOrder(tx, order.id);
  if (hasMoney(order.status)) return showPaid(order, all);
  const [payment] = all;
  if (!payment) throw new Error(`Order ${order.id} has no payment.`);
  return continuePayment(tx, { order, payment, intent });
}

async function openOrder(tx: TenantTx, intent: Intent): Promise<Step> {
  const { request, tenant } = intent;
  const { day, month } = localDate(new Date(), tenant.timeZone);
  const customerId = await customers.upsert(tx, request);
  const order = await orders.insert(tx, {
    id: OrderId.parse(uuidv7()),
    reference: request.orderId,
    customerId,
    customerName: request.name,
    money: { amount: request.amount, currency: tenant.currency },
    paymentMethod: request.paymentMethod,
    contentHash: intent.contentHash,
    businessDay: day,
    quotaPeriod: month,
  });
  // The same order was inserted by another request after our look; now it can be seen.
  if (!order) return { kind: 'busy' };
  const payment = await startPayment(tx, order, intent);
  await countOrder(tx, order);
  await takeQuota(tx, tenant, month);
  return { kind: 'call', order, payment };
}

/** A paid order answers the page that was paid, which says so; never one that could be paid. */
function showPaid(order: Order, all: readonly Payment[]): Step {
  const payment = all.find(({ status }) => status === 'paid');
  if (payment && isPayable(payment)) return { kind: 'ready', order, payment };
  throw new Problem('order-already-paid', `Order ${order.reference} is ${order.status}.`);
}

type Continued = { readonly order: Order; readonly payment: Payment; readonly intent: Intent };

async function continuePayment(tx: TenantTx, { order, payment, intent }: Continued): Promise<Step> {
  if (mayStartAgain(payment.status)) return restart(tx, { order, intent });
  if (payment.status === 'creating' && payment.isLeased) return { kind: 'busy' };
  if (payment.isOverdue) return { kind: 'stale', payment };
  if (isPayable(payment)) return { kind: 'ready', order, payment };
  if (payment.status !== 'unknown' && payment.status !== 'creating') {
    return { kind: 'stale', payment };
  }
  const { leaseId, leaseMs, tenant } = intent;
  const lease = { leaseId, leaseMs, expiryMinutes: tenant.paymentExpiryMinutes };
  const isClaimed = await paymentCalls.claim(tx, payment.id, lease);
  if (!isClaimed) return { kind: 'busy' };
  await orderEvents.append(tx, {
    orderId: order.id,
    paymentId: payment.id,
    kind: 'payment-called-again',
    source: 'api',
    fromStatus: payment.status,
    toStatus: 'creating',
    reference: payment.reference,
    requestId: intent.requestId,
  });
  return { kind: 'call', order, payment: await payments.get(tx, payment.id) };
}

async function restart(
  tx: TenantTx,
  { order, intent }: Pick<Continued, 'order' | 'intent'>,
): Promise<Step> {
  const payment = await startPayment(tx, order, intent);
  const { month } = localDate(new Date(), intent.tenant.timeZone);
  const hasGivenBack = order.quotaPeriod === undefined;
  const reopened = await changeOrder(tx, order, {
    status: 'pending',
    refundedAmount: 0n,
    quotaPeriod: order.quotaPeriod ?? month,
    payment,
    cause: { source: 'api', requestId: intent.requestId },
  });
  if (hasGivenBack) await takeQuota(tx, intent.tenant, month);
  return { kind: 'call', order: reopened, payment };
}

async function startPayment(tx: TenantTx, order: Order, intent: Intent): Promise<Payment> {
  const id = PaymentId.parse(uuidv7());
  // The merchant's own id where it is free, so that the order is found in Midtrans' dashboard; it
  // is not where another tenant sells on the same account, and may use the same ids.
  // Midtrans refuses an id that it has seen a method for, so a further payment needs another one:
  // at most 50 characters, and of letters that no merchant's own id is likely to end in.
  const further = `${order.reference.slice(0, 36)}~${id.slice(-12)}`;
  const draft = {
    id,
    orderId: order.id,
    provider: 'midtrans',
    money: order.money,
    leaseId: intent.leaseId,
    leaseMs: intent.leaseMs,
    expiryMinutes: intent.tenant.paymentExpiryMinutes,
  } as const;
  const payment =
    (!intent.tenant.midtrans?.isShared &&
      (await payments.insert(tx, { ...draft, reference: order.reference }))) ||
    (await payments.insert(tx, { ...draft, reference: further }));
  if (!payment) throw new Error(`The reference ${further} is taken.`);
  await orderEvents.append(tx, {
    orderId: order.id,
    paymentId: payment.id,
    kind: 'payment-started',
    source: 'api',
    toStatus: payment.status,
    reference: payment.reference,
    requestId: intent.requestId,
  });
  return payment;
}

async function takeQuota(tx: TenantTx, tenant: Tenant, period: string): Promise<void> {
  const limit = tenant.maxOrdersPerMonth;
  if (await usageCounters.take(tx, { period, limit })) return;
  throw new Problem(
    'order-quota-exceeded',
    `All ${limit} orders of ${period} are used. The merchant can choose a larger plan.`,
  );
}

function isPayable(payment: Payment): payment is PayablePayment {
  return payment.token !== undefined && payment.redirectUrl !== undefined;
}
