import { z } from 'zod';
import {
  type PlatformRole,
  platformRoles,
  type TenantRole,
  tenantRoles,
} from '../domain/access.ts';
import { MailAddress, NewPassword, PersonName } from './accounts.ts';
import { MomentPosition, pageQuery } from './pages.ts';

const TenantRoleName = z.enum(Object.keys(tenantRoles) as [TenantRole, ...TenantRole[]]);
const PlatformRoleName = z.enum(Object.keys(platformRoles) as [PlatformRole, ...PlatformRole[]]);

/** `GET /admin/team`, `GET /api/superadmin/staff`: the longest members first. */
export const TeamQuery = pageQuery(MomentPosition).strict();
export type TeamQuery = z.output<typeof TeamQuery>;

/** `POST /admin/team/invitations` */
export const InviteRequest = z.strictObject({ email: MailAddress, role: TenantRoleName });

/** `PUT /admin/team/members/:userId` */
export const RoleRequest = z.strictObject({ role: TenantRoleName });

/** `POST /api/superadmin/staff` */
export const StaffInviteRequest = z.strictObject({
  email: MailAddress,
  name: PersonName,
  role: PlatformRoleName,
});

/** `PUT /api/superadmin/staff/members/:userId` */
export const StaffRoleRequest = z.strictObject({ role: PlatformRoleName });

/** What an invitation's mail links to ends in it: 256 bits. */
const InvitationToken = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, 'must be the token of an invitation');

/** `POST /api/auth/invitations/preview` */
export const InvitationPreviewRequest = z.strictObject({ token: InvitationToken });

/** `POST /api/auth/invitations/accept`: name and password of who has no account yet. */
export const InvitationAcceptRequest = z.strictObject({
  token: InvitationToken,
  name: PersonName.optional(),
  password: NewPassword.optional(),
});
export type InvitationAcceptRequest = z.output<typeof InvitationAcceptRequest>;

export type MemberView<Role extends string> = {
  readonly userId: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly hasSecondFactor: boolean;
  readonly since: string;
};

const Invitation = z.object({
  id: z.uuid(),
  email: z.string(),
  name: z.string().nullable(),
  role: z.string(),
  since: z.iso.datetime(),
  /** When it is past, nobody can accept it any more; it can be sent again. */
  expiresAt: z.iso.datetime(),
});
export type InvitationView = z.infer<typeof Invitation>;

const teamReply = <R extends z.ZodType<string>>(role: R) =>
  z.object({
    success: z.literal(true),
    members: z.array(
      z.object({
        userId: z.uuid(),
        email: z.string(),
        name: z.string(),
        role,
        hasSecondFactor: z.boolean(),
        since: z.iso.datetime(),
      }),
    ),
    /** All that are open, on each page. */
    invitations: z.array(Invitation),
    next: z.string().nullable(),
  });

export const TeamReply = teamReply(TenantRoleName);
export const StaffReply = teamReply(PlatformRoleName);
export type TeamReply<Role extends string> = {
  readonly success: true;
  readonly members: readonly MemberView<Role>[];
  readonly invitations: readonly InvitationView[];
  readonly next: string | null;
};

export const InvitationReply = z.object({ success: z.literal(true), invitation: Invitation });
export type InvitationReply = z.infer<typeof InvitationReply>;

export const InvitationPreviewReply = z.object({
  success: z.literal(true),
  invitation: z.object({
    /** null: it is the platform that invites. */
    tenant: z.object({ slug: z.string(), name: z.string() }).nullable(),
    email: z.string(),
    role: z.string(),
    expiresAt: z.iso.datetime(),
    /** Whether to sign in first, or to choose a name and a password. */
    hasAccount: z.boolean(),
  }),
});
export type InvitationPreviewReply = z.infer<typeof InvitationPreviewReply>;

export const InvitationAcceptReply = z.object({
  success: z.literal(true),
  /** Where the user belongs now; null: to the platform's staff. */
  tenant: z.string().nullable(),
  role: z.string(),
});
export type InvitationAcceptReply = z.infer<typeof InvitationAcceptReply>;
