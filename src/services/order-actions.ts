import { randomUUID } from 'node:crypto';
import type { OrderChangeReply } from '../contracts/refunds.ts';
import type { Db, TenantTx } from '../db/database.ts';
import type { OrderActionId, OrderReference, PaymentId, TenantId } from '../domain/ids.ts';
import { actionDoubtDays, isDone, obstacleTo, wordOf } from '../domain/order-actions.ts';
import { hasMoney, mayStartAgain } from '../domain/payment-states.ts';
import { Problem } from '../domain/problems.ts';
import { booksLagMs } from '../domain/refunds.ts';
import { accountOf, type MidtransAccount, type Tenant } from '../domain/tenant.ts';
import type { MidtransAdapter } from '../providers/midtrans/adapter.ts';
import type { ChangeOutcome } from '../providers/payment-provider.ts';
import * as attentionItems from '../repositories/attention-items.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import type { OrderAction } from '../repositories/order-actions.ts';
import * as orderActions from '../repositories/order-actions.ts';
import * as orderEvents from '../repositories/order-events.ts';
import * as orders from '../repositories/orders.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import { type ActionIntent, openAction, refusalOf } from './order-action-intents.ts';
import { type Cause, originOfCause } from './order-changes.ts';
import type { PaymentChecks } from './payment-checks.ts';

type Dependencies = {
  readonly db: Db;
  readonly midtrans: MidtransAdapter;
  readonly checks: PaymentChecks;
  readonly providerTimeoutMs: number;
};

/** One run of an action, whose end only the holder of the lease may write. */
type Run = {
  readonly tenant: Tenant;
  readonly account: MidtransAccount;
  readonly action: OrderAction;
  readonly leaseId: string;
  readonly cause: Cause;
};

type Verdict =
  | { readonly status: 'done' }
  | { readonly status: 'refused'; readonly detail: string }
  /** Nobody knows. `isUnclear`: a call may have been executed, whatever a later one is told. */
  | { readonly status: 'requested'; readonly isUnclear: boolean };

/** A call for a change, two questions about it, and one more for a slow page. */
const callsPerRun = 4;
const leaseMarginMs = 2_000;
const notDone: Verdict = { status: 'requested', isUnclear: false };

export type OrderActions = ReturnType<typeof createOrderActions>;

/**
 * What a merchant does to an order that is not a refund. What is wanted, and of which payments, is
 * committed first; then the provider is called; then its books are asked, and they alone say what
 * came of it. Until they have, the sweep goes on with it, on the same payments. A call may be
 * repeated without harm: the second one is refused because the first one worked.
 */
