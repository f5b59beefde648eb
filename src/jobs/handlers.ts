import type { TenantId } from '../domain/ids.ts';
import { MailError } from '../providers/mail/mailer.ts';
import type { NotificationService } from '../services/notifications.ts';
import type { OrderMails } from '../services/order-mails.ts';
import type { PaymentChecks } from '../services/payment-checks.ts';
import type { TenantDirectory } from '../services/tenants.ts';
import { type Handlers, HopelessJob } from './queue.ts';

type Dependencies = {
  readonly directory: TenantDirectory;
  readonly notifications: NotificationService;
  readonly mails: OrderMails;
  readonly checks: PaymentChecks;
};

/** The queue's door to the services, as thin as a route. */
export function jobHandlers(dependencies: Dependencies): Handlers {
  const { directory, notifications, mails, checks } = dependencies;
  return {
    'order-mail': async (tenantId, payload) => {
      try {
        await mails.send(tenantId, payload);
      } catch (error) {
        if (error instanceof MailError && !error.retryable) {
          throw new HopelessJob(error.message, { cause: error });
        }
        throw error;
      }
    },
    'payment-end': async (tenantId, { paymentId }) => {
      const ending = await checks.endIfUnwanted(await getTenant(tenantId), paymentId);
      if (ending !== 'ended') throw new Error(`Payment ${paymentId} is ${ending}.`);
    },
    'notification-confirm': async (tenantId, { notificationId, requestId }) => {
      const tenant = await getTenant(tenantId);
      await notifications.confirmLater(tenant, notificationId, requestId);
    },
  };

  async function getTenant(id: TenantId) {
    const tenant = await directory.find(id);
    if (!tenant) throw new HopelessJob(`There is no tenant ${id}.`);
    return tenant;
  }
}
