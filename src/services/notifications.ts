import type { Logger } from 'pino';
import type { Db, TenantTx } from '../db/database.ts';
import type { NotificationId } from '../domain/ids.ts';
import { decide } from '../domain/payment-states.ts';
import { Problem } from '../domain/problems.ts';
import type { MidtransAccount, Tenant } from '../domain/tenant.ts';
import type { MidtransAdapter } from '../providers/midtrans/adapter.ts';
import {
  contradictionIn,
  dedupeKeyOf,
  Notification,
  toObservation,
} from '../providers/midtrans/messages.ts';
import { isSignedBy } from '../providers/midtrans/signature.ts';
import type { Observation } from '../providers/payment-provider.ts';
import type { StoredNotification } from '../repositories/notifications.ts';
import * as notifications from '../repositories/notifications.ts';
import * as orders from '../repositories/orders.ts';
import * as outbox from '../repositories/outbox.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import { applyObservation, isNewAttempt, isRevived } from './observations.ts';

type Dependencies = {
  readonly db: Db;
  readonly midtrans: MidtransAdapter;
  /** How long a request may wait for the provider's word before a job takes over. */
  readonly confirmMs: number;
  readonly log: Logger;
};

/** The dashboard's test button names an order that exists nowhere. */
const testPrefix = 'payment_notif_test_';
const amountFault = 'the amount differs from the order';
const maxWaiting = 20n;

export type NotificationService = ReturnType<typeof createNotificationService>;

/** What Midtrans tells us: verified, stored once, confirmed with its books, applied. */
export function createNotificationService({ db, midtrans, confirmMs, log }: Dependencies) {
  /**
   * Takes a message as it came. When this returns, it is stored and either applied or in the hands
   * of a job; Midtrans repeats whatever throws.
   *
   * @throws Problem `notification-malformed`, `notification-signature-invalid`, `order-not-found`,
   *   `notification-contradicts`, `provider-not-configured`
   */
  async function receive(tenant: Tenant, body: Buffer, requestId: string): Promise<void> {
    const account = accountOf(tenant);
    const text = body.toString('utf8');
    const message = parse(text);
    if (!isSignedBy(account.serverKey, toSigned(message))) {
      throw new Problem(
        'notification-signature-invalid',
        `The signature does not fit the server key of ${tenant.slug}.`,
      );
    }
    if (message.order_id.startsWith(testPrefix)) {
      log.info({ tenantId: tenant.id, requestId }, 'the test notification arrived');
      return;
    }
    const { stored, payment } = await db.withTenant(tenant.id, (tx) =>
      store(tx, { account, message, text }),
    );
    if (stored.status === 'processed') return; // a further copy
    if (stored.status === 'rejected') throw contradiction(stored.detail ?? 'it was refused before');
    if (!payment) {
      throw new Problem('order-not-found', `There is no order ${message.order_id}.`);
    }
    await confirm(tenant, { account, message, payment, stored, requestId });
  }

  type Confirmation = {
    readonly account: MidtransAccount;
    readonly message: Notification;
    readonly payment: Payment;
    readonly stored: StoredNotification;
    readonly requestId: string;
  };

  /** Applies the message within the request when the provider confirms it fast enough. */
  async function confirm(tenant: Tenant, confirmation: Confirmation): Promise<void> {
    const { account, message, payment, stored, requestId } = confirmation;
    const news = await observe(account, { message, payment, timeoutMs: confirmMs });
    await db.withTenant(tenant.id, async (tx) => {
      await apply(tx, tenant, { ...news, payment, stored, requestId });
      if (news.isConclusive) return;
      // One job a message, however many copies of it come while the provider is slow.
      const payload = { notificationId: stored.id, requestId };
      await outbox.add(tx, { topic: 'notification-confirm', payload }, stored.id);
    });
  }

  /**
   * Finishes a stored message whose confirmation was not to be had in time.
   *
   * @throws Error while the provider does not confirm it; the queue tries again
   */
  async function confirmLater(
    tenant: Tenant,
    id: NotificationId,
    requestId: string | undefined,
  ): Promise<void> {
    const found = await db.withTenant(tenant.id, async (tx) => {
      const stored = await notifications.find(tx, id);
      if (!stored?.paymentId || stored.status !== 'received') return undefined;
      return { stored, payment: await payments.get(tx, stored.paymentId) };
    });
    if (!found) return;
    const { stored, payment } = found;
    const news = await observe(accountOf(tenant), { message: parse(stored.body), payment });
    await db.withTenant(tenant.id, async (tx) => {
      await apply(tx, tenant, { ...news, payment, stored, requestId });
    });
    if (!news.isConclusive) throw new Error(`Midtrans does not confirm notification ${id} yet.`);
  }

  /**
   * What may be acted on: the message itself where it changes nothing, else the provider's books,
   * because the signature does not cover the status.
   */
  async function observe(
    account: MidtransAccount,
    question: { message: Notification; payment: Payment; timeoutMs?: number },
  ): Promise<News> {
    const { message, payment, timeoutMs } = question;
    const claim = toObservation(message);
    if (isHarmless(payment, claim)) return { observation: claim, isConclusive: true };
    const answer = await midtrans.status(account, {
      reference: payment.reference,
      transactionId: claim.transactionId,
      ...(timeoutMs && { timeoutMs }),
    });
    if (answer.kind !== 'found') return { observation: undefined, isConclusive: false };
    const { observation } = answer;
    return { observation, isConclusive: isConclusive(payment, { claim, observation }) };
  }

  return { receive, confirmLater };
}

