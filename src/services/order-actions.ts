import type { OrderChangeReply } from '../contracts/refunds.ts';
import type { Db, TenantTx } from '../db/database.ts';
import type { OrderReference } from '../domain/ids.ts';
import { hasMoney, isOpen, mayStartAgain, orderStandOf } from '../domain/payment-states.ts';
import { Problem } from '../domain/problems.ts';
import type { MidtransAccount, Tenant } from '../domain/tenant.ts';
import type { MidtransAdapter } from '../providers/midtrans/adapter.ts';
import type { ChangeOutcome } from '../providers/payment-provider.ts';
import * as orderEvents from '../repositories/order-events.ts';
import type { Order } from '../repositories/orders.ts';
import * as orders from '../repositories/orders.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import type { PaymentChecks } from './payment-checks.ts';

type Dependencies = {
  readonly db: Db;
  readonly midtrans: MidtransAdapter;
  readonly checks: PaymentChecks;
};

type Action = 'cancel' | 'capture';
type ActionIntent = {
  readonly reference: OrderReference;
  readonly reason: string | undefined;
  readonly requestId: string;
};
type Target = { readonly order: Order; readonly payment: Payment };
type Running = {
  readonly tenant: Tenant;
  readonly account: MidtransAccount;
  readonly intent: ActionIntent;
};

export type OrderActions = ReturnType<typeof createOrderActions>;

/**
 * What a merchant does to an order that is not a refund. Who asked and why is committed first; then
 * the provider is called; then its books are asked, and they alone say what came of it. Both calls
 * may be repeated without harm, and a crash in between is mended by the retry, by the provider's
 * notification, or by the sweep.
 */
export function createOrderActions({ db, midtrans, checks }: Dependencies) {
  /**
   * Ends an order that is not paid, or takes back a card payment that is not settled. An order that
   * has ended is left as it is.
   *
   * @throws Problem `order-not-found`, `order-not-cancellable`, `payment-in-progress`,
   *   `provider-unavailable`
   */
  async function cancel(tenant: Tenant, intent: ActionIntent): Promise<OrderChangeReply> {
    const running = { tenant, account: accountOf(tenant), intent };
    const targets = await db.withTenant(tenant.id, async (tx) => {
      const chosen = await chooseCancelled(tx, intent.reference);
      for (const target of chosen) await appendIntent(tx, target, 'cancel', intent);
      return chosen;
    });
    for (const target of targets) {
      if (isAtProvider(target.payment)) await cancelAtProvider(running, target);
      else await endPage(running, target);
    }
    return showOrder(running);
  }

  /**
   * Charges a card that is reserved.
   *
   * @throws Problem `order-not-found`, `order-not-capturable`, `provider-unavailable`
   */
  async function capture(tenant: Tenant, intent: ActionIntent): Promise<OrderChangeReply> {
    const running = { tenant, account: accountOf(tenant), intent };
    const target = await db.withTenant(tenant.id, async (tx) => {
      const chosen = await chooseCaptured(tx, intent.reference);
      if (chosen) await appendIntent(tx, chosen, 'capture', intent);
      return chosen;
    });
    if (target) {
      const { payment } = target;
      const { currency, amount } = payment.money;
      const outcome = await midtrans.capture(running.account, {
        transactionId: transactionOf(payment),
        // All that is reserved: the provider takes its fee out of what is captured.
        money: { currency, amount: amount + payment.customerFee },
      });
      await conclude(running, target, { action: 'capture', outcome, isDone: hasMoney });
    }
    return showOrder(running);
  }

  async function cancelAtProvider(running: Running, target: Target): Promise<void> {
    const outcome = await midtrans.cancel(running.account, transactionOf(target.payment));
    await conclude(running, target, { action: 'cancel', outcome, isDone: mayStartAgain });
  }

  /**
   * The books decide, whatever the call answered: a repeated cancel is refused because the first
   * one worked.
   */
  async function conclude(
    { tenant, intent }: Running,
    { order, payment }: Target,
    call: {
      readonly action: Action;
      readonly outcome: ChangeOutcome;
      readonly isDone: (status: Payment['status']) => boolean;
    },
  ): Promise<void> {
    const isAnswered = await checks.check(tenant, payment.id);
    const after = await db.withTenantOnce(tenant.id, (tx) => payments.get(tx, payment.id));
    if (call.isDone(after.status)) return;
    if (!isAnswered || call.outcome.kind !== 'refused') throw comeBack();
    const { detail } = call.outcome;
    await db.withTenantOnce(tenant.id, (tx) =>
      orderEvents.append(tx, {
        orderId: order.id,
        paymentId: payment.id,
        kind: `${call.action}-refused`,
        source: 'api',
        reference: payment.transactionId,
        detail,
        requestId: intent.requestId,
      }),
    );
    throw refusal(call.action, `The provider says: ${detail || 'no reason'}.`);
  }

  async function endPage({ tenant }: Running, { payment }: Target): Promise<void> {
    if (payment.isLeased) {
      throw new Problem('payment-in-progress', 'A payment of the order is being created.', {
        retryAfter: 2,
      });
    }
    if ((await checks.end(tenant, payment.id)) !== 'ended') throw comeBack();
    const { status } = await db.withTenantOnce(tenant.id, (tx) => payments.get(tx, payment.id));
    if (hasMoney(status)) throw refusal('cancel', 'The order was paid meanwhile.');
  }

  async function showOrder({ tenant, intent }: Running): Promise<OrderChangeReply> {
    const { reference } = intent;
    const order = await db.withTenantOnce(tenant.id, (tx) => orders.findByReference(tx, reference));
    if (!order) throw notFound(reference);
    return { success: true, order: { orderId: order.reference, status: order.status } };
  }

  return { cancel, capture };
}

