import type { Db, TenantTx } from '../db/database.ts';
import { bySystem } from '../domain/caller.ts';
import type { ReconciliationId } from '../domain/ids.ts';
import { hasMoney } from '../domain/payment-states.ts';
import { type Difference, differencesOf, type Ours, type Said } from '../domain/reconciliation.ts';
import { booksLagMs } from '../domain/refunds.ts';
import type { MidtransAccount, Tenant } from '../domain/tenant.ts';
import type { MidtransAdapter } from '../providers/midtrans/adapter.ts';
import type { AttemptsAnswer, Observation, StatusAnswer } from '../providers/payment-provider.ts';
import * as attentionItems from '../repositories/attention-items.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import * as orders from '../repositories/orders.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import * as differences from '../repositories/reconciliation-differences.ts';
import type { Reconciliation } from '../repositories/reconciliations.ts';
import * as reconciliations from '../repositories/reconciliations.ts';
import type { Refund } from '../repositories/refunds.ts';
import * as refunds from '../repositories/refunds.ts';
import { type Applied, applyObservation, isRevived } from './observations.ts';
import { feeOf } from './observed-sums.ts';
import { queueEnd } from './order-changes.ts';

type Dependencies = {
  readonly db: Db;
  readonly midtrans: MidtransAdapter;
  readonly providerTimeoutMs: number;
};

/** A payment as our books have it. */
export type Entry = { readonly payment: Payment; readonly refunds: readonly Refund[] };

/**
 * `agrees`: maybe only now that ours is mended. `differs`: it is for a person. `again`: it has to be
 * asked once more.
 */
export type Answered =
  | { readonly kind: 'agrees' | 'differs' }
  | { readonly kind: 'again'; readonly reason: string; readonly isSilent: boolean };

/** The transactions that the order's payments are known by. */
type Siblings = { readonly siblings: readonly string[] };
type OrderedEntry = Entry & Siblings;
/** What the books say by the reference, and of our row's own transaction if that is another one. */
type Told = {
  readonly newest: Observation | undefined;
  readonly own?: Observation | undefined;
  /** Those attempts on the page that have money. */
  readonly paid: readonly Observation[];
};
type News = { readonly about: Observation | undefined; readonly another?: Observation };
type Asking = { readonly tenant: Tenant; readonly run: Reconciliation };
type Compared = Asking & {
  readonly before: Entry;
  readonly told: Told;
  readonly found: readonly Difference[];
};

/** So that a batch of questions always ends long before its job's time is up. */
const longestQuestionMs = 15_000;

const none: AttemptsAnswer = { kind: 'found', attempts: [] };

/** Asks the provider about one payment, holds our books against the answer, and mends ours. */
export function createReconciliationQuestions(dependencies: Dependencies) {
  const { db, midtrans } = dependencies;
  const timeoutMs = Math.min(dependencies.providerTimeoutMs, longestQuestionMs);

  async function ask(asking: Asking, entry: Entry): Promise<Answered> {
    const { tenant } = asking;
    if (!tenant.midtrans) return silent('the merchant has no provider account');
    const told = await askBooks(tenant.midtrans, entry.payment);
    if ('reason' in told) return silent(told.reason);
    // Most agree, and cost no transaction.
    if (compare(entry, told).length === 0) return { kind: 'agrees' };
    return db.withTenant(tenant.id, (tx) => settle(tx, { ...asking, before: entry, told }));
  }

  /**
   * By the reference, which stands for all attempts: the one that succeeded, or else the newest. If
   * that is not ours, or nothing, ours is asked for as well. Where there is money there may be more
   * of it, by an attempt whose every message was lost.
   */
  async function askBooks(
    account: MidtransAccount,
    { reference, transactionId, capturedAmount }: Payment,
  ): Promise<Told | { readonly reason: string }> {
    const answer = await midtrans.status(account, { reference, timeoutMs });
    if (answer.kind === 'unavailable') return answer;
    const newest = foundIn(answer);
    const isPaid = capturedAmount > 0n || (newest && hasMoney(newest.state));
    const all = isPaid ? await midtrans.attempts(account, { reference, timeoutMs }) : none;
    if (all.kind === 'unavailable') return all;
    const paid = all.attempts.filter(({ state }) => hasMoney(state));
    if (!transactionId || newest?.transactionId === transactionId) return { newest, paid };
    const own = await midtrans.status(account, { reference, transactionId, timeoutMs });
    return own.kind === 'unavailable' ? own : { newest, own: foundIn(own), paid };
  }

  return { ask };
}

