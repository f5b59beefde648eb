import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CreatePaymentReply, CreatePaymentRequest } from '../contracts/payments.ts';
import type { Db, TenantTx } from '../db/database.ts';
import { Problem } from '../domain/problems.ts';
import type { MidtransAccount, Tenant } from '../domain/tenant.ts';
import type { MidtransAdapter } from '../providers/midtrans/adapter.ts';
import type { CreateOutcome } from '../providers/payment-provider.ts';
import * as orderEvents from '../repositories/order-events.ts';
import type { Order } from '../repositories/orders.ts';
import * as orders from '../repositories/orders.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import * as usageCounters from '../repositories/usage-counters.ts';
import type { Addresses } from './addresses.ts';
import { changeOrder, queueMail } from './order-changes.ts';
import type { PaymentChecks } from './payment-checks.ts';
import { openIntent, type Step } from './payment-intents.ts';

type Dependencies = {
  readonly db: Db;
  readonly midtrans: MidtransAdapter;
  readonly checks: PaymentChecks;
  readonly addresses: Addresses;
  readonly providerTimeoutMs: number;
};

type Creation = {
  readonly tenant: Tenant;
  readonly account: MidtransAccount;
  readonly request: CreatePaymentRequest;
  readonly requestId: string;
};

/** How often the end of somebody else's call is looked for. */
const pollMs = 100;
/** What a call may take beyond its deadline before another request may repeat it. */
const leaseMarginMs = 2_000;
const firstCheckSeconds = 120;
const unknownCheckSeconds = 30;

export type PaymentService = ReturnType<typeof createPaymentService>;

