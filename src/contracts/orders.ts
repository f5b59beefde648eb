import { z } from 'zod';
import { orderStatuses } from '../domain/payment-states.ts';

/**
 * `GET /orders/:orderId/status`. Public, and an order id can be guessed: nothing here says who
 * the shopper is, or lets anybody pay in their name.
 */
export const OrderStatusReply = z.object({
  success: z.literal(true),
  order: z.object({
    orderId: z.string(),
    status: z.enum(orderStatuses),
    amount: z.int(),
    /** What the payment provider charged the shopper on top of `amount`; mostly 0. */
    customerFee: z.int(),
    /** What went back to the shopper, of such a fee as well. */
    refundedAmount: z.int(),
    currency: z.string(),
    paymentMethod: z.string().nullable(),
    createdAt: z.iso.datetime(),
    paidAt: z.iso.datetime().nullable(),
    expiresAt: z.iso.datetime().nullable(),
  }),
});
export type OrderStatusReply = z.infer<typeof OrderStatusReply>;
