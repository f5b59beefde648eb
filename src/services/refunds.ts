import { randomUUID } from 'node:crypto';
import type { RefundListReply, RefundReply, RefundView } from '../contracts/refunds.ts';
import type { Db, TenantTx } from '../db/database.ts';
import type { OrderReference, RefundId, TenantId } from '../domain/ids.ts';
import type { ObservedState } from '../domain/payment-states.ts';
import { Problem } from '../domain/problems.ts';
import {
  booksLagMs,
  isInDoubt,
  isRefundable,
  type RefundStatus,
  refundLimits,
} from '../domain/refunds.ts';
import { accountOf, type MidtransAccount, type Tenant } from '../domain/tenant.ts';
import type { MidtransAdapter } from '../providers/midtrans/adapter.ts';
import type { RefundOutcome } from '../providers/payment-provider.ts';
import * as attentionItems from '../repositories/attention-items.ts';
import * as orders from '../repositories/orders.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import type { Refund } from '../repositories/refunds.ts';
import * as refunds from '../repositories/refunds.ts';
import { applyObservation } from './observations.ts';
import type { BookedCause } from './order-changes.ts';
import { leftOf, openRefund, type RefundIntent } from './refund-intents.ts';
import { appendRefundMove, flagRefusal, tellsAllRefunds } from './refund-tracking.ts';

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
  /** The call may have been executed, whatever a later one is told. */
  readonly isUnclear?: boolean;
};

/** What the provider's books have of a refund; `unsure`: they do not say. */
type Listing = 'listed' | 'absent' | 'unsure';
type BooksAnswer = { readonly listing: Listing; readonly askedAt?: Date };

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
      const { origin } = intent;
      const cause = { source: 'api', requestId: origin.requestId, origin, timeZone } as const;
      await execute({ tenant, account, ...opened, leaseId, cause });
    }
    const refund = await get(tenant.id, opened.refund.id);
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
   * Repeats the call of a refund that nobody knows the outcome of, or asks what the bank says of
   * one that is accepted. Whoever is past its limit is put before a person. False while the
   * provider does not say.
   */
  async function look(tenant: Tenant, id: RefundId): Promise<boolean> {
    const leaseId = randomUUID();
    const found = await db.withTenant(tenant.id, async (tx) => {
      // The next look is planned before this one: what breaks must not come first for ever.
      const refund =
        (await refunds.claim(tx, id, { leaseId, leaseMs })) ?? (await refunds.planFollow(tx, id));
      return refund && { refund, payment: await payments.get(tx, refund.paymentId) };
    });
    if (!found) return true;
    const cause = { source: 'check', timeZone: tenant.timeZone } as const;
    try {
      const inquiry = { tenant, account: accountOf(tenant), ...found, cause };
      if (!isInDoubt(found.refund.status)) return (await askBooks(inquiry)).listing !== 'unsure';
      await execute({ ...inquiry, leaseId });
      return !isInDoubt((await get(tenant.id, id)).status);
    } finally {
      await db.withTenant(tenant.id, (tx) => alarm(tx, found.refund));
    }
  }

  async function get(tenantId: TenantId, id: RefundId): Promise<Refund> {
    return db.withTenantOnce(tenantId, (tx) => refunds.get(tx, id));
  }

  async function execute(call: RefundCall): Promise<void> {
    const { account, refund, payment } = call;
    // Between transactions on purpose: a slow provider must hold no lock and no connection. Should
    // we die here, the sweep repeats this call with the same key, which cannot refund twice. A key
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
    switch (outcome.kind) {
      case 'accepted':
      case 'key-used':
        return { status: 'accepted' };
      case 'unknown':
        return { status: 'unknown', isUnclear: true };
      case 'refused':
        return call.refund.unclearAt
          ? judgeByBooks(call, outcome.detail)
          : { status: 'refused', detail: outcome.detail };
      default:
        return outcome satisfies never;
    }
  }

  /** What they have is there. What they lack may be on its way into them, for a while. */
  async function judgeByBooks(call: RefundCall, detail: string): Promise<Verdict> {
    const { unclearAt } = call.refund;
    const { listing, askedAt } = await askBooks(call);
    if (listing === 'listed') return { status: 'accepted' };
    const mayLag = unclearAt && askedAt && askedAt.getTime() < unclearAt.getTime() + booksLagMs;
    if (listing === 'unsure' || mayLag) return { status: 'unknown' };
    return { status: 'refused', detail };
  }

  async function store({ tenant, refund, leaseId, cause }: RefundCall, verdict: Verdict) {
    const { status, detail } = verdict;
    await db.withTenant(tenant.id, async (tx) => {
      await orders.lock(tx, refund.orderId);
      // The books may have told already, and whoever took over says what counts now.
      if (!(await refunds.settle(tx, refund.id, { leaseId, ...verdict }))) return;
      await appendRefundMove(tx, refund, { status, detail, cause });
      // The merchant was told that it goes on by itself, and does not wait for an answer.
      if (status === 'refused' && cause.source !== 'api') {
        await flagRefusal(tx, refund, { reason: 'refund-refused', words: detail ?? 'no reason' });
      }
    });
  }

  /** Asks what the provider's books say of the payment, applies it, and looks for the refund. */
  async function askBooks(inquiry: Inquiry): Promise<BooksAnswer> {
    const { tenant, account, refund, payment, cause } = inquiry;
    const { reference, transactionId } = payment;
    const answer = await midtrans.status(account, {
      reference,
      ...(transactionId && { transactionId }),
    });
    if (answer.kind !== 'found') return { listing: 'unsure' };
    const { observation } = answer;
    await db.withTenant(tenant.id, (tx) => applyObservation(tx, payment, observation, cause));
    const { books } = observation;
    const isListed = books?.refunds?.some(({ key }) => key === refund.providerKey);
    if (isListed) return { listing: 'listed' };
    if (!books || !(tellsAllRefunds(observation) || isWithoutRefund(observation.state))) {
      return { listing: 'unsure' };
    }
    return { listing: 'absent', askedAt: books.askedAt };
  }

  return { request, list, look };
}

/** Puts the order of a refund that is past its limit before a person, once. */
async function alarm(tx: TenantTx, { id, orderId, paymentId }: Refund): Promise<void> {
  await orders.lock(tx, orderId);
  const late = await refunds.alarm(tx, id, refundLimits);
  if (!late) return;
  const detail = isInDoubt(late.status)
    ? `Nobody knows what became of refund ${id}.`
    : `The bank has not confirmed refund ${id} for ${refundLimits.acceptedDays} days.`;
  await attentionItems.raise(tx, { orderId, paymentId, reason: 'refund-stalled', detail });
}

/** Its money was taken back as a whole, which a refund that stands makes impossible. */
function isWithoutRefund(state: ObservedState): boolean {
  return state === 'denied' || state === 'cancelled' || state === 'expired';
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
