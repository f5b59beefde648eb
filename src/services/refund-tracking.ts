import { v7 as uuidv7 } from 'uuid';
import type { TenantTx } from '../db/database.ts';
import type { AttentionReason } from '../domain/attention.ts';
import { RefundId } from '../domain/ids.ts';
import { booksLagMs, type RefundStatus } from '../domain/refunds.ts';
import type { Observation, ObservedRefund } from '../providers/payment-provider.ts';
import * as attentionItems from '../repositories/attention-items.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import * as orderEvents from '../repositories/order-events.ts';
import type { Payment } from '../repositories/payments.ts';
import type { Refund } from '../repositories/refunds.ts';
import * as refunds from '../repositories/refunds.ts';
import { type Cause, originOfCause } from './order-changes.ts';

type Change = {
  readonly payment: Payment;
  readonly observation: Observation;
  readonly cause: Cause;
};

/** What the books say of the refunds that the provider had accepted. */
export type RefundNews = {
  /** Of refunds that the bank has refused: this did not go back after all. */
  readonly refusedAmount: bigint;
  /** An accepted refund is not in the books yet, or not any more; it is too early to tell. */
  readonly isWaiting: boolean;
};

const noNews: RefundNews = { refusedAmount: 0n, isWaiting: false };

/**
 * Makes our refunds of a payment what the provider's books list: adopts those that were made
 * there, confirms, and finds those that the bank refused after they were accepted, which nobody
 * tells us. The caller holds the order's lock.
 */
export async function followRefunds(tx: TenantTx, change: Change): Promise<RefundNews> {
  const { payment, observation, cause } = change;
  const { transactionId, books } = observation;
  const isOther = payment.transactionId !== undefined && payment.transactionId !== transactionId;
  if (isOther || !books?.refunds) return noNews;
  const all = await refunds.listOfOrder(tx, payment.orderId);
  const known = all.filter(({ paymentId }) => paymentId === payment.id);
  for (const listed of books.refunds) {
    const refund = known.find(({ providerKey }) => providerKey === listed.key);
    await (refund ? follow(tx, refund, listed, cause) : adopt(tx, change, listed));
  }
  const keys = new Set(books.refunds.map(({ key }) => key));
  const missing = known.filter(
    ({ status, providerKey }) =>
      status === 'accepted' && !keys.has(providerKey) && tellsAllRefunds(observation),
  );
  const lastTime = books.askedAt.getTime() - booksLagMs;
  const refused = missing.filter(({ acceptedAt }) => acceptedAt && acceptedAt.getTime() < lastTime);
  for (const refund of refused) await giveUp(tx, refund, cause);
  return {
    refusedAmount: refused.reduce((sum, { money }) => sum + money.amount, 0n),
    isWaiting: missing.length > refused.length,
  };
}

/** Whether what the books do not list is not there: their list comes to the sum told with it. */
export function tellsAllRefunds({ refundedAmount = 0n, books }: Observation): boolean {
  if (!books?.refunds) return false;
  return books.refunds.reduce((sum, { amount }) => sum + amount, 0n) >= refundedAmount;
}

async function follow(
  tx: TenantTx,
  refund: Refund,
  { isConfirmed }: ObservedRefund,
  cause: Cause,
): Promise<void> {
  const status = isConfirmed ? 'confirmed' : 'accepted';
  // What was confirmed stays so: the books may be read from an older copy.
  if (refund.status === 'confirmed' || refund.status === status) return;
  if (refund.status === 'refused') await withdrawRefusal(tx, refund);
  await moveRefund(tx, refund, { status }, cause);
}

/** The bank has refused it. A merchant who was told of a refund has to know. */
async function giveUp(tx: TenantTx, refund: Refund, cause: Cause): Promise<void> {
  await moveRefund(tx, refund, { status: 'refused', detail: 'The bank refused it.' }, cause);
  await flagRefusal(tx, refund, { reason: 'refund-refused-by-bank', words: 'by its bank' });
}

