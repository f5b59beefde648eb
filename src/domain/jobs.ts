import { z } from 'zod';
import {
  InvitationId,
  NotificationId,
  OrderId,
  PaymentId,
  ReconciliationId,
  SupportGrantId,
  TenantId,
  UserId,
} from './ids.ts';

export const mailKinds = ['created', 'paid', 'failed', 'expired'] as const;
export type MailKind = (typeof mailKinds)[number];

export const accountMailKinds = [
  'verify-email',
  'address-known',
  'reset-password',
  'set-password',
  'password-changed',
  'second-factor-on',
  'second-factor-off',
] as const;
export type AccountMailKind = (typeof accountMailKinds)[number];

/** The work that a transaction can leave behind, by queue. Payloads hold ids only. */
export const jobPayloads = {
  'order-mail': z.strictObject({
    orderId: OrderId,
    paymentId: PaymentId,
    kind: z.enum(mailKinds),
    requestId: z.string().optional(),
  }),
  'payment-end': z.strictObject({ paymentId: PaymentId, requestId: z.string().optional() }),
  'notification-confirm': z.strictObject({
    notificationId: NotificationId,
    requestId: z.string().optional(),
  }),
  reconcile: z.strictObject({ reconciliationId: ReconciliationId, batch: z.int() }),
  'invitation-mail': z.strictObject({ tenantId: TenantId, invitationId: InvitationId }),
  'support-grant-mail': z.strictObject({ grantId: SupportGrantId, userId: UserId }),
  'account-mail': z.strictObject({
    userId: UserId,
    kind: z.enum(accountMailKinds),
    requestId: z.string().optional(),
  }),
} as const;

export type Topic = keyof typeof jobPayloads;
export const topics = Object.keys(jobPayloads) as Topic[];
export type JobPayload<T extends Topic> = z.infer<(typeof jobPayloads)[T]>;
type JobOf<T extends Topic> = {
  [K in T]: { readonly topic: K; readonly payload: JobPayload<K> };
}[T];

/** Work that is no tenant's: `platform_outbox` takes it, and the platform stands for the tenant. */
type PlatformTopic = 'account-mail' | 'invitation-mail' | 'support-grant-mail';
export type PlatformJob = JobOf<PlatformTopic>;
export type Job = JobOf<Exclude<Topic, PlatformTopic>>;
