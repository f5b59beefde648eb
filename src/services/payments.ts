import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CreatePaymentReply, CreatePaymentRequest } from '../contracts/payments.ts';
import type { Db } from '../db/database.ts';
import { Problem } from '../domain/problems.ts';
import type { MidtransAccount, Tenant } from '../domain/tenant.ts';
import type { MidtransAdapter } from '../providers/midtrans/adapter.ts';
import type { CreateOutcome } from '../providers/payment-provider.ts';
import type { Order } from '../repositories/orders.ts';
import type { Payment } from '../repositories/payments.ts';
import type { Addresses } from './addresses.ts';
import { createCallOutcomes, type ProviderCall } from './call-outcomes.ts';
import { mismatchIn } from './observed-sums.ts';
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
  readonly returnUrl: string | undefined;
};

/** `busy`: look again in a moment. */
type Attempt =
  | { readonly kind: 'done'; readonly reply: CreatePaymentReply }
  | { readonly kind: 'busy' }
  | Extract<Step, { kind: 'stale' }>;

/** How often the end of somebody else's call is looked for. */
const pollMs = 100;
/** What a call may take beyond its deadline before another request may repeat it. */
const leaseMarginMs = 2_000;

export type PaymentService = ReturnType<typeof createPaymentService>;

export function createPaymentService(dependencies: Dependencies) {
  const { db, midtrans, checks, addresses, providerTimeoutMs } = dependencies;
  const outcomes = createCallOutcomes({ db });
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
    // Before the intent: an address that cannot be made must not leave an order behind.
    const returnUrl = addresses.returnUrl(tenant, request.orderId);
    const creation = { tenant, account, request, requestId, returnUrl };
    // Long enough for another request's lease to end and to be taken over.
    const waitUntil = performance.now() + leaseMs + leaseMarginMs;
    let hasEnded = false;
    while (performance.now() < waitUntil) {
      const step = await attempt(creation);
      if (step.kind === 'done') return step.reply;
      if (step.kind === 'stale') {
        // Once a request: what could not be ended now will not be so in a moment.
        if (hasEnded) break;
        hasEnded = true;
        await endPage(tenant, step.payment);
      } else {
        await sleep(pollMs);
      }
    }
    throw new Problem(
      'payment-in-progress',
      `Order ${request.orderId} has a payment under way. Send the same request again in a moment.`,
      { retryAfter: 2 },
    );
  }

  /** One look and, where it is ours to make, one call. */
  async function attempt(creation: Creation): Promise<Attempt> {
    const { tenant, request, requestId } = creation;
    const leaseId = randomUUID();
    const contentHash = hashOf(request);
    const step: Step = await db.withTenant(tenant.id, (tx) =>
      openIntent(tx, { tenant, request, contentHash, leaseId, leaseMs, requestId }),
    );
    switch (step.kind) {
      case 'ready':
        return { kind: 'done', reply: toReply(step.order, step.payment) };
      case 'busy':
      case 'stale':
        return step;
      case 'call':
        return call(creation, { ...step, tenantId: tenant.id, leaseId, requestId });
      default:
        return step satisfies never;
    }
  }

  async function call(creation: Creation, running: ProviderCall): Promise<Attempt> {
    const { tenant, account, request, returnUrl } = creation;
    const { expiresAt, reference, money } = running.payment;
    const expiryMinutes = tenant.paymentExpiryMinutes;
    // Between transactions on purpose: a slow provider must hold no lock and no connection. Should
    // we die here, the lease ends and a retry repeats this call with the same reference, which
    // replaces the page.
    const outcome = await midtrans.create(account, {
      reference,
      money,
      method: request.paymentMethod,
      customer: request,
      notificationUrl: addresses.notificationUrl(tenant),
      returnUrl,
      createdAt: new Date(expiresAt.getTime() - expiryMinutes * 60_000),
      expiryMinutes,
    });
    return settle(creation, running, outcome);
  }

  async function settle(
    creation: Creation,
    running: ProviderCall,
    outcome: CreateOutcome,
  ): Promise<Attempt> {
    switch (outcome.kind) {
      case 'created': {
        if (!(await outcomes.storePage(running, outcome))) return { kind: 'busy' };
        const reply = toReply(running.order, { ...running.payment, ...outcome });
        return { kind: 'done', reply };
      }
      case 'not-executed':
        await outcomes.storeUnknown(running, { mayHavePage: false });
        throw comeBack();
      case 'unknown':
        await outcomes.storeUnknown(running, { mayHavePage: true });
        throw new Problem(
          'payment-outcome-unknown',
          'The order is kept. Send the same request again: the shopper cannot be charged twice.',
          { retryAfter: 5 },
        );
      case 'reference-used':
        return settleUsed(creation, running);
      case 'credentials-refused':
        await outcomes.storeRefused(running);
        throw new Problem(
          'provider-credentials-refused',
          "The merchant's server key is not valid at the provider. The order is kept; send it again once the key is mended.",
        );
      case 'refused':
        await outcomes.storeRefused(running);
        throw new Problem(
          'payment-refused',
          `The provider says: ${outcome.detail || 'no reason'}. The order is kept; it can be sent again.`,
        );
      default:
        return outcome satisfies never;
    }
  }

  /**
   * The provider has a transaction of this name. One over another amount is not the order's: it is
   * left alone, and the next payment gets another reference. A paid one is the order's own, and
   * nobody is asked to pay again. One that is not paid is ended when an earlier call of ours may
   * have made it.
   */
  async function settleUsed({ account }: Creation, running: ProviderCall): Promise<Attempt> {
    const { payment } = running;
    const { reference } = payment;
    const answer = await midtrans.status(account, { reference });
    if (answer.kind === 'unavailable') {
      await outcomes.storeUnknown(running, { mayHavePage: false });
      throw comeBack();
    }
    const found = answer.kind === 'found' ? answer.observation : undefined;
    const isSameAmount = found && !mismatchIn(payment, found);
    if (payment.mayHavePage ? isSameAmount || !found : isSameAmount && found.state === 'paid') {
      await outcomes.storeUnknown(running, { mayHavePage: false });
      return { kind: 'stale', payment };
    }
    await outcomes.storeRefused(running);
    throw new Problem(
      'payment-reference-used',
      `The provider has a transaction named ${reference} that is not this order's. Send the same request again: the payment gets another reference.`,
    );
  }

  /** @throws Problem `provider-unavailable` */
  async function endPage(tenant: Tenant, payment: Payment): Promise<void> {
    const ending = await checks.end(tenant, payment.id);
    if (ending === 'unavailable') throw comeBack();
  }

  return { create };
}

function comeBack(): Problem {
  return new Problem(
    'provider-unavailable',
    'The order is kept. Send the same request again in a moment.',
    { retryAfter: 5 },
  );
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
