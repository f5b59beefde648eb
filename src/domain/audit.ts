import { TenantId } from './ids.ts';

/** The chain of what concerns no single tenant: staff, sign-ins of nobody known. */
export const platformChain = TenantId.parse('00000000-0000-0000-0000-000000000000');

/** What is written down: money, rights, secrets, placement, settings, sign-ins and refusals. */
export const auditActions = [
  'invitation.sent',
  'invitation.renewed',
  'invitation.revoked',
  'invitation.accepted',
  'member.role-changed',
  'member.removed',
  'support-grant.made',
  'support-grant.used',
  'support-grant.ended',
  'refund.requested',
  'refund.adopted',
  'refund.moved',
  'order.cancel-requested',
  'order.cancel-refused',
  'order.cancelled',
  'order.capture-requested',
  'order.capture-refused',
  'order.captured',
  'order-events.sealed',
  'attention.resolved',
  'reconciliation.started',
  'reconciliation.repaired',
  'reconciliation-difference.resolved',
  'stats.rebuilt',
  'key.created',
  'key.rotated',
  'key.revoked',
  'settings.changed',
  'request.refused',
  'user.signed-up',
  'user.sign-up-repeated',
  'user.email-verified',
  'user.signed-in',
  'user.sign-in-refused',
  'user.second-factor-refused',
  'user.signed-out',
  'user.sessions-ended',
  'user.password-confirmed',
  'user.password-refused',
  'user.password-changed',
  'user.password-reset',
  'user.second-factor-on',
  'user.second-factor-off',
  'user.recovery-codes-renewed',
  'staff.role-given',
  'midtrans-account.changed',
  'master-key.rotated',
  'data-keys.rotated',
] as const;
export type AuditAction = (typeof auditActions)[number];

export type AuditEvent = {
  readonly action: AuditAction;
  /** What it was done to: `order ORDER-1`, `key 0192…`. */
  readonly subject: { readonly kind: string; readonly id: string };
  /** What changed, without secrets and without what is a shopper's own. */
  readonly before?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
};
