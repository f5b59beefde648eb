import type { Logger } from 'pino';
import type { Db } from '../db/database.ts';
import type { TenantId } from '../domain/ids.ts';
import { isOpen } from '../domain/payment-states.ts';
import type { Tenant } from '../domain/tenant.ts';
import { listDue as listDueActions } from '../repositories/order-actions.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import { listDue as listDueRefunds } from '../repositories/refunds.ts';
import * as tenants from '../repositories/tenants.ts';
import type { OrderActions } from './order-actions.ts';
import type { PaymentChecks } from './payment-checks.ts';
import type { RefundService } from './refunds.ts';
import type { TenantDirectory } from './tenants.ts';

type Dependencies = {
  readonly db: Db;
  readonly checks: PaymentChecks;
  readonly refunds: RefundService;
  readonly orderActions: OrderActions;
  readonly directory: TenantDirectory;
  readonly log: Logger;
};

/** One look at something that is due; `run` is false when the provider did not answer. */
type Look = { readonly what: object; run(tenant: Tenant): Promise<boolean> };

const tenantsPerPage = 500;
const tenantsAtOnce = 4;
const looksPerTenant = 100;
/** After so many silences in a row a provider is left alone until the next sweep. */
const patience = 3;

/**
 * Looks at everything that is due, tenant by tenant: none can stop or starve another. Refunds,
 * cancels and captures whose outcome nobody knows come first, then payments that nobody told of.
 */
export function createSweep(dependencies: Dependencies) {
  const { db, checks, refunds, orderActions, directory, log } = dependencies;

  /** Answers how much it looked at. */
  async function sweep(): Promise<number> {
    let looks = 0;
    let after: TenantId | undefined;
    for (;;) {
      const page = await db.withPlatform((tx) =>
        tenants.listIds(tx, { after, limit: tenantsPerPage }),
      );
      looks += await sweepTenants(page);
      if (page.length < tenantsPerPage) return looks;
      after = page.at(-1);
    }
  }

  async function sweepTenants(ids: readonly TenantId[]): Promise<number> {
    const waiting = ids.values();
    const lanes = Array.from({ length: tenantsAtOnce }, async () => {
      let looks = 0;
      for (const id of waiting) looks += await sweepTenant(id).catch(loggedAs(id));
      return looks;
    });
    return (await Promise.all(lanes)).reduce((sum, count) => sum + count, 0);
  }

  async function sweepTenant(id: TenantId): Promise<number> {
    const due = await listDue(id);
    const tenant = due.length > 0 ? await directory.find(id) : undefined;
    if (!tenant) return 0;
    let looks = 0;
    let silences = 0;
    for (const { what, run } of due) {
      const isAnswered = await run(tenant).catch(brokenLook(what));
      silences = isAnswered ? 0 : silences + 1;
      looks += 1;
      if (silences === patience) break;
    }
    return looks;
  }

  async function listDue(id: TenantId): Promise<Look[]> {
    // Together, so that a tenant of whom nothing is due costs no more than two round trips.
    const [dueActions, dueRefunds, duePayments] = await db.withTenant(id, (tx) =>
      Promise.all([
        listDueActions(tx, looksPerTenant),
        listDueRefunds(tx, looksPerTenant),
        payments.listDue(tx, looksPerTenant),
      ]),
    );
    return [
      ...dueActions.map(({ id: actionId }) => ({
        what: { actionId },
        run: (tenant: Tenant) => orderActions.look(tenant, actionId),
      })),
      ...dueRefunds.map(({ id: refundId }) => ({
        what: { refundId },
        run: (tenant: Tenant) => refunds.look(tenant, refundId),
      })),
      ...duePayments.map((payment) => ({
        what: { paymentId: payment.id },
        run: (tenant: Tenant) => checkDue(tenant, payment),
      })),
    ];
  }

  async function checkDue(tenant: Tenant, payment: Payment): Promise<boolean> {
    const isEnding = payment.isOverdue && isOpen(payment.status) && !payment.isLeased;
    if (!isEnding) return checks.check(tenant, payment.id);
    return (await checks.end(tenant, payment.id)) !== 'unavailable';
  }

  function brokenLook(what: object) {
    return (error: unknown): boolean => {
      log.error({ err: error, ...what }, 'a look broke');
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
