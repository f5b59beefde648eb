import { z } from 'zod';
import { auditActions } from '../domain/audit.ts';
import { pageQuery } from './pages.ts';

/** The number of the last entry of a page. */
const AuditPosition = z
  .string()
  .regex(/^[1-9]\d{0,17}$/)
  .transform((text) => BigInt(text));

const Moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** `GET /admin/audit` and `GET /api/superadmin/audit`, newest first. */
export const AuditQuery = pageQuery(AuditPosition)
  .extend({
    action: z.enum(auditActions).optional(),
    /** Who did it: the id of a user or a key, or the words that people know them by. */
    actor: z
      .string()
      .min(1, 'must not be empty')
      .max(320, 'must have at most 320 characters')
      // PostgreSQL cannot hold NUL.
      .regex(/^[^\0]*$/, 'may not hold NUL')
      .optional(),
    /** From this moment on, and before that one. */
    from: Moment.optional(),
    to: Moment.optional(),
  })
  .strict();
export type AuditQuery = z.output<typeof AuditQuery>;

/** What was before, or is after: of the things that changed. */
export const Facts = z.record(z.string(), z.unknown());

const AuditEntry = z.object({
  /** Its number in the chain, which has no gap. */
  seq: z.int(),
  at: z.iso.datetime(),
  action: z.string(),
  actor: z.object({
    kind: z.enum(['user', 'key', 'operator', 'system', 'anonymous']),
    id: z.string().nullable(),
    label: z.string(),
  }),
  /** What it was done to. */
  subject: z.object({ kind: z.string(), id: z.string() }),
  before: Facts.nullable(),
  after: Facts.nullable(),
  requestId: z.string(),
  address: z.string().nullable(),
});
export type AuditEntryView = z.infer<typeof AuditEntry>;

export const AuditReply = z.object({
  success: z.literal(true),
  entries: z.array(AuditEntry),
  /** The cursor of the next page; null: this is the last. */
  next: z.string().nullable(),
});
export type AuditReply = z.infer<typeof AuditReply>;
