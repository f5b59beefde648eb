import { z } from 'zod';
import { refundStatuses } from '../domain/refunds.ts';
import { Amount } from './payments.ts';

/** Written for the history, and shown to the shopper by some banks. */
const Reason = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(255, 'must have at most 255 characters');

/** `POST /admin/orders/:orderId/refunds`. Without an amount: all that is left of one payment. */
export const RefundRequest = z.strictObject({ amount: Amount.optional(), reason: Reason });
export type RefundRequest = z.output<typeof RefundRequest>;

/** `POST /admin/orders/:orderId/cancel` */
export const CancelRequest = z.strictObject({ reason: Reason });
export type CancelRequest = z.output<typeof CancelRequest>;

/** `POST /admin/orders/:orderId/capture` */
export const CaptureRequest = z.strictObject({ reason: Reason.optional() });
export type CaptureRequest = z.output<typeof CaptureRequest>;

const Refund = z.object({
  id: z.uuid(),
  orderId: z.string(),
  /** `accepted`: the provider has taken it on. `confirmed`: the bank has given it back. */
  status: z.enum(refundStatuses),
  amount: z.int(),
  currency: z.string(),
  reason: z.string().nullable(),
  /** `provider`: made in the provider's dashboard. */
  source: z.enum(['merchant', 'provider']),
  /** The provider's words when it is refused. */
  detail: z.string().nullable(),
  createdAt: z.iso.datetime(),
  confirmedAt: z.iso.datetime().nullable(),
});
export type RefundView = z.infer<typeof Refund>;

export const RefundReply = z.object({ success: z.literal(true), refund: Refund });
export type RefundReply = z.infer<typeof RefundReply>;

/** `GET /admin/orders/:orderId/refunds`, oldest first. */
export const RefundListReply = z.object({
  success: z.literal(true),
  refunds: z.array(Refund),
  /** What one further refund may still give back, in minor units. */
  refundable: z.int(),
});
export type RefundListReply = z.infer<typeof RefundListReply>;

/** What an order has become by a cancel or a capture. */
export const OrderChangeReply = z.object({
  success: z.literal(true),
  order: z.object({ orderId: z.string(), status: z.string() }),
});
export type OrderChangeReply = z.infer<typeof OrderChangeReply>;
