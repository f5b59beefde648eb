import { randomUUID } from 'node:crypto';
import type { RefundListReply, RefundReply, RefundView } from '../contracts/refunds.ts';
import type { Db } from '../db/database.ts';
import type { OrderReference, RefundId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import { isInDoubt, isRefundable, type RefundStatus } from '../domain/refunds.ts';
import type { MidtransAccount, Tenant } from '../domain/tenant.ts';
import type { MidtransAdapter } from '../providers/midtrans/adapter.ts';
import type { RefundOutcome } from '../providers/payment-provider.ts';
import * as orders from '../repositories/orders.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import type { Refund } from '../repositories/refunds.ts';
import * as refunds from '../repositories/refunds.ts';
import { applyObservation } from './observations.ts';
import type { BookedCause } from './order-changes.ts';
import { leftOf, openRefund, type RefundIntent } from './refund-intents.ts';
import { appendRefundMove, flagRefusal, queueFollow } from './refund-tracking.ts';

type Dependencies = {
  readonly db: Db;
  readonly midtrans: MidtransAdapter;
  readonly providerTimeoutMs: number;
};

/** A question to the provider about a refund. */
type Inquiry = {
  readonly tenant: Tenant;
  readonly account: MidtransAccount;
  readonly refund: Refund;
  readonly payment: Payment;
  readonly cause: BookedCause;
};

/** A call to the provider, whose outcome only the holder of the lease may write. */
type RefundCall = Inquiry & { readonly leaseId: string };

type Verdict = {
  readonly status: Extract<RefundStatus, 'accepted' | 'refused' | 'unknown'>;
  readonly detail?: string;
};

/** What the provider's books have of a refund; `unsure`: they do not say. */
type Listing = 'listed' | 'absent' | 'unsure';

/** What a call may take beyond its deadline before another one may repeat it. */
const leaseMarginMs = 2_000;

export type RefundService = ReturnType<typeof createRefundService>;

/** Gives money back: an intent, a call with a key that never changes, and what came of it. */
export function createRefundService({ db, midtrans, providerTimeoutMs }: Dependencies) {
  const leaseMs = providerTimeoutMs + leaseMarginMs;

  /**
   * Refunds an order, wholly or in part. Safe to repeat under the same refund id, which is never
   * more than one refund at the provider.
   *
   * @throws Problem of `openRefund`, `refund-refused`, `refund-outcome-unknown`
   */
  async function request(tenant: Tenant, intent: RefundIntent): Promise<RefundReply> {
    const account = accountOf(tenant);
    const leaseId = randomUUID();
    const opened = await db.withTenant(tenant.id, async (tx) => {
      const refund = await openRefund(tx, intent, { leaseId, leaseMs });
      return { refund, payment: await payments.get(tx, refund.paymentId) };
    });
    if (isInDoubt(opened.refund.status)) {
      const { timeZone } = tenant;
      const cause = { source: 'api', requestId: intent.requestId, timeZone } as const;
      await execute({ tenant, account, ...opened, leaseId, cause });
    }
    const refund = await db.withTenantOnce(tenant.id, (tx) => refunds.get(tx, opened.refund.id));
    refuseUnlessAccepted(refund);
    return { success: true, refund: toView(refund, intent.reference) };
  }

  /** @throws Problem `order-not-found` */
  async function list(tenant: Tenant, reference: OrderReference): Promise<RefundListReply> {
    return db.withTenant(tenant.id, async (tx) => {
      const order = await orders.findByReference(tx, reference);
      if (!order) throw new Problem('order-not-found', `There is no order ${reference}.`);
      const all = await refunds.listOfOrder(tx, order.id);
      const left = (await payments.listOfOrder(tx, order.id)).map((each) => leftOf(each, all));
      return {
        success: true,
        refunds: all.map((refund) => toView(refund, reference)),
        refundable: Number(left.reduce((a, b) => (a > b ? a : b), 0n)),
      };
    });
  }

  /**
   * Repeats the call of a refund that nobody knows the outcome of.
   *
   * @throws Error while that is so; the queue tries again
   */
  async function resolve(tenant: Tenant, id: RefundId, requestId?: string): Promise<void> {
    const leaseId = randomUUID();
    const found = await db.withTenant(tenant.id, async (tx) => {
      const refund = await refunds.claim(tx, id, { leaseId, leaseMs });
      return refund && { refund, payment: await payments.get(tx, refund.paymentId) };
    });
    if (found) await execute({ ...found, ...jobOf(tenant, requestId), leaseId });
    const { status } = await db.withTenantOnce(tenant.id, (tx) => refunds.get(tx, id));
    if (isInDoubt(status)) throw new Error(`Refund ${id} is ${status}.`);
  }

  /**
   * Asks what the bank says of a refund that the provider has accepted. A job of its own: banks
   * take days, and what is in doubt must not wait behind them.
   *
   * @throws Error until the bank has spoken; the queue tries again
   */
  async function follow(tenant: Tenant, id: RefundId, requestId?: string): Promise<void> {
    const found = await db.withTenant(tenant.id, async (tx) => {
      const refund = await refunds.get(tx, id);
      return { refund, payment: await payments.get(tx, refund.paymentId) };
    });
    if (found.refund.status === 'accepted') {
      await askBooks({ ...found, ...jobOf(tenant, requestId) });
    }
    const { status } = await db.withTenantOnce(tenant.id, (tx) => refunds.get(tx, id));
    if (status === 'accepted') throw new Error(`The bank has not confirmed refund ${id} yet.`);
  }

  async function execute(call: RefundCall): Promise<void> {
    const { account, refund, payment } = call;
    // Between transactions on purpose: a slow provider must hold no lock and no connection. Should
    // we die here, the job repeats this call with the same key, which cannot refund twice. A key
    // that the provider may have forgotten is not sent again, nor anything for money that is gone
    // by now: then only its books can tell.
    const maySend = refund.isRepeatable && isRefundable(payment.status);
    const outcome: RefundOutcome = maySend
      ? await midtrans.refund(account, {
          transactionId: payment.transactionId ?? payment.reference,
          key: refund.providerKey,
          money: refund.money,
          reason: refund.reason,
        })
      : { kind: 'refused', detail: 'it never had the request' };
    const verdict = await judge(call, outcome);
    await store(call, verdict);
    if (verdict.status === 'accepted') await askBooks(call);
  }

  /**
   * What an answer means depends on the calls before it. A refusal of a first call is one. After a
   * call that may have been executed, "there is nothing left to refund" can be its own doing.
   */
  async function judge(call: RefundCall, outcome: RefundOutcome): Promise<Verdict> {
    const isFirst = call.refund.providerCalls === 1;
    switch (outcome.kind) {
      case 'accepted':
        return { status: 'accepted' };
      case 'unknown':
        return { status: 'unknown' };
      case 'key-used':
        return isFirst
          ? judgeByBooks(call, 'it knows the refund key already')
          : { status: 'accepted' };
      case 'refused':
        return isFirst
          ? { status: 'refused', detail: outcome.detail }
          : judgeByBooks(call, outcome.detail);
      default:
        return outcome satisfies never;
    }
  }

  async function judgeByBooks(call: RefundCall, detail: string): Promise<Verdict> {
    const listing = await askBooks(call);
    if (listing === 'unsure') return { status: 'unknown' };
    return listing === 'listed' ? { status: 'accepted' } : { status: 'refused', detail };
  }

  async function store({ tenant, refund, leaseId, cause }: RefundCall, verdict: Verdict) {
    const { status, detail } = verdict;
    await db.withTenant(tenant.id, async (tx) => {
      await orders.lock(tx, refund.orderId);
      // The books may have told already, and whoever took over says what counts now.
      if (!(await refunds.settle(tx, refund.id, { leaseId, ...verdict }))) return;
      await appendRefundMove(tx, refund, { status, detail, cause });
      if (status === 'accepted') await queueFollow(tx, refund, cause);
      // The merchant was told that it goes on by itself, and does not wait for an answer.
      if (status === 'refused' && cause.source !== 'api') {
        await flagRefusal(tx, refund, { reason: 'refund-refused', words: detail ?? 'no reason' });
      }
    });
  }

  /** Asks what the provider's books say of the payment, applies it, and looks for the refund. */
  async function askBooks(inquiry: Inquiry): Promise<Listing> {
    const { tenant, account, refund, payment, cause } = inquiry;
    const { reference, transactionId } = payment;
    const answer = await midtrans.status(account, {
      reference,
      ...(transactionId && { transactionId }),
    });
    if (answer.kind !== 'found') return 'unsure';
    const { observation } = answer;
    await db.withTenant(tenant.id, (tx) => applyObservation(tx, payment, observation, cause));
    const listed = observation.books?.refunds;
    if (!listed) return 'unsure';
    return listed.some(({ key }) => key === refund.providerKey) ? 'listed' : 'absent';
  }

  return { request, list, resolve, follow };
}

function jobOf(tenant: Tenant, requestId: string | undefined) {
  const cause = { source: 'check', requestId, timeZone: tenant.timeZone } as const;
  return { tenant, account: accountOf(tenant), cause };
}

/** @throws Problem `refund-refused`, `refund-outcome-unknown` */
function refuseUnlessAccepted({ id, status, detail }: Refund): void {
  if (status === 'refused') {
    throw new Problem(
      'refund-refused',
      `The provider says: ${detail || 'no reason'}. Nothing went back. A card payment that is not settled yet is cancelled instead; bank transfers and payments in shops can only be paid back by hand.`,
    );
  }
  if (isInDoubt(status)) {
    throw new Problem(
      'refund-outcome-unknown',
      `Refund ${id} is kept and goes on by itself. Send the same request with the same Idempotency-Key, or look at the order's refunds.`,
      { retryAfter: 5 },
    );
  }
}

function toView(refund: Refund, reference: OrderReference): RefundView {
  return {
    id: refund.id,
    orderId: reference,
    status: refund.status,
    amount: Number(refund.money.amount),
    currency: refund.money.currency,
    reason: refund.reason ?? null,
    source: refund.source,
    detail: refund.detail ?? null,
    createdAt: refund.createdAt.toISOString(),
    confirmedAt: refund.confirmedAt?.toISOString() ?? null,
  };
}

/** @throws Problem `provider-not-configured` */
function accountOf(tenant: Tenant): MidtransAccount {
  if (tenant.midtrans) return tenant.midtrans;
  throw new Problem('provider-not-configured', `${tenant.slug} has no Midtrans server key.`);
}
