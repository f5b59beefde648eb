import { z } from 'zod';
import { MomentPosition, pageQuery } from './pages.ts';

export const CustomersQuery = pageQuery(MomentPosition);
export type CustomersQuery = z.output<typeof CustomersQuery>;

/** `GET /admin/customers`: who was seen last comes first. */
export const CustomersReply = z.object({
  success: z.literal(true),
  customers: z.array(
    z.object({
      id: z.uuid(),
      email: z.string(),
      name: z.string(),
      phone: z.string().nullable(),
      /** Per currency, in minor units; paid orders, and what went back on them. */
      totals: z.array(
        z.object({
          currency: z.string(),
          orders: z.int(),
          paidOrders: z.int(),
          spent: z.int(),
          refunded: z.int(),
        }),
      ),
      firstSeenAt: z.iso.datetime(),
      lastSeenAt: z.iso.datetime(),
    }),
  ),
  next: z.string().nullable(),
});
export type CustomersReply = z.infer<typeof CustomersReply>;