/** Compares again under the order's lock, mends what the provider's word is enough for, and notes it. */
async function settle(tx: TenantTx, asked: Omit<Compared, 'found'>): Promise<Answered> {
  const { run, before, told } = asked;
  const order = await orders.lock(tx, before.payment.orderId);
  if (!(await reconciliations.hold(tx, run))) return again('another worker has moved on');
  const now = await read(tx, before.payment);
  const found = compare(now, told);
  if (found.length === 0) return { kind: 'agrees' };
  if (isMoved(before.payment, now.payment)) return again('the payment changed while we asked');
  const { about, applied } = await apply(tx, { ...asked, before: now, found });
  const after = await read(tx, now.payment);
  const left = compare(after, told);
  const repaired = found.filter((difference) => !left.some((other) => isSame(difference, other)));
  const noted = { reconciliationId: run.id, payment: now.payment };
  await differences.insert(tx, { ...noted, differences: repaired, resolution: 'repaired' });
  await auditRepair(tx, noted, repaired);
  if (left.length === 0) return { kind: 'agrees' };
  // Booked one at a time, each with its order's lock.
  const isMore = left.some(({ what }) => what === 'paid-twice') && applied?.kind !== 'illegal';
  if (isMore) return again('another attempt took money, too');
  const isRefused = applied?.kind === 'illegal';
  if (isSettling(now) && !isRefused) return again('the payment changed a moment ago');
  await differences.insert(tx, { ...noted, differences: left, resolution: 'open' });
  if (about && isRevived(now.payment, about)) {
    await queueEnd(tx, now.payment, { source: 'reconciliation' });
    return again('it can be paid there, and is being ended');
  }
  // What cannot be is flagged where it is refused.
  if (!isRefused) {
    await attentionItems.raise(tx, {
      orderId: order.id,
      paymentId: now.payment.id,
      reason: 'books-differ',
      detail: describeLeft(left),
    });
  }
  return { kind: 'differs' };
}

/**
 * What the books say goes through the one door that all news goes through. Two attempts are never
 * moved in one transaction: the rows that all orders share would be locked twice.
 */
async function apply(tx: TenantTx, compared: Omit<Compared, 'before'> & { before: OrderedEntry }) {
  const { tenant, before, told, found } = compared;
  const { payment } = before;
  const cause = { source: 'reconciliation', timeZone: tenant.timeZone } as const;
  const { about, another } = newsIn(before, told);
  const applied: Applied | undefined = about && (await applyObservation(tx, payment, about, cause));
  const isPaidTwice = another && found.some(({ what }) => what === 'paid-twice');
  if (!isPaidTwice || applied?.kind === 'moved') return { about, applied };
  const besides = await applyObservation(tx, payment, another, cause);
  return { about, applied: besides.kind === 'illegal' ? besides : applied };
}

type Noted = { readonly reconciliationId: ReconciliationId; readonly payment: Payment };

async function auditRepair(
  tx: TenantTx,
  { reconciliationId, payment }: Noted,
  repaired: readonly Difference[],
): Promise<void> {
  if (repaired.length === 0) return;
  const nameOf = ({ what, subject }: Difference) => (subject ? `${what} ${subject}` : what);
  await auditEntries.append(tx, tx.tenantId, bySystem('reconciliation', reconciliationId), {
    action: 'reconciliation.repaired',
    subject: { kind: 'payment', id: payment.id },
    before: Object.fromEntries(repaired.map((each) => [nameOf(each), each.ours])),
    after: Object.fromEntries(repaired.map((each) => [nameOf(each), each.theirs])),
  });
}

