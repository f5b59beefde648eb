import { z } from 'zod';
import { Slug } from '../domain/ids.ts';
import { grantMinutes } from '../domain/team.ts';
import { MomentPosition, pageQuery } from './pages.ts';

/** `GET /api/superadmin/support-grants`, newest first. */
export const SupportGrantQuery = pageQuery(MomentPosition).strict();
export type SupportGrantQuery = z.output<typeof SupportGrantQuery>;

/** `POST /api/superadmin/support-grants`: the caller's own way into a tenant, for a while. */
export const SupportGrantRequest = z.strictObject({
  tenant: Slug,
  /** Read by the tenant's owners. */
  reason: z
    .string()
    .trim()
    .min(10, 'must have at least 10 characters')
    .max(500, 'must have at most 500 characters')
    // PostgreSQL cannot hold NUL.
    .regex(/^[^\0]*$/, 'may not hold NUL'),
  minutes: z.int().min(grantMinutes.min).max(grantMinutes.max),
});
export type SupportGrantRequest = z.output<typeof SupportGrantRequest>;

const SupportGrant = z.object({
  id: z.uuid(),
  tenant: z.string(),
  userId: z.uuid(),
  email: z.string(),
  reason: z.string(),
  since: z.iso.datetime(),
  until: z.iso.datetime(),
  /** Before its time; null: it ran out, or runs. */
  endedAt: z.iso.datetime().nullable(),
});
export type SupportGrantView = z.infer<typeof SupportGrant>;

export const SupportGrantReply = z.object({ success: z.literal(true), grant: SupportGrant });
export type SupportGrantReply = z.infer<typeof SupportGrantReply>;

export const SupportGrantListReply = z.object({
  success: z.literal(true),
  grants: z.array(SupportGrant),
  next: z.string().nullable(),
});
export type SupportGrantListReply = z.infer<typeof SupportGrantListReply>;
