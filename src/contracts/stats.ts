import { z } from 'zod';
import { orderStatuses } from '../domain/payment-states.ts';

const maxDays = 366;

/** A span of whole days in the merchant's time zone. */
export const DaysQuery = z
  .object({ from: z.iso.date().optional(), to: z.iso.date().optional() })
  .refine(({ from, to }) => !from || !to || from <= to, {
    path: ['from'],
    error: 'must not be after `to`',
  });

/** As `DaysQuery`, for what is shown day by day: at most 366 of them, the last 30 when not told. */
export const SeriesQuery = DaysQuery.refine(
  ({ from, to }) => !from || !to || Date.parse(to) - Date.parse(from) < maxDays * 86_400_000,
  { path: ['from'], error: `must be less than ${maxDays} days before \`to\`` },
).refine(({ from, to }) => !from === !to, {
  path: ['from'],
  error: 'must be sent together with `to`',
});

/** Orders by what they are now, and the money kept from them in minor units (whole rupiah). */
const Figures = z.object({
  orders: z.int(),
  pending: z.int(),
  /** Paid, and not wholly given back. */
  paid: z.int(),
  /** Paid less refunded. */
  revenue: z.int(),
  byStatus: z.array(
    z.object({
      status: z.enum(orderStatuses),
      orders: z.int(),
      amount: z.int(),
      refunded: z.int(),
    }),
  ),
  byMethod: z.array(
    z.object({
      /** Null: the shopper has not chosen one. */
      method: z.string().nullable(),
      orders: z.int(),
      paid: z.int(),
      revenue: z.int(),
    }),
  ),
});
export type Figures = z.infer<typeof Figures>;

/** `GET /admin/stats`: of all orders, or of those that were created in a span of days. */
export const StatsReply = z.object({
  success: z.literal(true),
  stats: Figures.extend({ currency: z.string() }),
});
export type StatsReply = z.infer<typeof StatsReply>;

/** `GET /admin/stats/series`, oldest day first, days without an order as well. */
export const StatsSeriesReply = z.object({
  success: z.literal(true),
  currency: z.string(),
  timeZone: z.string(),
  days: z.array(
    Figures.extend({
      day: z.iso.date(),
      /**
       * What was booked on that day, whenever its order was created. `fees` are what shoppers paid
       * on top; with `received`, less `refunded` and `lost`, they are what the provider owes more.
       */
      booked: z.object({
        received: z.int(),
        fees: z.int(),
        refunded: z.int(),
        lost: z.int(),
      }),
    }),
  ),
});
export type StatsSeriesReply = z.infer<typeof StatsSeriesReply>;
