import type { Logger } from 'pino';
import type { Db } from '../db/database.ts';
import type { PaymentId, TenantId } from '../domain/ids.ts';
import { hasMoney, isOpen, orderStandOf } from '../domain/payment-states.ts';
import type { MidtransAccount, Tenant } from '../domain/tenant.ts';
import type { MidtransAdapter, PageEnd } from '../providers/midtrans/adapter.ts';
import type { StatusAnswer } from '../providers/payment-provider.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import { applyObservation } from './observations.ts';
import { mismatchIn } from './observed-sums.ts';
import { type BookedCause, expirePayment, lateCheckSecondsOf } from './order-changes.ts';

type Dependencies = {
  readonly db: Db;
  readonly midtrans: MidtransAdapter;
  readonly log: Logger;
};

const firstGapSeconds = 60;
const lastGapSeconds = 6 * 3_600;
/** For so long after its page an ended payment is asked about, in case money came without a word. */
const lateDays = 3;
/** States in which the provider waits for nobody any more. */
const overStates: readonly string[] = ['expired', 'cancelled', 'denied'];

/** `open`: it still can be paid. `unavailable`: the provider did not say. */
export type Ending = 'ended' | 'open' | 'unavailable';

export type PaymentChecks = ReturnType<typeof createPaymentChecks>;

/** Asks the provider about payments that nobody told us about. */
export function createPaymentChecks({ db, midtrans, log }: Dependencies) {
  /** Asks about one payment and writes the answer; false when the provider did not say. */
  async function check(tenant: Tenant, id: PaymentId): Promise<boolean> {
    const payment = await plan(tenant.id, id);
    if (!tenant.midtrans) return false;
    const answer = await ask(tenant.midtrans, payment);
    await write(tenant, payment, answer);
    if (answer.kind !== 'found') return answer.kind !== 'unavailable';
    // The answer may be about another attempt, which says nothing of what became of this one.
    const { reference, transactionId } = await db.withTenantOnce(tenant.id, (tx) =>
      payments.get(tx, id),
    );
    if (!transactionId || transactionId === answer.observation.transactionId) return true;
    const own = await midtrans.status(tenant.midtrans, { reference, transactionId });
    await write(tenant, payment, own);
    return own.kind !== 'unavailable';
  }

  /**
   * As `check`, and ends at the provider whatever still could be paid: a pending transaction, then
   * the page itself. Only what nobody can pay any more is given up.
   */
  async function end(tenant: Tenant, id: PaymentId): Promise<Ending> {
    const payment = await plan(tenant.id, id);
    const account = tenant.midtrans;
    if (!account) return 'unavailable';
    let answer = await askAndExpire(account, payment);
    let page = await closePage(account, payment, answer);
    if (page === 'in-use') {
      // Somebody may have chosen a method after we asked.
      answer = await askAndExpire(account, payment);
      page = isFinal(answer) ? 'closed' : 'in-use';
    }
    await write(tenant, payment, answer);
    if (answer.kind === 'unavailable' || page === 'unavailable') return 'unavailable';
    if (!isOver(answer)) return isWaiting(answer) ? 'open' : 'ended';
    if (page !== 'closed') return 'open';
    await db.withTenant(tenant.id, (tx) => expirePayment(tx, payment, causeIn(tenant)));
    const after = await db.withTenantOnce(tenant.id, (tx) => payments.get(tx, id));
    return isOpen(after.status) ? 'open' : 'ended';
  }

  /**
   * As `end`, while nobody wants the payment any more: its order has money, or it was given up. A
   * payment that its order is waiting for again is left alone.
   */
  async function endIfUnwanted(tenant: Tenant, id: PaymentId): Promise<Ending> {
    const isWanted = await db.withTenant(tenant.id, async (tx) => {
      const payment = await payments.get(tx, id);
      const all = await payments.listOfOrder(tx, payment.orderId);
      return isOpen(payment.status) && !hasMoney(orderStandOf(all).status);
    });
    return isWanted ? 'ended' : end(tenant, id);
  }

  /**
   * Ends the page of a payment that nothing is waiting for. One that nobody was ever shown, or
   * whose time was up long ago, needs no closing: Midtrans ends it by the time that we gave it.
   */
  async function closePage(
    account: MidtransAccount,
    payment: Payment,
    answer: StatusAnswer,
  ): Promise<PageEnd> {
    if (!isOver(answer) || !payment.token || payment.isPageOver) return 'closed';
    return midtrans.cancelPage(account, payment.token);
  }

  async function askAndExpire(account: MidtransAccount, payment: Payment): Promise<StatusAnswer> {
    const answer = await ask(account, payment);
    const isOurs = answer.kind === 'found' && !mismatchIn(payment, answer.observation);
    if (!isOurs || answer.observation.state !== 'pending') return answer;
    await midtrans.expire(account, payment.reference);
    // Asked again rather than believed: it may have been paid in the same moment.
    return ask(account, payment);
  }

  /**
   * By the reference, which stands for all attempts: the one that succeeded, or else the newest. A
   * further attempt that paid as well is known only by its own id.
   */
  async function ask(account: MidtransAccount, payment: Payment): Promise<StatusAnswer> {
    const { reference, attempt, transactionId } = payment;
    if (attempt > 1 && transactionId) return midtrans.status(account, { reference, transactionId });
    const answer = await midtrans.status(account, { reference });
    // Some channels know their transactions only by the provider's own id.
    if (answer.kind !== 'not-found' || !transactionId) return answer;
    return midtrans.status(account, { reference, transactionId });
  }

  async function write(tenant: Tenant, payment: Payment, answer: StatusAnswer) {
    const { id: tenantId } = tenant;
    if (answer.kind === 'found') {
      const { observation } = answer;
      await db.withTenant(tenantId, (tx) =>
        applyObservation(tx, payment, observation, causeIn(tenant)),
      );
    }
    if (answer.kind === 'unavailable') {
      log.warn({ tenantId, paymentId: payment.id, reason: answer.reason }, 'a check failed');
    }
  }

  /**
   * Plans the next question before this one is asked, so that one that breaks does not come first
   * for ever: with growing gaps, and one soon after the page is over.
   */
  async function plan(tenantId: TenantId, id: PaymentId): Promise<Payment> {
    return db.withTenant(tenantId, async (tx) => {
      const payment = await payments.get(tx, id);
      await payments.planCheck(tx, payment, { afterSeconds: gapAfter(payment) });
      return payment;
    });
  }

  return { check, end, endIfUnwanted };
}

