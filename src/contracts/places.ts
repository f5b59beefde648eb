import { z } from 'zod';
import { type TenantRole, tenantRoles } from '../domain/access.ts';
import { Slug } from '../domain/ids.ts';

const TenantRoleName = z.enum(Object.keys(tenantRoles) as [TenantRole, ...TenantRole[]]);

/** `POST /api/auth/tenant`, `POST /api/auth/tenant/leave` */
export const TenantChoice = z.strictObject({ slug: Slug });

/** A tenant that the user works for, in `GET /api/auth/session`. */
export const Place = z.object({
  slug: z.string(),
  name: z.string(),
  status: z.string(),
  role: TenantRoleName,
  /** What the session's requests are for, unless they name another. */
  isActive: z.boolean(),
});
export type PlaceView = z.infer<typeof Place>;

export const TenantChoiceReply = z.object({
  success: z.literal(true),
  tenant: z.object({ slug: z.string(), name: z.string() }),
  /** `granted`: platform staff, by a running grant. */
  role: z.union([TenantRoleName, z.literal('granted')]),
});
export type TenantChoiceReply = z.infer<typeof TenantChoiceReply>;