/** The payments that have to end for the order to be cancelled; none when it has ended. */
async function chooseCancelled(tx: TenantTx, reference: OrderReference): Promise<Target[]> {
  const { order, all } = await lockOrder(tx, reference);
  if (!hasMoney(order.status)) {
    return all.filter(({ status }) => isOpen(status)).map((payment) => ({ order, payment }));
  }
  const { payment } = orderStandOf(all);
  // Which of two payments is meant, a repeated request could not tell.
  if (all.filter(({ status }) => status === 'paid').length > 1) {
    throw refusal('cancel', `Order ${reference} was paid twice; refund one of the payments.`);
  }
  // Only cards stay unsettled for a while; whether this one still is, the provider knows.
  if (payment.status === 'paid' && payment.method === 'credit_card') return [{ order, payment }];
  throw refusal('cancel', `Order ${reference} is ${order.status}.`);
}

/** The reserved payment; undefined when it was captured by an earlier request of this kind. */
async function chooseCaptured(
  tx: TenantTx,
  reference: OrderReference,
): Promise<Target | undefined> {
  const { order, all } = await lockOrder(tx, reference);
  const payment = all.find(({ status }) => status === 'authorized');
  // A paid order is not charged again, whatever else is reserved for it.
  if (payment && !hasMoney(order.status)) return { order, payment };
  const captured = all.find(({ status }) => status === 'paid');
  const isRepeated =
    captured?.transactionId !== undefined &&
    (await orderEvents.has(tx, {
      orderId: order.id,
      kind: 'capture-requested',
      reference: captured.transactionId,
    }));
  if (isRepeated) return undefined;
  throw refusal('capture', `Order ${reference} has no card that is reserved.`);
}

async function lockOrder(tx: TenantTx, reference: OrderReference) {
  const order = await orders.lockByReference(tx, reference);
  if (!order) throw notFound(reference);
  return { order, all: await payments.listOfOrder(tx, order.id) };
}

async function appendIntent(
  tx: TenantTx,
  { order, payment }: Target,
  action: Action,
  { reason, requestId }: ActionIntent,
): Promise<void> {
  await orderEvents.append(tx, {
    orderId: order.id,
    paymentId: payment.id,
    kind: `${action}-requested`,
    source: 'api',
    fromStatus: payment.status,
    reference: payment.transactionId ?? payment.reference,
    detail: reason,
    requestId,
  });
}

/** The shopper has done their part: there is a transaction to cancel, and no page to close. */
function isAtProvider({ status }: Payment): boolean {
  return status === 'authorized' || status === 'challenged' || status === 'paid';
}

function transactionOf({ transactionId, reference }: Payment): string {
  return transactionId ?? reference;
}

function refusal(action: Action, detail: string): Problem {
  return action === 'cancel'
    ? new Problem('order-not-cancellable', `${detail} What is settled is refunded instead.`)
    : new Problem('order-not-capturable', detail);
}

function notFound(reference: OrderReference): Problem {
  return new Problem('order-not-found', `There is no order ${reference}.`);
}

function comeBack(): Problem {
  return new Problem(
    'provider-unavailable',
    'What came of it is not known yet. Send the same request again in a moment.',
    { retryAfter: 5 },
  );
}

/** @throws Problem `provider-not-configured` */
function accountOf(tenant: Tenant): MidtransAccount {
  if (tenant.midtrans) return tenant.midtrans;
  throw new Problem('provider-not-configured', `${tenant.slug} has no Midtrans server key.`);
}
