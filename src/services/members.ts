import { pageOf } from '../contracts/pages.ts';
import type { MemberView, TeamQuery, TeamReply } from '../contracts/team.ts';
import type { Db, PlatformTx } from '../db/database.ts';
import type { Origin } from '../domain/caller.ts';
import type { UserId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import { maxOpenInvitations, type Role } from '../domain/team.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import * as invitations from '../repositories/invitations.ts';
import type { Member } from '../repositories/memberships.ts';
import { type Circle, type Manager, requireManager } from './circles.ts';
import { toInvitationView } from './invitations.ts';

export type Members = ReturnType<typeof createMembers>;

/** Who is in a circle, and in which role. */
export function createMembers({ db }: { db: Db }) {
  /** The members page by page; what is open of invitations stands on each. */
  async function list<R extends Role>(circle: Circle<R>, query: TeamQuery): Promise<TeamReply<R>> {
    const { cursor: after, limit } = query;
    return db.withPlatform(async (tx) => {
      const found = await circle.list(tx, { after, limit: limit + 1 });
      const open = await invitations.listOpen(tx, circle.tenantId, maxOpenInvitations);
      const { items, next } = pageOf(found, limit, ({ position }) => position);
      const members = items.map(toView);
      return { success: true, members, invitations: open.map(toInvitationView), next };
    });
  }

  /** @throws Problem `not-allowed`, `member-not-found`, `last-owner`, `last-superadmin` */
  async function changeRole<R extends Role>(
    circle: Circle<R>,
    { userId, role }: { readonly userId: UserId; readonly role: R },
    by: Manager,
  ): Promise<void> {
    await db.withPlatform(async (tx) => {
      await circle.lock(tx);
      const before = await requireMember(tx, circle, userId, by);
      await requireManager(tx, circle, by, [before, role]);
      if (before === role) return;
      if (before === circle.head) await requireAnotherHead(tx, circle, userId);
      await circle.changeRole(tx, { userId, role });
      await endRights(tx, circle, { userId, role, origin: by.origin });
      await auditEntries.append(tx, circle.tenantId, by.origin, {
        action: 'member.role-changed',
        subject: { kind: 'user', id: userId },
        before: { role: before },
        after: { role },
      });
    });
  }

  /**
   * Takes somebody out of a circle; oneself, whatever the role.
   *
   * @throws Problem `not-allowed`, `member-not-found`, `last-owner`, `last-superadmin`
   */
  async function remove<R extends Role>(
    circle: Circle<R>,
    userId: UserId,
    by: Manager,
  ): Promise<void> {
    await db.withPlatform(async (tx) => {
      await circle.lock(tx);
      const before = await requireMember(tx, circle, userId, by);
      if (userId !== by.userId) await requireManager(tx, circle, by, [before]);
      if (before === circle.head) await requireAnotherHead(tx, circle, userId);
      await circle.remove(tx, userId);
      await endRights(tx, circle, { userId, role: undefined, origin: by.origin });
      await auditEntries.append(tx, circle.tenantId, by.origin, {
        action: 'member.removed',
        subject: { kind: 'user', id: userId },
        before: { role: before },
      });
    });
  }

  return { list, changeRole, remove };
}

/** A member who is not there is told to those who may see all that are, and to nobody else. */
async function requireMember<R extends Role>(
  tx: PlatformTx,
  circle: Circle<R>,
  userId: UserId,
  by: Manager,
): Promise<R> {
  const role = await circle.findRole(tx, userId);
  if (role) return role;
  await requireManager(tx, circle, by, []);
  throw new Problem('member-not-found', 'There is no such member here.');
}

async function requireAnotherHead<R extends Role>(
  tx: PlatformTx,
  circle: Circle<R>,
  userId: UserId,
): Promise<void> {
  const heads = await circle.listHeads(tx, 2);
  if (!heads.some((head) => head !== userId)) throw circle.noHeadLeft();
}

type Change<R> = { readonly userId: UserId; readonly role: R | undefined; readonly origin: Origin };

/** What somebody opened for others closes with the right to open it. */
async function endRights<R extends Role>(
  tx: PlatformTx,
  circle: Circle<R>,
  change: Change<R>,
): Promise<void> {
  const { userId, role } = change;
  if (!role || !circle.mayManage(role)) {
    await invitations.revokeAllBy(tx, circle.tenantId, userId);
  }
  await circle.endWhatWasGiven(tx, change);
}

function toView<R extends Role>(member: Member<R>): MemberView<R> {
  const { userId, email, name, role, hasSecondFactor, createdAt } = member;
  return { userId, email, name, role, hasSecondFactor, since: createdAt.toISOString() };
}