export function createOrderActions(dependencies: Dependencies) {
  const { db, midtrans, checks, providerTimeoutMs } = dependencies;
  const leaseMs = callsPerRun * providerTimeoutMs + leaseMarginMs;

  /**
   * Ends an order that is not paid, or takes back a card payment that is not settled. An order that
   * has ended is left as it is.
   *
   * @throws Problem of `openAction`, `provider-unavailable`
   */
  async function cancel(tenant: Tenant, intent: ActionIntent): Promise<OrderChangeReply> {
    return request(tenant, { ...intent, word: 'cancel' });
  }

  /**
   * Charges a card that is reserved.
   *
   * @throws Problem of `openAction`, `provider-unavailable`
   */
  async function capture(tenant: Tenant, intent: ActionIntent): Promise<OrderChangeReply> {
    return request(tenant, { ...intent, word: 'capture' });
  }

  async function request(
    tenant: Tenant,
    wish: ActionIntent & { readonly word: 'cancel' | 'capture' },
  ): Promise<OrderChangeReply> {
    const account = accountOf(tenant);
    const leaseId = randomUUID();
    const action = await db.withTenant(tenant.id, (tx) =>
      openAction(tx, wish, { leaseId, leaseMs }),
    );
    if (action.status === 'requested') {
      const { origin } = wish;
      const cause = { source: 'api', requestId: origin.requestId, origin } as const;
      await execute({ tenant, account, action, leaseId, cause });
    }
    refuseUnlessDone(await get(tenant.id, action.id));
    return showOrder(tenant.id, wish.reference);
  }

  /** Goes on with an action that nobody knows the outcome of; false while that is so. */
  async function look(tenant: Tenant, id: OrderActionId): Promise<boolean> {
    const leaseId = randomUUID();
    const action = await db.withTenantOnce(tenant.id, (tx) =>
      orderActions.claim(tx, id, { leaseId, leaseMs }),
    );
    if (!action) return true;
    try {
      const cause = { source: 'check' } as const;
      await execute({ tenant, account: accountOf(tenant), action, leaseId, cause });
    } finally {
      await db.withTenant(tenant.id, (tx) => alarm(tx, action));
    }
    return (await get(tenant.id, id)).status !== 'requested';
  }

  async function get(tenantId: TenantId, id: OrderActionId): Promise<OrderAction> {
    return db.withTenantOnce(tenantId, (tx) => orderActions.get(tx, id));
  }

  async function execute(run: Run): Promise<void> {
    let verdict: Verdict = { status: 'done' };
    for (const id of run.action.paymentIds) {
      verdict = await actOn(run, id);
      if (verdict.status !== 'done') break;
    }
    await store(run, verdict);
  }

  async function actOn(run: Run, id: PaymentId): Promise<Verdict> {
    const { kind, orderId } = run.action;
    const all = await db.withTenantOnce(run.tenant.id, (tx) => payments.listOfOrder(tx, orderId));
    const payment = all.find((each) => each.id === id);
    if (!payment) throw new Error(`Order ${orderId} has no payment ${id}.`);
    if (isDone(kind, payment.status)) return { status: 'done' };
    const obstacle = obstacleTo(kind, payment, all);
    if (obstacle) return conclude(run, payment, { kind: 'refused', detail: obstacle });
    if (!isAtProvider(payment)) return endPage(run, payment);
    const outcome = await call(run, payment);
    const detail =
      outcome.kind === 'refused' && `The provider says: ${outcome.detail || 'no reason'}.`;
    return conclude(run, payment, detail ? { kind: 'refused', detail } : outcome);
  }

  // Between transactions on purpose: a slow provider must hold no lock and no connection.
  async function call({ account, action }: Run, payment: Payment): Promise<ChangeOutcome> {
    const transactionId = payment.transactionId ?? payment.reference;
    if (action.kind !== 'capture') return midtrans.cancel(account, transactionId);
    const { currency, amount } = payment.money;
    // All that is reserved: the provider takes its fee out of what is captured.
    const money = { currency, amount: amount + payment.customerFee };
    return midtrans.capture(account, { transactionId, money });
  }

  /**
   * The books decide, whatever the call answered. What was refused after a call that may have been
   * executed can be that call's doing, and stand in the books a while later only.
   */
  async function conclude(run: Run, payment: Payment, outcome: ChangeOutcome): Promise<Verdict> {
    const { tenant, action } = run;
    const askedAt = Date.now();
    const isAnswered = await checks.check(tenant, payment.id);
    const after = await db.withTenantOnce(tenant.id, (tx) => payments.get(tx, payment.id));
    if (isDone(action.kind, after.status)) return { status: 'done' };
    if (outcome.kind !== 'refused') return { status: 'requested', isUnclear: true };
    const { unclearAt } = action;
    const mayLag = unclearAt !== undefined && askedAt < unclearAt.getTime() + booksLagMs;
    if (!isAnswered || mayLag) return notDone;
    return { status: 'refused', detail: outcome.detail };
  }

  async function endPage({ tenant }: Run, payment: Payment): Promise<Verdict> {
    if (payment.isLeased) return notDone;
    if ((await checks.end(tenant, payment.id)) !== 'ended') return notDone;
    const { status } = await db.withTenantOnce(tenant.id, (tx) => payments.get(tx, payment.id));
    if (hasMoney(status)) return { status: 'refused', detail: 'The order was paid meanwhile.' };
    return mayStartAgain(status) ? { status: 'done' } : notDone;
  }

  async function store({ tenant, action, leaseId, cause }: Run, verdict: Verdict): Promise<void> {
    await db.withTenant(tenant.id, async (tx) => {
      const { id, orderId, kind } = action;
      const { reference } = await orders.lock(tx, orderId);
      // Whoever took over says what counts now.
      if (!(await orderActions.settle(tx, id, { leaseId, ...verdict }))) return;
      if (verdict.status === 'requested') return;
      await withdrawAlarm(tx, action);
      await auditEnd(tx, action, { reference, status: verdict.status, cause });
      if (verdict.status !== 'refused') return;
      const { detail } = verdict;
      const paymentId = paymentOf(action);
      const event = { orderId, paymentId, detail, ...cause };
      await orderEvents.append(tx, { kind: `${wordOf(kind)}-refused`, ...event });
      // The merchant was told that it goes on by itself, and does not wait for an answer.
      if (cause.source === 'api') return;
      await attentionItems.raise(tx, {
        orderId,
        paymentId,
        reason: 'change-refused',
        detail: `The ${wordOf(kind)} ${id} was refused: ${detail}`,
      });
    });
  }

  async function showOrder(tenantId: TenantId, reference: OrderReference) {
    const order = await db.withTenantOnce(tenantId, (tx) => orders.findByReference(tx, reference));
    if (!order) throw new Error(`Order ${reference} is gone.`);
    return { success: true, order: { orderId: order.reference, status: order.status } } as const;
  }

  return { cancel, capture, look };
}