/** @throws Problem `notification-malformed` */
function parse(text: string): Notification {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Problem('notification-malformed', 'The body is not JSON.');
  }
  const parsed = Notification.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new Problem('notification-malformed', 'The body is not a Midtrans notification.', {
    errors: parsed.error.issues.map(({ path, message }) => ({
      field: path.join('.') || 'body',
      message,
    })),
  });
}

/** Stores the message with what can be said of it without asking: unknown, contradictory, or good. */
async function store(
  tx: TenantTx,
  received: { account: MidtransAccount; message: Notification; text: string },
): Promise<{ stored: StoredNotification; payment: Payment | undefined }> {
  const { account, message, text } = received;
  const reference = message.order_id;
  const payment = await payments.findByReference(tx, { provider: 'midtrans', reference });
  const fault = payment && faultIn(message, payment, account);
  if (payment && !fault) await refuseFlood(tx, reference);
  // The amount is signed, so the account did take another one: a fee on top, or a name used twice.
  if (payment && fault === amountFault) {
    await orders.flag(tx, payment.orderId, `The provider reports ${message.gross_amount}.`);
  }
  const stored = await notifications.store(tx, {
    provider: 'midtrans',
    // A message that was edited outside its signature must not take the place of the true one.
    dedupeKey: (fault ? `rejected|${fault}|` : '') + dedupeKeyOf(message),
    reference,
    paymentId: payment?.id,
    status: statusOf(payment, fault),
    detail: fault,
    body: text,
  });
  return { stored, payment };
}

function statusOf(payment: Payment | undefined, fault: string | undefined) {
  if (!payment) return 'unmatched';
  return fault ? 'rejected' : 'received';
}

/**
 * Only the signed members of a message cannot be made up, so one true message could be sent again
 * in endless variations, each stored and asked about.
 *
 * @throws Problem `too-many-notifications`
 */
async function refuseFlood(tx: TenantTx, reference: string): Promise<void> {
  if ((await notifications.countWaiting(tx, reference)) < maxWaiting) return;
  throw new Problem(
    'too-many-notifications',
    `The provider has not confirmed the last ${maxWaiting} messages about ${reference}.`,
    { retryAfter: 600 },
  );
}

/** Why a signed message cannot be true; undefined when it may be. */
function faultIn(
  message: Notification,
  payment: Payment,
  account: MidtransAccount,
): string | undefined {
  const contradiction = contradictionIn(message);
  if (contradiction) return contradiction;
  if (message.merchant_id && account.merchantId && message.merchant_id !== account.merchantId) {
    return "merchant_id differs from the tenant's";
  }
  const claim = toObservation(message);
  if (claim.money.currency !== payment.money.currency) return 'the currency differs from the order';
  if (claim.money.amount !== payment.money.amount) return amountFault;
  const decision = decide(payment, claim);
  return decision.kind === 'illegal' ? decision.why : undefined;
}

/** What came of asking. Not conclusive: the books do not show yet what the message tells of. */
type News = { readonly observation: Observation | undefined; readonly isConclusive: boolean };

/** Nothing comes of it that somebody could want to forge. */
function isHarmless(payment: Payment, claim: Observation): boolean {
  const decision = decide(payment, claim);
  const isQuiet = decision.kind === 'stay' && decision.attention === undefined;
  return isQuiet && !isNewAttempt(payment, claim) && !isRevived(payment, claim);
}

/** Once the books' word is applied, the message has nothing left to tell. */
function isConclusive(
  payment: Payment,
  { claim, observation }: { claim: Observation; observation: Observation },
): boolean {
  if (observation.state === claim.state) return true;
  const decision = decide(payment, observation);
  const after =
    decision.kind === 'move'
      ? { status: decision.to, transactionId: observation.transactionId }
      : payment;
  return decide(after, claim).kind !== 'move';
}

async function apply(
  tx: TenantTx,
  { timeZone }: Tenant,
  news: News & {
    readonly payment: Payment;
    readonly stored: StoredNotification;
    readonly requestId: string | undefined;
  },
): Promise<void> {
  if (!news.observation) return;
  const cause = { source: 'notification', requestId: news.requestId, timeZone } as const;
  const { detail } = await applyObservation(tx, news.payment, news.observation, cause);
  if (!news.isConclusive) return;
  await notifications.finish(tx, news.stored.id, { status: 'processed', detail });
}

function contradiction(detail: string): Problem {
  return new Problem('notification-contradicts', `The notification was refused: ${detail}.`);
}

function toSigned(message: Notification) {
  return {
    orderId: message.order_id,
    statusCode: message.status_code,
    grossAmount: message.gross_amount,
    signature: message.signature_key,
  };
}

/** @throws Problem `provider-not-configured`: without a key anybody could compute a signature */
function accountOf(tenant: Tenant): MidtransAccount {
  if (tenant.midtrans) return tenant.midtrans;
  throw new Problem('provider-not-configured', `${tenant.slug} has no Midtrans server key.`);
}
