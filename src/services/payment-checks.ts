import type { Logger } from 'pino';
import type { Db } from '../db/database.ts';
import type { PaymentId, TenantId } from '../domain/ids.ts';
import { isOpen } from '../domain/payment-states.ts';
import type { MidtransAccount, Tenant } from '../domain/tenant.ts';
import type { MidtransAdapter } from '../providers/midtrans/adapter.ts';
import type { StatusAnswer } from '../providers/payment-provider.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import { applyObservation } from './observations.ts';
import { type BookedCause, expirePayment } from './order-changes.ts';

type Dependencies = {
  readonly db: Db;
  readonly midtrans: MidtransAdapter;
  readonly log: Logger;
};

const firstGapSeconds = 60;
const lastGapSeconds = 6 * 3_600;
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
    return answer.kind !== 'unavailable';
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
    if (isOver(answer) && payment.token) {
      const page = await midtrans.cancelPage(account, payment.token);
      if (page === 'unavailable') return 'unavailable';
      // Somebody chose a method after we asked.
      if (page === 'in-use') answer = await askAndExpire(account, payment);
    }
    await write(tenant, payment, answer);
    if (answer.kind === 'unavailable') return 'unavailable';
    if (isOver(answer)) {
      await db.withTenant(tenant.id, (tx) => expirePayment(tx, payment, causeIn(tenant)));
    }
    const after = await db.withTenantOnce(tenant.id, (tx) => payments.get(tx, id));
    return isOpen(after.status) ? 'open' : 'ended';
  }

  async function askAndExpire(account: MidtransAccount, payment: Payment): Promise<StatusAnswer> {
    const answer = await ask(account, payment);
    if (answer.kind !== 'found' || answer.observation.state !== 'pending') return answer;
    await midtrans.expire(account, payment.reference);
    // Asked again rather than believed: it may have been paid in the same moment.
    return ask(account, payment);
  }

  /** By the reference, which stands for all attempts: the one that succeeded, or else the newest. */
  async function ask(account: MidtransAccount, payment: Payment): Promise<StatusAnswer> {
    const { reference, transactionId } = payment;
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
      const gap = Math.min(firstGapSeconds * 2 ** payment.checks, lastGapSeconds);
      const untilEnd = Math.ceil((payment.expiresAt.getTime() - Date.now()) / 1_000) + 60;
      const afterSeconds = untilEnd > 0 ? Math.min(gap, untilEnd) : gap;
      await payments.planCheck(tx, id, { afterSeconds });
      return payment;
    });
  }

  return { check, end };
}

function causeIn({ timeZone }: Tenant): BookedCause {
  return { source: 'check', timeZone };
}

/** Nothing is waiting at the provider, and no money has come. */
function isOver(answer: StatusAnswer): boolean {
  if (answer.kind === 'not-found') return true;
  return answer.kind === 'found' && overStates.includes(answer.observation.state);
}