/** Puts the order of an action that nobody knows the outcome of before a person, once. */
async function alarm(tx: TenantTx, action: OrderAction): Promise<void> {
  const { id, orderId, kind } = action;
  await orders.lock(tx, orderId);
  if (!(await orderActions.alarm(tx, id, actionDoubtDays))) return;
  await attentionItems.raise(tx, {
    orderId,
    paymentId: paymentOf(action),
    reason: 'change-stalled',
    detail: `Nobody knows what became of the ${wordOf(kind)} ${id}.`,
  });
}

async function withdrawAlarm(tx: TenantTx, action: OrderAction): Promise<void> {
  const { id, orderId } = action;
  await attentionItems.withdraw(tx, {
    orderId,
    paymentId: paymentOf(action),
    reason: 'change-stalled',
    detail: `What became of ${id} is known now.`,
    about: id,
  });
}

type ActionEnd = {
  readonly reference: OrderReference;
  readonly status: 'done' | 'refused';
  readonly cause: Cause;
};

async function auditEnd(
  tx: TenantTx,
  { id, kind }: OrderAction,
  { reference, status, cause }: ActionEnd,
): Promise<void> {
  const word = wordOf(kind);
  const done = word === 'cancel' ? 'order.cancelled' : 'order.captured';
  await auditEntries.append(tx, tx.tenantId, originOfCause(cause), {
    action: status === 'done' ? done : `order.${word}-refused`,
    subject: { kind: 'order', id: reference },
    after: { kind, action: id },
  });
}

/** One that goes on has at least one payment. */
function paymentOf({ id, paymentIds: [first] }: OrderAction): PaymentId {
  if (!first) throw new Error(`Action ${id} has no payment.`);
  return first;
}

/** The shopper has done their part: there is a transaction to cancel, and no page to close. */
function isAtProvider({ status }: Payment): boolean {
  return status === 'authorized' || status === 'challenged' || status === 'paid';
}

/** @throws Problem `order-not-cancellable`, `order-not-capturable`, `provider-unavailable` */
function refuseUnlessDone({ kind, status, detail = '' }: OrderAction): void {
  if (status === 'refused') throw refusalOf(kind, detail);
  if (status === 'done') return;
  throw new Problem(
    'provider-unavailable',
    'What came of it is not known yet. It goes on by itself: send the same request again, or look at the order.',
    { retryAfter: 5 },
  );
}
