import { z } from 'zod';
import { OrderReference } from '../domain/ids.ts';
import { paymentMethods } from '../domain/payment-methods.ts';

/** More than any Midtrans method takes (Mandiri Bill: 50 billion), less than what a double holds. */
const maxAmount = 999_999_999_999n;

/** Minor units of the tenant's currency (whole rupiah): an integer, or an integer as text. */
export const Amount = z
  .union([z.int(), z.string().regex(/^\d{1,15}$/, 'must be an integer')], {
    error: 'must be an integer, as a number or as text',
  })
  .transform((value) => BigInt(value))
  .refine((amount) => amount > 0n, 'must be greater than 0')
  .refine((amount) => amount <= maxAmount, `must be at most ${maxAmount}`);

/**
 * `POST /payment/create`. Members that are not named here are ignored and never stored: storefronts
 * of v1 send some.
 */
export const CreatePaymentRequest = z.object({
  orderId: OrderReference,
  amount: Amount,
  email: z
    .string()
    .trim()
    .max(255, 'must have at most 255 characters')
    .pipe(z.email('must be a mail address'))
    // RFC 5321, which mail servers hold to.
    .refine((email) => email.indexOf('@') <= 64, 'must have at most 64 characters before the @')
    .transform((email) => email.toLowerCase()),
  name: z.string().trim().min(1, 'must not be empty').max(255, 'must have at most 255 characters'),
  // As a person wrote it: a courtesy to the merchant must not refuse a sale.
  phone: z
    .string()
    .trim()
    .max(50, 'must have at most 50 characters')
    .nullish()
    .transform((phone) => phone || undefined),
  // Empty, as some forms of v1 send it, is no choice.
  paymentMethod: z
    .enum(['', ...paymentMethods], { error: `must be one of ${paymentMethods.join(', ')}` })
    .nullish()
    .transform((method) => method || undefined),
});
export type CreatePaymentRequest = z.output<typeof CreatePaymentRequest>;

export const CreatePaymentReply = z.object({
  success: z.literal(true),
  redirectUrl: z.url(),
  token: z.string(),
  orderId: z.string(),
  expiresAt: z.iso.datetime(),
});
export type CreatePaymentReply = z.infer<typeof CreatePaymentReply>;
