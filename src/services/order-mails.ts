import type { Db } from '../db/database.ts';
import type { TenantId } from '../domain/ids.ts';
import type { JobPayload, MailKind } from '../domain/jobs.ts';
import type { OrderStatus } from '../domain/payment-states.ts';
import type { Tenant } from '../domain/tenant.ts';
import { renderOrderMail } from '../notifications/order-mail.ts';
import type { MailAddress, Mailer } from '../providers/mail/mailer.ts';
import * as orders from '../repositories/orders.ts';
import * as payments from '../repositories/payments.ts';
import type { Addresses } from './addresses.ts';
import type { TenantDirectory } from './tenants.ts';

type Dependencies = {
  readonly db: Db;
  readonly directory: TenantDirectory;
  readonly mailer: Mailer;
  readonly addresses: Addresses;
  /** The platform's own sender, for tenants without one. */
  readonly mailFrom: string;
};

export type OrderMails = ReturnType<typeof createOrderMails>;

export function createOrderMails(dependencies: Dependencies) {
  const { db, directory, mailer, addresses, mailFrom } = dependencies;

  /**
   * Tells the shopper what became of an order, in the tenant's language and name.
   *
   * @throws MailError when the mail was not, or perhaps not, taken
   */
  async function send(tenantId: TenantId, job: JobPayload<'order-mail'>): Promise<void> {
    const tenant = await directory.find(tenantId);
    if (!tenant) throw new Error(`There is no tenant ${tenantId}.`);
    const found = await db.withTenant(tenantId, async (tx) => {
      const addressed = await orders.findWithEmail(tx, job.orderId);
      return addressed && { ...addressed, payment: await payments.get(tx, job.paymentId) };
    });
    if (!found) throw new Error(`There is no order ${job.orderId}.`);
    const { order, email, payment } = found;
    if (isOutdated(job.kind, order.status)) return;
    const content = renderOrderMail({
      kind: job.kind,
      locale: tenant.locale,
      tenant,
      order: {
        orderId: order.reference,
        amount: order.money.amount,
        customerFee: payment.customerFee,
        currency: order.money.currency,
        customerName: order.customerName,
        payUrl: payment.redirectUrl,
        statusUrl: addresses.statusUrl(tenant, order.reference),
        expiresAt: payment.expiresAt,
        paidAt: order.paidAt,
        paymentMethod: payment.method ?? order.paymentMethod,
        timeZone: tenant.timeZone,
      },
    });
    await mailer.send({
      ...content,
      from: senderOf(tenant, mailFrom),
      replyTo: tenant.emailReplyTo ? { address: tenant.emailReplyTo } : undefined,
      to: { name: order.customerName, address: email },
      // The same for every try, so that a mail that went out twice is known as one; another for a
      // further payment of the same order.
      messageId: `<${job.kind}.${payment.id}@kassa>`,
    });
  }

  return { send };
}

/**
 * After an outage of the mail server an order may have gone on: nobody is asked to pay what is
 * paid, or told of an end that was not one.
 */
function isOutdated(kind: MailKind, status: OrderStatus): boolean {
  if (kind === 'paid') return false;
  return status !== (kind === 'created' ? 'pending' : kind);
}

/** `shop@example` or `Shop <shop@example>`, as the tenant's row has it. */
function senderOf(tenant: Tenant, fallback: string): MailAddress {
  const written = tenant.emailFrom?.trim() ?? '';
  const at = written.lastIndexOf('<');
  if (at < 0 || !written.endsWith('>')) return { name: tenant.name, address: written || fallback };
  const name = written.slice(0, at).trim().replace(/^"|"$/g, '');
  return { name: name || tenant.name, address: written.slice(at + 1, -1) };
}