function causeIn({ timeZone }: Tenant): BookedCause {
  return { source: 'check', timeZone };
}

/**
 * While it is open, sooner when its page is about to end. One that ended without money is looked at
 * for some days more; of one that has it, there is nothing more to ask.
 */
function gapAfter(payment: Payment): number | undefined {
  if (!isOpen(payment.status)) {
    const isRecent = Date.now() < payment.expiresAt.getTime() + lateDays * 86_400_000;
    return isRecent ? lateCheckSecondsOf(payment.status) : undefined;
  }
  const gap = Math.min(firstGapSeconds * 2 ** payment.checks, lastGapSeconds);
  const untilEnd = Math.ceil((payment.expiresAt.getTime() - Date.now()) / 1_000) + 60;
  return untilEnd > 0 ? Math.min(gap, untilEnd) : gap;
}

/** The one transaction of the page has ended for good. */
function isFinal(answer: StatusAnswer): boolean {
  return answer.kind === 'found' && ['expired', 'cancelled'].includes(answer.observation.state);
}

/** It may still become money, whatever our own row says. */
function isWaiting(answer: StatusAnswer): boolean {
  const waiting = ['pending', 'challenged', 'authorized'];
  return answer.kind === 'found' && waiting.includes(answer.observation.state);
}

/** Nothing is waiting at the provider, and no money has come. */
function isOver(answer: StatusAnswer): boolean {
  if (answer.kind === 'not-found') return true;
  return answer.kind === 'found' && overStates.includes(answer.observation.state);
}
