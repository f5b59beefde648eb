import type { Logger } from 'pino';
import type { Db } from '../db/database.ts';
import type { PaymentId, TenantId } from '../domain/ids.ts';
import { isOpen } from '../domain/payment-states.ts';
import type { MidtransAccount, Tenant } from '../domain/tenant.ts';
import type { MidtransAdapter } from '../providers/midtrans/adapter.ts';
import type { StatusAnswer } from '../providers/payment-provider.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import * as tenants from '../repositories/tenants.ts';
import { applyObservation, type Cause, expireUnused } from './order-changes.ts';
import type { TenantDirectory } from './tenants.ts';

type Dependencies = {
  readonly db: Db;
  readonly midtrans: MidtransAdapter;
  readonly directory: TenantDirectory;
  readonly log: Logger;
};

const tenantsPerPage = 500;
const paymentsPerTenant = 100;
const lastGapSeconds = 6 * 3_600;

export type PaymentChecks = ReturnType<typeof createPaymentChecks>;

/** Asks the provider about payments that nobody told us about. */
export function createPaymentChecks({ db, midtrans, directory, log }: Dependencies) {
  /** Asks about one payment and writes the answer. */
  async function check(tenant: Tenant, id: PaymentId): Promise<void> {
    const payment = await db.withTenantOnce(tenant.id, (tx) => payments.get(tx, id));
    if (!tenant.midtrans) return plan(tenant.id, payment);
    const answer = await ask(tenant.midtrans, payment);
    await write(tenant.id, payment, answer);
  }

  /** As `check`; what still is pending is ended at the provider, so that nobody pays it later. */
  async function end(tenant: Tenant, id: PaymentId): Promise<void> {
    const payment = await db.withTenantOnce(tenant.id, (tx) => payments.get(tx, id));
    if (!tenant.midtrans) return plan(tenant.id, payment);
    let answer = await ask(tenant.midtrans, payment);
    if (answer.kind === 'found' && answer.observation.state === 'pending') {
      await midtrans.expire(tenant.midtrans, payment.reference);
      // Asked again rather than believed: it may have been paid in the same moment.
      answer = await ask(tenant.midtrans, payment);
    }
    await write(tenant.id, payment, answer);
  }

  async function ask(account: MidtransAccount, payment: Payment): Promise<StatusAnswer> {
    const { reference, transactionId } = payment;
    const answer = await midtrans.status(account, { reference });
    // Some channels know their transactions only by the provider's own id.
    if (answer.kind !== 'not-found' || !transactionId) return answer;
    return midtrans.status(account, { reference, transactionId });
  }

  async function write(tenantId: TenantId, payment: Payment, answer: StatusAnswer) {
    const cause: Cause = { source: 'check' };
    switch (answer.kind) {
      case 'found':
        await db.withTenant(tenantId, (tx) =>
          applyObservation(tx, payment, answer.observation, cause),
        );
        return plan(tenantId, payment);
      case 'not-found':
        if (payment.isOverdue) {
          return db.withTenant(tenantId, (tx) => expireUnused(tx, payment, cause));
        }
        return plan(tenantId, payment);
      case 'unavailable':
        log.warn({ tenantId, paymentId: payment.id, reason: answer.reason }, 'a check failed');
        return plan(tenantId, payment);
      default:
        return answer satisfies never;
    }
  }

  /** The next question, with growing gaps, and one soon after the page is over. */
  async function plan(tenantId: TenantId, payment: Payment): Promise<void> {
    const gap = Math.min(60 * 2 ** payment.checks, lastGapSeconds);
    const untilEnd = Math.ceil((payment.expiresAt.getTime() - Date.now()) / 1_000) + 60;
    const afterSeconds = untilEnd > 0 ? Math.min(gap, untilEnd) : gap;
    await db.withTenantOnce(tenantId, (tx) => payments.planCheck(tx, payment.id, { afterSeconds }));
  }

  /** Checks every payment that is due, tenant by tenant; answers how many it looked at. */
  async function sweep(): Promise<number> {
    let checked = 0;
    let after: TenantId | undefined;
    for (;;) {
      const page = await db.withPlatform((tx) =>
        tenants.listServedIds(tx, { after, limit: tenantsPerPage }),
      );
      for (const tenantId of page) checked += await sweepTenant(tenantId);
      if (page.length < tenantsPerPage) return checked;
      after = page.at(-1);
    }
  }

  async function sweepTenant(tenantId: TenantId): Promise<number> {
    const due = await db.withTenantOnce(tenantId, (tx) => payments.listDue(tx, paymentsPerTenant));
    const tenant = due.length > 0 ? await directory.find(tenantId) : undefined;
    if (!tenant) return 0;
    for (const payment of due) {
      // One payment's trouble must not keep the others waiting.
      await checkDue(tenant, payment).catch((error: unknown) =>
        log.error({ err: error, tenantId, paymentId: payment.id }, 'a check broke'),
      );
    }
    return due.length;
  }

  async function checkDue(tenant: Tenant, payment: Payment): Promise<void> {
    const isEnding = payment.isOverdue && isOpen(payment.status) && !payment.isLeased;
    return isEnding ? end(tenant, payment.id) : check(tenant, payment.id);
  }

  return { check, end, sweep };
}