async function read(tx: TenantTx, { id, orderId }: Payment): Promise<OrderedEntry> {
  const all = await payments.listOfOrder(tx, orderId);
  return {
    payment: await payments.get(tx, id),
    refunds: await refunds.listOfPayments(tx, [id]),
    siblings: all.flatMap(({ transactionId }) => transactionId ?? []),
  };
}

/** Which of the answers is about our row, and which about an attempt that has no row yet. */
function newsIn(
  { payment, siblings = [] }: Entry & Partial<Siblings>,
  { newest, own, paid }: Told,
): News {
  const { transactionId, status } = payment;
  const isOurs = transactionId === undefined || transactionId === newest?.transactionId;
  const known = [...siblings, isOurs ? newest?.transactionId : transactionId];
  const another = [newest, ...paid].find((one) => one && !known.includes(one.transactionId));
  const also = another && { another };
  if (!newest) return { about: own, ...also };
  if (isOurs) return { about: newest, ...also };
  // A second one that has a row of its own is compared there.
  if (siblings.includes(newest.transactionId)) return { about: own, ...also };
  const isHeld = hasMoney(status) || status === 'challenged' || status === 'authorized';
  return isHeld ? { about: own, ...also } : { about: newest };
}

function compare(entry: Entry & Partial<Siblings>, told: Told): Difference[] {
  const { about, another } = newsIn(entry, told);
  const fee = about ? feeOf(entry.payment, about) : 0n;
  const said: Said = { about: about && toTheirs(about), another: another && toTheirs(another) };
  return differencesOf(toOurs(entry, fee === 'contradictory' ? 0n : fee), said);
}

/** `fee`: what the provider charged the shopper on top, which is in all its sums. */
function toOurs({ payment, refunds: all }: Entry, fee: bigint): Ours {
  return {
    status: payment.status,
    transactionId: payment.transactionId,
    amount: payment.money.amount + fee,
    currency: payment.money.currency,
    captured: payment.capturedAmount,
    refunded: payment.refundedAmount,
    lost: payment.lostAmount,
    isCallRunning: payment.status === 'creating' && payment.isLeased,
    mayBeThere:
      payment.mayHavePage || payment.token !== undefined || payment.transactionId !== undefined,
    refunds: all.map((refund) => ({
      key: refund.providerKey,
      amount: refund.money.amount,
      status: refund.status,
      isSettling: isYoung(refund),
    })),
  };
}

function toTheirs({ state, transactionId, money, refundedAmount, books }: Observation) {
  return {
    state,
    transactionId,
    amount: money.amount,
    currency: money.currency,
    refunded: refundedAmount,
    refunds: books?.refunds,
  };
}

function isSettling({ payment, refunds: all }: Entry): boolean {
  return payment.isSettling || all.some(isYoung);
}

function isYoung({ status, isLeased, acceptedAt }: Refund): boolean {
  const isAccepted = status === 'accepted' && acceptedAt !== undefined;
  return isLeased || (isAccepted && acceptedAt.getTime() > Date.now() - booksLagMs);
}

/** Somebody else learned something of it since: our answer may be the older one. */
function isMoved(before: Payment, now: Payment): boolean {
  return (
    before.status !== now.status ||
    before.transactionId !== now.transactionId ||
    before.capturedAmount !== now.capturedAmount ||
    before.refundedAmount !== now.refundedAmount ||
    before.lostAmount !== now.lostAmount
  );
}

function isSame(one: Difference, other: Difference): boolean {
  return one.what === other.what && one.subject === other.subject;
}

function describeLeft(left: readonly Difference[]): string {
  const lines = left.map(({ what, ours, theirs }) => `${what}: ${ours} here, ${theirs} there`);
  return `The provider's books differ: ${lines.join('; ')}.`;
}

function foundIn(answer: StatusAnswer): Observation | undefined {
  return answer.kind === 'found' ? answer.observation : undefined;
}

function silent(reason: string): Answered {
  return { kind: 'again', reason, isSilent: true };
}

function again(reason: string): Answered {
  return { kind: 'again', reason, isSilent: false };
}
