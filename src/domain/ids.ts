import { z } from 'zod';

/** UUIDs of our own rows, branded so that one kind cannot pass for another. */
export const TenantId = z.uuid().brand<'TenantId'>();
export type TenantId = z.infer<typeof TenantId>;

export const CustomerId = z.uuid().brand<'CustomerId'>();
export type CustomerId = z.infer<typeof CustomerId>;

/** Our id of an order row. What the merchant calls the order is an `OrderReference`. */
export const OrderId = z.uuid().brand<'OrderId'>();
export type OrderId = z.infer<typeof OrderId>;

export const PaymentId = z.uuid().brand<'PaymentId'>();
export type PaymentId = z.infer<typeof PaymentId>;

export const RefundId = z.uuid().brand<'RefundId'>();
export type RefundId = z.infer<typeof RefundId>;

export const OrderActionId = z.uuid().brand<'OrderActionId'>();
export type OrderActionId = z.infer<typeof OrderActionId>;

export const NotificationId = z.uuid().brand<'NotificationId'>();
export type NotificationId = z.infer<typeof NotificationId>;

export const AttentionItemId = z.uuid().brand<'AttentionItemId'>();
export type AttentionItemId = z.infer<typeof AttentionItemId>;

export const ReconciliationId = z.uuid().brand<'ReconciliationId'>();
export type ReconciliationId = z.infer<typeof ReconciliationId>;

/** One difference that a reconciliation found. */
export const DifferenceId = z.uuid().brand<'DifferenceId'>();
export type DifferenceId = z.infer<typeof DifferenceId>;

export const InvitationId = z.uuid().brand<'InvitationId'>();
export type InvitationId = z.infer<typeof InvitationId>;

/** Of platform staff, to look at one tenant's things for a while. */
export const SupportGrantId = z.uuid().brand<'SupportGrantId'>();
export type SupportGrantId = z.infer<typeof SupportGrantId>;

export const ApiKeyId = z.uuid().brand<'ApiKeyId'>();
export type ApiKeyId = z.infer<typeof ApiKeyId>;

/** A person who signs in. */
export const UserId = z.uuid().brand<'UserId'>();
export type UserId = z.infer<typeof UserId>;

/** One sign-in of a user on one device. */
export const SessionId = z.uuid().brand<'SessionId'>();
export type SessionId = z.infer<typeof SessionId>;

/** A tenant's subdomain. */
export const Slug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$/, 'must be 3 to 63 of a-z, 0-9 and -')
  .brand<'Slug'>();
export type Slug = z.infer<typeof Slug>;

/**
 * The merchant's name of an order. The characters and the length are those that Midtrans accepts
 * and that survive in a URL path; an id of dots alone would climb in one.
 */
export const OrderReference = z
  .string()
  .min(1, 'must not be empty')
  .max(50, 'must have at most 50 characters')
  .regex(/^[A-Za-z0-9._~-]+$/, 'may hold letters, digits, and - _ ~ . only')
  .refine((text) => !/^\.+$/.test(text), 'must not consist of dots')
  .brand<'OrderReference'>();
export type OrderReference = z.infer<typeof OrderReference>;
