import type { TenantId } from '../domain/ids.ts';
import { MailError } from '../providers/mail/mailer.ts';
import type { AccountMails } from '../services/account-mails.ts';
import type { NotificationService } from '../services/notifications.ts';
import type { OrderMails } from '../services/order-mails.ts';
import type { PaymentChecks } from '../services/payment-checks.ts';
import type { ReconciliationBatches } from '../services/reconciliation-batches.ts';
import type { TeamMails } from '../services/team-mails.ts';
import type { TenantDirectory } from '../services/tenants.ts';
import { type Handlers, HopelessJob } from './queue.ts';

type Dependencies = {
  readonly directory: TenantDirectory;
  readonly notifications: NotificationService;
  readonly mails: OrderMails;
  readonly teamMails: TeamMails;
  readonly accountMails: AccountMails;
  readonly checks: PaymentChecks;
  readonly reconciliationBatches: ReconciliationBatches;
};

/** The queue's door to the services, as thin as a route. */
export function jobHandlers(dependencies: Dependencies): Handlers {
  const { directory, notifications, mails, accountMails, teamMails, checks } = dependencies;
  const { reconciliationBatches } = dependencies;
  return {
    'order-mail': (tenantId, payload) => mailing(() => mails.send(tenantId, payload)),
    // The platform's: no tenant has a part in it.
    'account-mail': (_platform, payload) => mailing(() => accountMails.send(payload)),
    'invitation-mail': (_platform, payload) => mailing(() => teamMails.sendInvitation(payload)),
    'support-grant-mail': (_platform, payload) => mailing(() => teamMails.sendGrantNotice(payload)),
    'payment-end': async (tenantId, { paymentId }) => {
      const ending = await checks.endIfUnwanted(await getTenant(tenantId), paymentId);
      if (ending !== 'ended') throw new Error(`Payment ${paymentId} is ${ending}.`);
    },
    'notification-confirm': async (tenantId, { notificationId, requestId }) => {
      const tenant = await getTenant(tenantId);
      await notifications.confirmLater(tenant, notificationId, requestId);
    },
    reconcile: async (tenantId, { reconciliationId: id, batch }) => {
      const progress = await reconciliationBatches.work(await getTenant(tenantId), { id, batch });
      // Failing is how a job waits, longer each time; and who was overtaken looks after a while
      // whether the other one left a next batch.
      if (progress === 'paused' || progress === 'overtaken') {
        throw new Error(`Reconciliation ${id} is ${progress}.`);
      }
    },
  };

  async function getTenant(id: TenantId) {
    const tenant = await directory.find(id);
    if (!tenant) throw new HopelessJob(`There is no tenant ${id}.`);
    return tenant;
  }
}

/** A mail that no later try could send goes to the dead letters at once. */
async function mailing(send: () => Promise<void>): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (error instanceof MailError && !error.retryable) {
      throw new HopelessJob(error.message, { cause: error });
    }
    throw error;
  }
}
