import type { PlatformTx } from '../db/database.ts';
import {
  mayAssign,
  mayAssignStaff,
  mayUseGrants,
  type PlatformRole,
  type PlatformScope,
  platformRoles,
  type Scope,
  type TenantRole,
  tenantRoles,
} from '../domain/access.ts';
import { platformChain } from '../domain/audit.ts';
import type { Origin } from '../domain/caller.ts';
import type { TenantId, UserId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import type { Role } from '../domain/team.ts';
import type { Member, Page } from '../repositories/memberships.ts';
import * as memberships from '../repositories/memberships.ts';
import * as platformMembers from '../repositories/platform-members.ts';
import * as staff from '../repositories/staff.ts';
import { endGrantsOf } from './support-grants.ts';

/** People who have roles, and some of whom say who has which: a tenant's team, or the staff. */
export type Circle<R extends Role = Role> = {
  /** Of its invitations and its audit chain as well; the nil UUID is the platform. */
  readonly tenantId: TenantId;
  /** What somebody has to be, or nobody could change anything any more. */
  readonly head: R;
  /** @throws Error for a role that is none of this circle's */
  parseRole(text: string): R;
  mayManage(role: R): boolean;
  mayAssign(by: R, role: R): boolean;
  /** Until the commit nobody else changes the circle. */
  lock(tx: PlatformTx): Promise<void>;
  findRole(tx: PlatformTx, userId: UserId): Promise<R | undefined>;
  hasEmail(tx: PlatformTx, email: string): Promise<boolean>;
  list(tx: PlatformTx, page: Page): Promise<Member<R>[]>;
  /** Some of the heads who can sign in. */
  listHeads(tx: PlatformTx, limit: number): Promise<UserId[]>;
  /** A role that is there stays. */
  add(tx: PlatformTx, member: { userId: UserId; role: string }): Promise<void>;
  changeRole(tx: PlatformTx, member: { userId: UserId; role: R }): Promise<void>;
  remove(tx: PlatformTx, userId: UserId): Promise<void>;
  /** Ends what the user may have begun and could not begin with this role. */
  endWhatWasGiven(tx: PlatformTx, loss: Loss<R>): Promise<void>;
  noHeadLeft(): Problem;
};

/** Who changes something in a circle, signed in. */
export type Manager = { readonly userId: UserId; readonly origin: Origin };

type Loss<R> = { readonly userId: UserId; readonly role: R | undefined; readonly origin: Origin };

export function teamOf(tenantId: TenantId): Circle<TenantRole> {
  return {
    tenantId,
    head: 'owner',
    parseRole: (text) => parse(tenantRoles, text),
    mayManage: (role) => (tenantRoles[role] as readonly Scope[]).includes('team:write'),
    mayAssign,
    lock: (tx) => memberships.lockTeam(tx, tenantId),
    findRole: (tx, userId) => memberships.findRole(tx, tenantId, userId),
    hasEmail: (tx, email) => memberships.hasEmail(tx, tenantId, email),
    list: (tx, page) => memberships.list(tx, tenantId, page),
    listHeads: (tx, limit) => memberships.listOwners(tx, tenantId, limit),
    add: (tx, { userId, role }) =>
      memberships.insert(tx, tenantId, { userId, role: parse(tenantRoles, role) }),
    changeRole: (tx, member) => memberships.changeRole(tx, tenantId, member),
    remove: (tx, userId) => memberships.remove(tx, tenantId, userId),
    endWhatWasGiven: async () => {},
    noHeadLeft: () => new Problem('last-owner', 'Make somebody else an owner first.'),
  };
}

export const platformStaff: Circle<PlatformRole> = {
  tenantId: platformChain,
  head: 'superadmin',
  parseRole: (text) => parse(platformRoles, text),
  mayManage: (role) => (platformRoles[role] as readonly PlatformScope[]).includes('staff:write'),
  mayAssign: mayAssignStaff,
  lock: staff.lockStaff,
  findRole: platformMembers.findRole,
  hasEmail: staff.hasEmail,
  list: staff.list,
  listHeads: staff.listSuperadmins,
  add: (tx, { userId, role }) => staff.insert(tx, { userId, role: parse(platformRoles, role) }),
  changeRole: staff.changeRole,
  remove: staff.remove,
  endWhatWasGiven: async (tx, { userId, role, origin }) => {
    if (!mayUseGrants(role)) await endGrantsOf(tx, userId, origin);
  },
  noHeadLeft: () => new Problem('last-superadmin', 'Make somebody else a superadmin first.'),
};

/** Where an invitation leads. */
export function circleOf(tenantId: TenantId): Circle<TenantRole> | Circle<PlatformRole> {
  return tenantId === platformChain ? platformStaff : teamOf(tenantId);
}

/**
 * Reads the role of whoever changes something again, under the circle's lock: it may have gone
 * since the request was let in.
 *
 * @throws Problem `not-allowed`
 */
export async function requireManager<R extends Role>(
  tx: PlatformTx,
  circle: Circle<R>,
  by: Manager,
  roles: readonly R[],
): Promise<void> {
  const own = await circle.findRole(tx, by.userId);
  if (own && circle.mayManage(own) && roles.every((role) => circle.mayAssign(own, role))) return;
  throw new Problem('not-allowed', 'You may only give and take what you have yourself.');
}

function parse<R extends string>(roles: Readonly<Record<R, unknown>>, text: string): R {
  const role = (Object.keys(roles) as R[]).find((known) => known === text);
  if (!role) throw new Error(`${text} is no role here.`);
  return role;
}