export function createPaymentService(dependencies: Dependencies) {
  const { db, midtrans, checks, addresses, providerTimeoutMs } = dependencies;
  const leaseMs = providerTimeoutMs + leaseMarginMs;

  /**
   * Takes an order and answers where its shopper pays. The same order again answers the same page;
   * safe to repeat after any failure.
   *
   * @throws Problem that says whether a retry makes sense
   */
  async function create(
    tenant: Tenant,
    request: CreatePaymentRequest,
    requestId: string,
  ): Promise<CreatePaymentReply> {
    const account = accountOf(tenant);
    const creation = { tenant, account, request, requestId };
    // Long enough for another request's lease to end and to be taken over.
    const waitUntil = performance.now() + leaseMs + leaseMarginMs;
    while (performance.now() < waitUntil) {
      const reply = await attempt(creation);
      if (reply) return reply;
      await sleep(pollMs);
    }
    throw new Problem(
      'payment-in-progress',
      `The payment of order ${request.orderId} is still being created. Send the same request again.`,
      { retryAfter: 2 },
    );
  }

  /** One look and, where it is ours to make, one call; undefined: look again. */
  async function attempt(creation: Creation): Promise<CreatePaymentReply | undefined> {
    const { tenant, request, requestId } = creation;
    const leaseId = randomUUID();
    const contentHash = hashOf(request);
    const step: Step = await db.withTenant(tenant.id, (tx) =>
      openIntent(tx, { tenant, request, contentHash, leaseId, leaseMs, requestId }),
    );
    switch (step.kind) {
      case 'ready':
        return toReply(step.order, step.payment);
      case 'busy':
        return undefined;
      case 'stale':
        await checks.end(tenant, step.payment.id);
        return undefined;
      case 'call':
        return call(creation, { ...step, leaseId });
      default:
        return step satisfies never;
    }
  }

  type Call = { readonly order: Order; readonly payment: Payment; readonly leaseId: string };

  async function call(creation: Creation, running: Call) {
    const { tenant, account, request } = creation;
    const { order, payment } = running;
    const { expiresAt, reference, money } = payment;
    const expiryMinutes = tenant.paymentExpiryMinutes;
    // Between transactions on purpose: a slow provider must hold no lock and no connection. Should
    // we die here, the lease ends and a retry repeats this call with the same reference, which
    // replaces the page: there is never a second one that could be paid.
    const outcome = await midtrans.create(account, {
      reference,
      money,
      method: request.paymentMethod,
      customer: request,
      notificationUrl: addresses.notificationUrl(tenant),
      returnUrl: addresses.returnUrl(tenant, order.reference),
      createdAt: new Date(expiresAt.getTime() - expiryMinutes * 60_000),
      expiryMinutes,
    });
    return settle(creation, running, outcome);
  }

  async function settle(creation: Creation, running: Call, outcome: CreateOutcome) {
    const { payment } = running;
    switch (outcome.kind) {
      case 'created':
        return storePage(creation, running, outcome);
      case 'not-executed':
        await storeUnknown(creation, running);
        throw new Problem(
          'provider-unavailable',
          'The order is kept. Send the same request again in a moment.',
          { retryAfter: 5 },
        );
      case 'unknown':
        await storeUnknown(creation, running);
        throw new Problem(
          'payment-outcome-unknown',
          'The order is kept. Send the same request again: the shopper cannot be charged twice.',
          { retryAfter: 5 },
        );
      case 'reference-used':
        if (payment.providerCalls > 1) {
          // An earlier call of ours may be what used it: its page is ended before a new one is made.
          await storeUnknown(creation, running);
          await checks.end(creation.tenant, payment.id);
          return undefined;
        }
        return fail(creation, running, {
          problem: 'payment-reference-used',
          detail: `The provider has a transaction named ${payment.reference} that is not ours. Send the same request again: the payment gets another reference.`,
        });
      case 'credentials-refused':
        return fail(creation, running, {
          problem: 'provider-credentials-refused',
          detail:
            "The merchant's server key is not valid at the provider. The order is kept; send it again once the key is mended.",
        });
      case 'refused':
        return fail(creation, running, {
          problem: 'payment-refused',
          detail: `The provider says: ${outcome.detail || 'no reason'}. The order is kept; it can be sent again.`,
        });
      default:
        return outcome satisfies never;
    }
  }

  async function storePage(
    { tenant, requestId }: Creation,
    { order, payment, leaseId }: Call,
    page: { token: string; redirectUrl: string },
  ): Promise<CreatePaymentReply | undefined> {
    const cause = { source: 'api', requestId } as const;
    const isStored = await db.withTenant(tenant.id, async (tx) => {
      await orders.lock(tx, order.id);
      const isOurs = await payments.settlePage(tx, payment.id, {
        ...page,
        leaseId,
        nextCheckSeconds: firstCheckSeconds,
      });
      if (!isOurs) return false;
      await orderEvents.append(tx, {
        orderId: order.id,
        paymentId: payment.id,
        kind: 'page-created',
        reference: payment.reference,
        ...cause,
      });
      await queueMail(tx, order, 'created', cause);
      return true;
    });
    // Our lease ended while the provider was slow, and somebody else's page is the one that counts.
    if (!isStored) return undefined;
    return toReply(order, { ...payment, ...page });
  }

  async function storeUnknown({ tenant, requestId }: Creation, { order, payment, leaseId }: Call) {
    await db.withTenant(tenant.id, async (tx) => {
      await orders.lock(tx, order.id);
      const isOurs = await payments.settleUnknown(tx, payment.id, {
        leaseId,
        nextCheckSeconds: unknownCheckSeconds,
      });
      if (!isOurs) return;
      await appendCallEnd(tx, { order, payment, requestId, toStatus: 'unknown' });
    });
  }

  async function fail(
    { tenant, requestId }: Creation,
    { order, payment, leaseId }: Call,
    refusal: {
      problem: 'payment-refused' | 'provider-credentials-refused' | 'payment-reference-used';
      detail: string;
    },
  ): Promise<never> {
    await db.withTenant(tenant.id, async (tx) => {
      const current = await orders.lock(tx, order.id);
      if (!(await payments.settleFailed(tx, payment.id, leaseId))) return;
      await appendCallEnd(tx, { order, payment, requestId, toStatus: 'failed' });
      await changeOrder(tx, current, {
        status: 'failed',
        quotaPeriod: undefined,
        cause: { source: 'api', requestId },
      });
      if (current.quotaPeriod) await usageCounters.giveBack(tx, current.quotaPeriod);
    });
    throw new Problem(refusal.problem, refusal.detail);
  }

  return { create };
}

async function appendCallEnd(
  tx: TenantTx,
  end: { order: Order; payment: Payment; requestId: string; toStatus: 'unknown' | 'failed' },
) {
  await orderEvents.append(tx, {
    orderId: end.order.id,
    paymentId: end.payment.id,
    kind: 'payment-moved',
    source: 'api',
    fromStatus: 'creating',
    toStatus: end.toStatus,
    reference: end.payment.reference,
    requestId: end.requestId,
  });
}

/** @throws Problem `provider-not-configured` */
function accountOf(tenant: Tenant): MidtransAccount {
  if (!tenant.midtrans || tenant.currency !== 'IDR') {
    throw new Problem(
      'provider-not-configured',
      'The merchant has to enter a Midtrans server key, and sell in IDR, before taking payments.',
    );
  }
  return tenant.midtrans;
}

/** Equal for two requests that mean the same order; what is ignored is not part of it. */
function hashOf(request: CreatePaymentRequest): Buffer {
  const { amount, email, name, phone, paymentMethod } = request;
  const content = [amount.toString(), email, name, phone ?? null, paymentMethod ?? null];
  return createHash('sha256').update(JSON.stringify(content)).digest();
}

function toReply(
  order: Order,
  payment: { token: string; redirectUrl: string; expiresAt: Date },
): CreatePaymentReply {
  return {
    success: true,
    redirectUrl: payment.redirectUrl,
    token: payment.token,
    orderId: order.reference,
    expiresAt: payment.expiresAt.toISOString(),
  };
}
