import { z } from 'zod';

/** `GET /admin/stats`: orders by what they are now, and the money kept from them. */
export const StatsReply = z.object({
  success: z.literal(true),
  stats: z.object({
    pending: z.int(),
    paid: z.int(),
    /** Paid less refunded, in minor units of `currency` (whole rupiah). */
    revenue: z.int(),
    currency: z.string(),
  }),
});
export type StatsReply = z.infer<typeof StatsReply>;
