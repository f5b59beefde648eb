import { z } from 'zod';
import { type AttentionReason, attentionSentences } from '../domain/attention.ts';
import { MomentPosition, pageQuery } from './pages.ts';

const reasons = Object.keys(attentionSentences) as [AttentionReason, ...AttentionReason[]];

/** `GET /admin/attention`, newest first. */
export const AttentionQuery = pageQuery(MomentPosition)
  .extend({ status: z.enum(['open', 'resolved']).default('open') })
  .strict();
export type AttentionQuery = z.output<typeof AttentionQuery>;

/** `POST /admin/attention/:id/resolve` */
export const ResolveRequest = z.strictObject({
  note: z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(1_000, 'must have at most 1000 characters')
    // PostgreSQL cannot hold NUL.
    .regex(/^[^\0]*$/, 'may not hold NUL'),
});
export type ResolveRequest = z.output<typeof ResolveRequest>;

const AttentionItem = z.object({
  id: z.uuid(),
  orderId: z.string(),
  /** The order's amount. */
  amount: z.int(),
  currency: z.string(),
  reason: z.enum(reasons),
  /** What is the matter and what to do, for a person. */
  sentence: z.string(),
  /** What happened: one line per fact. */
  detail: z.string(),
  since: z.iso.datetime(),
  /** `kassa`: it settled by itself. */
  resolvedBy: z.enum(['merchant', 'kassa']).nullable(),
  resolvedAt: z.iso.datetime().nullable(),
  note: z.string().nullable(),
});
export type AttentionItemView = z.infer<typeof AttentionItem>;

export const AttentionListReply = z.object({
  success: z.literal(true),
  items: z.array(AttentionItem),
  /** The cursor of the next page; null: this is the last. */
  next: z.string().nullable(),
});
export type AttentionListReply = z.infer<typeof AttentionListReply>;

export const AttentionItemReply = z.object({ success: z.literal(true), item: AttentionItem });
export type AttentionItemReply = z.infer<typeof AttentionItemReply>;
