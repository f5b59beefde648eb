import { z } from 'zod';
import { DifferenceId, ReconciliationId } from '../domain/ids.ts';
import { differenceKinds } from '../domain/reconciliation.ts';
import { pageQuery } from './pages.ts';

/** `POST /admin/reconciliations`: days of the tenant's calendar, both included, at most 31. */
export const ReconciliationRequest = z.strictObject({ from: z.iso.date(), to: z.iso.date() });

/** `GET /admin/reconciliations?cursor=&limit=`, newest first. */
export const ReconciliationQuery = pageQuery(ReconciliationId);

/** `GET /admin/reconciliations/:id?cursor=&limit=`: pages of its differences, oldest first. */
export const DifferenceQuery = pageQuery(DifferenceId);

/** `POST /admin/reconciliations/:id/differences/:differenceId/resolve` */
export const ResolveRequest = z.strictObject({
  /** Who looked into it, where the caller is a program: noted beside the caller. */
  by: z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(100, 'must have at most 100 characters')
    .optional(),
  note: z.string().trim().min(1, 'must not be empty').max(500, 'must have at most 500 characters'),
});
export type ResolveRequest = z.output<typeof ResolveRequest>;

const Reconciliation = z.object({
  id: z.uuid(),
  trigger: z.enum(['merchant', 'operator', 'nightly']),
  /** `incomplete`: it ended, but the provider did not answer every question. */
  status: z.enum(['running', 'done', 'incomplete', 'failed']),
  from: z.iso.date(),
  to: z.iso.date(),
  counts: z.object({
    checked: z.int(),
    unanswered: z.int(),
    differences: z.int(),
    /** By the reconciliation itself. */
    repaired: z.int(),
    /** Later, by something or somebody else. */
    resolved: z.int(),
    open: z.int(),
  }),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
});
export type ReconciliationView = z.infer<typeof Reconciliation>;

const Difference = z.object({
  id: z.uuid(),
  orderId: z.string(),
  paymentReference: z.string(),
  what: z.enum(differenceKinds),
  /** Which refund, by the provider's key. */
  refundKey: z.string().nullable(),
  /** Amounts are in minor units of `currency`. */
  ours: z.string(),
  theirs: z.string(),
  currency: z.string(),
  resolution: z.enum(['open', 'repaired', 'resolved']),
  /** `reconciliation`, `notification`, `check`, `api`, `provider`, or the caller: `sk_test_4f2a (Ayu)`. */
  resolvedBy: z.string().nullable(),
  note: z.string().nullable(),
  foundAt: z.iso.datetime(),
  resolvedAt: z.iso.datetime().nullable(),
});
export type DifferenceView = z.infer<typeof Difference>;

const Cursor = z.string().nullable();

export const ReconciliationReply = z.object({
  success: z.literal(true),
  reconciliation: Reconciliation,
});
export type ReconciliationReply = z.infer<typeof ReconciliationReply>;

export const ReconciliationListReply = z.object({
  success: z.literal(true),
  reconciliations: z.array(Reconciliation),
  next: Cursor,
});
export type ReconciliationListReply = z.infer<typeof ReconciliationListReply>;

export const ReconciliationReportReply = ReconciliationReply.extend({
  differences: z.array(Difference),
  next: Cursor,
});
export type ReconciliationReportReply = z.infer<typeof ReconciliationReportReply>;

export const DifferenceReply = z.object({ success: z.literal(true), difference: Difference });
export type DifferenceReply = z.infer<typeof DifferenceReply>;
