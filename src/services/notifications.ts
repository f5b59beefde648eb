import type { Logger } from 'pino';
import type { Db, TenantTx } from '../db/database.ts';
import type { NotificationId } from '../domain/ids.ts';
import { decide, isPast } from '../domain/payment-states.ts';
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

const testPrefix = 'payment_notif_test_';
const amountFault = 'the amount differs from the order';
const maxPerHour = 20n;

export type NotificationService = ReturnType<typeof createNotificationService>;

/** What Midtrans tells us: verified, stored once, confirmed with its books, applied. */
export function createNotificationService({ db, midtrans, confirmMs, log }: Dependencies) {
  /**
   * Takes a message as it came. When this returns, it is stored and either applied or in the hands
   * of a job; Midtrans repeats whatever throws.
   *
   * @throws Problem `notification-malformed`, `notification-signature-invalid`, `order-not-found`,
   *   `notification-contradicts`, `too-many-notifications`, `provider-not-configured`
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
    const taken = await db.withTenant(tenant.id, (tx) => take(tx, { account, message, text }));
    if (taken.kind === 'test') {
      log.info({ tenantId: tenant.id, requestId }, 'the test notification arrived');
      return;
    }
    if (taken.kind === 'flood') throw tooMany(message.order_id);
    const { stored, payment } = taken;
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
      if (await apply(tx, tenant, { ...news, payment, stored, requestId })) return;
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
    const isSettled = await db.withTenant(tenant.id, (tx) =>
      apply(tx, tenant, { ...news, payment, stored, requestId }),
    );
    if (!isSettled) throw new Error(`Midtrans does not confirm notification ${id} yet.`);
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
    if (isHarmless(payment, claim)) return { kind: 'claim', observation: claim };
    const answer = await midtrans.status(account, {
      reference: payment.reference,
      transactionId: claim.transactionId,
      ...(timeoutMs && { timeoutMs }),
    });
    if (answer.kind !== 'found') return { kind: 'silence' };
    const { observation } = answer;
    const isConclusive = isPast(claim.state, observation.state);
    return { kind: 'books', observation, isConclusive };
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

type Taken =
  /** The dashboard's test button: it names an order that exists nowhere. */
  | { readonly kind: 'test' }
  | { readonly kind: 'flood' }
  | {
      readonly kind: 'stored';
      readonly stored: StoredNotification;
      readonly payment: Payment | undefined;
    };

/** Stores the message with what can be said of it without asking: unknown, contradictory, or good. */
async function take(
  tx: TenantTx,
  received: { account: MidtransAccount; message: Notification; text: string },
): Promise<Taken> {
  const { account, message, text } = received;
  const reference = message.order_id;
  const payment = await payments.findByReference(tx, { provider: 'midtrans', reference });
  if (!payment && reference.startsWith(testPrefix)) return { kind: 'test' };
  const fault = payment && faultIn(message, payment, account);
  // A message that was edited outside its signature must not take the place of the true one.
  const dedupeKey = (fault ? `rejected|${fault}|` : '') + dedupeKeyOf(message);
  const { isKnown, others } = await notifications.countOthers(tx, { reference, dedupeKey });
  if (!isKnown && others >= maxPerHour) {
    // Only the signed members of a message cannot be made up, so one true message could come in
    // endless variations. The provider's books know what is true of them.
    if (payment) await payments.askSoon(tx, payment.id);
    return { kind: 'flood' };
  }
  // The amount is signed, so the account did take another one: a fee on top, or a name used twice.
  if (payment && fault === amountFault) {
    await orders.flag(tx, payment.orderId, `The provider reports ${message.gross_amount}.`);
  }
  const stored = await notifications.store(tx, {
    provider: 'midtrans',
    dedupeKey,
    reference,
    paymentId: payment?.id,
    status: statusOf(payment, fault),
    detail: fault,
    body: text,
  });
  return { kind: 'stored', stored, payment };
}

function statusOf(payment: Payment | undefined, fault: string | undefined) {
  if (!payment) return 'unmatched';
  return fault ? 'rejected' : 'received';
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

/** What came of asking, if it was worth asking. */
type News =
  /** The message itself, which changes nothing that somebody could want to forge. */
  | { readonly kind: 'claim'; readonly observation: Observation }
  /** Not conclusive: the books do not show yet what the message tells of. */
  | { readonly kind: 'books'; readonly observation: Observation; readonly isConclusive: boolean }
  | { readonly kind: 'silence' };

function isHarmless(payment: Payment, claim: Observation): boolean {
  const decision = decide(payment, claim);
  const isQuiet = decision.kind === 'stay' && decision.attention === undefined;
  // The books may know more of a known refund: that its bank confirmed it.
  if (claim.state === 'refunded' || claim.state === 'partially_refunded') return false;
  return isQuiet && !isNewAttempt(payment, claim) && !isRevived(payment, claim);
}

/** Writes the news; true when the message has nothing left to tell. */
async function apply(
  tx: TenantTx,
  { timeZone }: Tenant,
  news: News & {
    readonly payment: Payment;
    readonly stored: StoredNotification;
    readonly requestId: string | undefined;
  },
): Promise<boolean> {
  if (news.kind === 'silence') return false;
  const { payment, observation, requestId } = news;
  if (news.kind === 'claim') {
    // What it would change was judged without the lock, and may have changed meanwhile.
    await orders.lock(tx, payment.orderId);
    if (!isHarmless(await payments.get(tx, payment.id), observation)) return false;
  }
  const cause = { source: 'notification', requestId, timeZone } as const;
  const { detail } = await applyObservation(tx, payment, observation, cause);
  if (news.kind === 'books' && !news.isConclusive) return false;
  await notifications.finish(tx, news.stored.id, detail);
  return true;
}

function tooMany(reference: string): Problem {
  return new Problem(
    'too-many-notifications',
    `More than ${maxPerHour} different messages about ${reference} came within an hour.`,
    { retryAfter: 600 },
  );
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
