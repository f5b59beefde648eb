import { z } from 'zod';
import { NotificationId, OrderId, PaymentId } from './ids.ts';

export const mailKinds = ['created', 'paid', 'failed', 'expired'] as const;
export type MailKind = (typeof mailKinds)[number];

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
} as const;

export type Topic = keyof typeof jobPayloads;
export const topics = Object.keys(jobPayloads) as Topic[];
export type JobPayload<T extends Topic> = z.infer<(typeof jobPayloads)[T]>;
export type Job = { [T in Topic]: { readonly topic: T; readonly payload: JobPayload<T> } }[Topic];