/** Puts a refusal that nobody was waiting for before a person. */
export async function flagRefusal(
  tx: TenantTx,
  { id, orderId, paymentId, money }: Refund,
  { reason, words }: { readonly reason: AttentionReason; readonly words: string },
): Promise<void> {
  const detail = `Refund ${id} of ${money.amount} ${money.currency} was refused: ${words}.`;
  await attentionItems.raise(tx, { orderId, paymentId, reason, detail });
}

/** It was made after all: nobody may pay it back another way. */
async function withdrawRefusal(tx: TenantTx, { id, orderId, paymentId }: Refund): Promise<void> {
  const detail = `The provider's books have refund ${id} after all.`;
  for (const reason of ['refund-refused-by-bank', 'refund-refused'] as const) {
    await attentionItems.withdraw(tx, { orderId, paymentId, reason, detail, about: id });
  }
}

/** Something is known of it again, so nobody has to look for it. */
async function withdrawAlarm(tx: TenantTx, { id, orderId, paymentId }: Refund): Promise<void> {
  const detail = `There is news of refund ${id}.`;
  const reason = 'refund-stalled';
  await attentionItems.withdraw(tx, { orderId, paymentId, reason, detail, about: id });
}

/** A refund that was made in the provider's dashboard. */
async function adopt(
  tx: TenantTx,
  { payment, observation, cause }: Change,
  listed: ObservedRefund,
) {
  const { key, amount, reason, isConfirmed } = listed;
  const { id: paymentId, orderId } = payment;
  const { money } = observation;
  // No payment gives back more than it took: such a list is not to be believed.
  if (amount > money.amount) return;
  const refund = await refunds.insert(tx, {
    id: RefundId.parse(uuidv7()),
    orderId,
    paymentId,
    source: 'provider',
    status: 'accepted',
    money: { ...money, amount },
    reason,
    providerKey: key,
  });
  await appendEvent(tx, refund, {
    kind: 'refund-adopted',
    toStatus: refund.status,
    detail: reason,
    cause,
  });
  await auditEntries.append(tx, tx.tenantId, originOfCause(cause), {
    action: 'refund.adopted',
    subject: { kind: 'refund', id: refund.id },
    after: { payment: paymentId, amount: String(amount), currency: money.currency },
  });
  if (isConfirmed) await moveRefund(tx, refund, { status: 'confirmed' }, cause);
}

async function moveRefund(
  tx: TenantTx,
  refund: Refund,
  { status, detail }: { status: 'accepted' | 'confirmed' | 'refused'; detail?: string },
  cause: Cause,
): Promise<void> {
  await refunds.move(tx, refund.id, { status, ...(detail && { detail }) });
  await appendRefundMove(tx, refund, { status, detail, cause });
}

/** A refund's line of history: by its id for ours, by the provider's key for one made there. */
export async function appendRefundMove(
  tx: TenantTx,
  refund: Refund,
  { status, detail, cause }: { status: RefundStatus; detail: string | undefined; cause: Cause },
): Promise<void> {
  const fromStatus = refund.status;
  if (status !== 'unknown') await withdrawAlarm(tx, refund);
  await appendEvent(tx, refund, {
    kind: 'refund-moved',
    fromStatus,
    toStatus: status,
    detail,
    cause,
  });
  await auditEntries.append(tx, tx.tenantId, originOfCause(cause), {
    action: 'refund.moved',
    subject: { kind: 'refund', id: refund.id },
    before: { status: fromStatus },
    after: { status },
  });
}

type RefundEvent = {
  readonly kind: string;
  readonly fromStatus?: RefundStatus;
  readonly toStatus: RefundStatus;
  readonly detail: string | undefined;
  readonly cause: Cause;
};

async function appendEvent(tx: TenantTx, refund: Refund, { cause, ...event }: RefundEvent) {
  await orderEvents.append(tx, {
    orderId: refund.orderId,
    paymentId: refund.paymentId,
    reference: refund.providerKey,
    source: cause.source,
    requestId: cause.requestId,
    ...event,
  });
}
