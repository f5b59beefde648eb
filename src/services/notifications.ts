import type { Logger } from 'pino';
import type { Db, TenantTx } from '../db/database.ts';
import type { NotificationId } from '../domain/ids.ts';
import { decide } from '../domain/payment-states.ts';
import { Problem } from '../domain/problems.ts';
import { accountOf, type MidtransAccount, type Tenant } from '../domain/tenant.ts';
import { isPast } from '../domain/transaction-cycle.ts';
import type { MidtransAdapter } from '../providers/midtrans/adapter.ts';
import { Notification, toObservation } from '../providers/midtrans/messages.ts';
import { isSignedBy } from '../providers/midtrans/signature.ts';
import type { Observation } from '../providers/payment-provider.ts';
import type { StoredNotification } from '../repositories/notifications.ts';
import * as notifications from '../repositories/notifications.ts';
import * as orders from '../repositories/orders.ts';
import * as outbox from '../repositories/outbox.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import { maxPerHour, take } from './notification-inbox.ts';
import { applyObservation, isNewAttempt, isRevived } from './observations.ts';
import { mismatchIn } from './observed-sums.ts';

type Dependencies = {
  readonly db: Db;
  readonly midtrans: MidtransAdapter;
  /** How long a request may wait for the provider's word before a job takes over. */
  readonly confirmMs: number;
  readonly log: Logger;
};

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
    const verdict = await db.withTenant(tenant.id, async (tx) => {
      const applied = await apply(tx, tenant, { ...news, message, payment, stored, requestId });
      if (applied.kind !== 'unconfirmed') return applied;
      // One job a message, however many copies of it come while the provider is slow.
      const payload = { notificationId: stored.id, requestId };
      await outbox.add(tx, { topic: 'notification-confirm', payload }, stored.id);
      return applied;
    });
    if (verdict.kind === 'refused') throw contradiction(verdict.detail);
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
      const message = parse(stored.body);
      const first = await payments.get(tx, stored.paymentId);
      // Its attempt may have become a payment of its own since the message came.
      const payment = await payments.getOfTransaction(tx, first, message.transaction_id);
      return { stored, message, payment };
    });
    if (!found) return;
    const { stored, message, payment } = found;
    const news = await observe(accountOf(tenant), { message, payment });
    const verdict = await db.withTenant(tenant.id, (tx) =>
      apply(tx, tenant, { ...news, message, payment, stored, requestId }),
    );
    if (verdict.kind === 'unconfirmed') {
      throw new Error(`Midtrans does not confirm notification ${id} yet.`);
    }
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

/** What came of asking, if it was worth asking. */
type News =
  /** The message itself, which changes nothing that somebody could want to forge. */
  | { readonly kind: 'claim'; readonly observation: Observation }
  /** Not conclusive: the books do not show yet what the message tells of. */
  | { readonly kind: 'books'; readonly observation: Observation; readonly isConclusive: boolean }
  | { readonly kind: 'silence' };

function isHarmless(payment: Payment, claim: Observation): boolean {
  const decision = decide(payment, claim);
  const isQuiet = decision.kind === 'stay' && !mismatchIn(payment, claim);
  // The books may know more of a known refund: that its bank confirmed it.
  if (claim.state === 'refunded' || claim.state === 'partially_refunded') return false;
  return isQuiet && !isNewAttempt(payment, claim) && !isRevived(payment, claim);
}

type Verdict =
  | { readonly kind: 'done' }
  /** The message may still have something to tell. */
  | { readonly kind: 'unconfirmed' }
  /** The books have it, and it is not what we asked for. */
  | { readonly kind: 'refused'; readonly detail: string };

/** Writes the news. */
async function apply(
  tx: TenantTx,
  { timeZone }: Tenant,
  news: News & {
    readonly message: Notification;
    readonly payment: Payment;
    readonly stored: StoredNotification;
    readonly requestId: string | undefined;
  },
): Promise<Verdict> {
  if (news.kind === 'silence') return { kind: 'unconfirmed' };
  const { message, payment, stored, observation, requestId } = news;
  if (news.kind === 'claim') {
    // What it would change was judged without the lock, and may have changed meanwhile.
    await orders.lock(tx, payment.orderId);
    const current = await payments.getOfTransaction(tx, payment, observation.transactionId);
    if (!isHarmless(current, observation)) return { kind: 'unconfirmed' };
  }
  const cause = { source: 'notification', requestId, timeZone } as const;
  const applied = await applyObservation(tx, payment, observation, cause);
  const { detail } = applied;
  const isOtherAmount = applied.kind === 'illegal' && applied.reason === 'amount-differs';
  if (isOtherAmount && toObservation(message).money.amount !== payment.money.amount) {
    await notifications.reject(tx, stored.id, detail);
    return { kind: 'refused', detail };
  }
  if (news.kind === 'books' && !news.isConclusive) return { kind: 'unconfirmed' };
  await notifications.finish(tx, stored.id, detail);
  return { kind: 'done' };
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
