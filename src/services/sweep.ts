import type { Logger } from 'pino';
import type { Db } from '../db/database.ts';
import type { TenantId } from '../domain/ids.ts';
import { isOpen } from '../domain/payment-states.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import * as tenants from '../repositories/tenants.ts';
import type { PaymentChecks } from './payment-checks.ts';
import type { TenantDirectory } from './tenants.ts';

type Dependencies = {
  readonly db: Db;
  readonly checks: PaymentChecks;
  readonly directory: TenantDirectory;
  readonly log: Logger;
};

const tenantsPerPage = 500;
const tenantsAtOnce = 4;
const paymentsPerTenant = 100;
/** After so many silences in a row a provider is left alone until the next sweep. */
const patience = 3;

/** Checks every payment that is due, tenant by tenant: none can stop or starve another. */
export function createSweep({ db, checks, directory, log }: Dependencies) {
  /** Answers how many payments it looked at. */
  async function sweep(): Promise<number> {
    let checked = 0;
    let after: TenantId | undefined;
    for (;;) {
      const page = await db.withPlatform((tx) =>
        tenants.listIds(tx, { after, limit: tenantsPerPage }),
      );
      checked += await sweepTenants(page);
      if (page.length < tenantsPerPage) return checked;
      after = page.at(-1);
    }
  }

  async function sweepTenants(ids: readonly TenantId[]): Promise<number> {
    const waiting = ids.values();
    const lanes = Array.from({ length: tenantsAtOnce }, async () => {
      let checked = 0;
      for (const id of waiting) checked += await sweepTenant(id).catch(loggedAs(id));
      return checked;
    });
    return (await Promise.all(lanes)).reduce((sum, count) => sum + count, 0);
  }

  async function sweepTenant(id: TenantId): Promise<number> {
    const due = await db.withTenantOnce(id, (tx) => payments.listDue(tx, paymentsPerTenant));
    const tenant = due.length > 0 ? await directory.find(id) : undefined;
    if (!tenant) return 0;
    let checked = 0;
    let silences = 0;
    for (const payment of due) {
      const isAnswered = await checkDue(tenant, payment).catch(brokenCheck(payment));
      silences = isAnswered ? 0 : silences + 1;
      checked += 1;
      if (silences === patience) break;
    }
    return checked;
  }

  async function checkDue(tenant: Tenant, payment: Payment): Promise<boolean> {
    const isEnding = payment.isOverdue && isOpen(payment.status) && !payment.isLeased;
    if (!isEnding) return checks.check(tenant, payment.id);
    return (await checks.end(tenant, payment.id)) !== 'unavailable';
  }

  function brokenCheck(payment: Payment) {
    return (error: unknown): boolean => {
      log.error({ err: error, paymentId: payment.id }, 'a check broke');
      return true;
    };
  }

  function loggedAs(tenantId: TenantId) {
    return (error: unknown): number => {
      log.error({ err: error, tenantId }, "a tenant's sweep broke");
      return 0;
    };
  }

  return sweep;
}
