import { createHash, randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { InvitationReply, InvitationView } from '../contracts/team.ts';
import type { Db, PlatformTx } from '../db/database.ts';
import type { Origin } from '../domain/caller.ts';
import { InvitationId, type TenantId, type UserId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import { Secret } from '../domain/secret.ts';
import { invitationDays, maxOpenInvitations, type Role } from '../domain/team.ts';
import type { Tenant } from '../domain/tenant.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import type { Invitation } from '../repositories/invitations.ts';
import * as invitations from '../repositories/invitations.ts';
import * as platformOutbox from '../repositories/platform-outbox.ts';
import { type Circle, type Manager, requireManager, teamOf } from './circles.ts';
import type { RateLimits } from './rate-limits.ts';

type NewInvitation<R> = {
  readonly email: string;
  readonly name?: string | undefined;
  readonly role: R;
};

export type Invitations = ReturnType<typeof createInvitations>;

/**
 * Asks people into a circle by mail. Whether an address has an account already is looked at when it
 * accepts, so that who invites learns nothing of it.
 */
export function createInvitations({ db, limits }: { db: Db; limits: RateLimits }) {
  /** @throws Problem `not-allowed`, `member-exists`, `invitation-open`, `too-many-invitations` */
  async function invite<R extends Role>(
    circle: Circle<R>,
    { email, name, role }: NewInvitation<R>,
    by: Manager,
  ): Promise<InvitationReply> {
    await limits.take('invitations-tenant', circle.tenantId);
    return db.withPlatform(async (tx) => {
      await circle.lock(tx);
      await requireManager(tx, circle, by, [role]);
      const open = await requireNoMember(tx, circle, email);
      if (open.some((other) => other.email === email)) {
        throw new Problem('invitation-open', 'Send the open invitation again, or revoke it.');
      }
      if (open.length === maxOpenInvitations) {
        throw new Problem('too-many-invitations', 'Revoke invitations that nobody accepted.');
      }
      const invitation = await add(tx, circle, { email, name, role, by });
      return { success: true, invitation: toInvitationView(invitation) };
    });
  }

  /**
   * How a tenant gets its first owner: by an operator. Who is invited already is mailed again.
   *
   * @throws Problem `member-exists`
   */
  async function inviteOwner(
    { id: tenantId }: Tenant,
    email: string,
    origin: Origin,
  ): Promise<'invited' | 'renewed'> {
    const circle = teamOf(tenantId);
    const by = { userId: undefined, origin };
    return db.withPlatform(async (tx) => {
      await circle.lock(tx);
      const open = await requireNoMember(tx, circle, email);
      const known = open.find((other) => other.email === email);
      if (known?.role === circle.head) {
        await renew(tx, circle, { id: known.id, by });
        return 'renewed';
      }
      if (known) await withdraw(tx, circle, { id: known.id, by });
      await add(tx, circle, { email, role: circle.head, by });
      return 'invited';
    });
  }

  /**
   * Has an invitation mailed again, with another token and its full time; what was mailed before is
   * worth nothing from now on.
   *
   * @throws Problem `not-allowed`, `invitation-not-found`
   */
  async function resend<R extends Role>(
    circle: Circle<R>,
    id: InvitationId,
    by: Manager,
  ): Promise<InvitationReply> {
    await limits.take('invitations-tenant', circle.tenantId);
    const { tenantId } = circle;
    return db.withPlatform(async (tx) => {
      await circle.lock(tx);
      const open = await invitations.findOpen(tx, tenantId, id);
      await requireManager(tx, circle, by, open ? [circle.parseRole(open.role)] : []);
      const invitation = await renew(tx, circle, { id, by });
      return { success: true, invitation: toInvitationView(invitation) };
    });
  }

  /** @throws Problem `not-allowed`, `invitation-not-found` */
  async function revoke<R extends Role>(
    circle: Circle<R>,
    id: InvitationId,
    by: Manager,
  ): Promise<void> {
    const { tenantId } = circle;
    await db.withPlatform(async (tx) => {
      await circle.lock(tx);
      const open = await invitations.findOpen(tx, tenantId, id);
      await requireManager(tx, circle, by, open ? [circle.parseRole(open.role)] : []);
      await withdraw(tx, circle, { id, by });
    });
  }

  /**
   * Makes the token of an invitation, at the moment of mailing: it exists in the mail alone, and a
   * token before it dies. Nothing for an invitation that has nothing left to mail.
   */
  async function makeToken(
    tenantId: TenantId,
    id: InvitationId,
  ): Promise<{ readonly token: Secret; readonly invitation: Invitation } | undefined> {
    const token = new Secret(randomBytes(32).toString('base64url'));
    const made = { id, hash: hashOf(token), days: invitationDays };
    const invitation = await db.withPlatformOnce((tx) =>
      invitations.replaceToken(tx, tenantId, made),
    );
    return invitation && { token, invitation };
  }

  return { invite, inviteOwner, resend, revoke, makeToken };
}

/** A signed-in member of the circle, or an operator. */
type Inviter = { readonly userId: UserId | undefined; readonly origin: Origin };

/** Answers what is open; @throws Problem `member-exists` */
async function requireNoMember<R extends Role>(
  tx: PlatformTx,
  circle: Circle<R>,
  email: string,
): Promise<readonly Invitation[]> {
  if (await circle.hasEmail(tx, email)) {
    throw new Problem('member-exists', 'This address is on the list of members.');
  }
  return invitations.listOpen(tx, circle.tenantId, maxOpenInvitations);
}

async function add<R extends Role>(
  tx: PlatformTx,
  { tenantId }: Circle<R>,
  { email, name, role, by }: NewInvitation<R> & { readonly by: Inviter },
): Promise<Invitation> {
  const id = InvitationId.parse(uuidv7());
  const made = { id, email, name, role, invitedBy: by.userId };
  const invitation = await invitations.insert(tx, tenantId, made);
  await platformOutbox.add(tx, mailOf(tenantId, id));
  await auditEntries.append(tx, tenantId, by.origin, {
    action: 'invitation.sent',
    subject: { kind: 'invitation', id },
    after: { email, role },
  });
  return invitation;
}

/** @throws Problem `invitation-not-found` */
async function withdraw<R extends Role>(
  tx: PlatformTx,
  { tenantId }: Circle<R>,
  { id, by }: { readonly id: InvitationId; readonly by: Inviter },
): Promise<void> {
  const invitation = await invitations.revoke(tx, tenantId, id);
  if (!invitation) throw notFound();
  const { email, role } = invitation;
  await auditEntries.append(tx, tenantId, by.origin, {
    action: 'invitation.revoked',
    subject: { kind: 'invitation', id },
    before: { email, role },
  });
}

/** @throws Problem `invitation-not-found` */
async function renew<R extends Role>(
  tx: PlatformTx,
  { tenantId }: Circle<R>,
  { id, by }: { readonly id: InvitationId; readonly by: Inviter },
): Promise<Invitation> {
  const renewal = { id, invitedBy: by.userId, days: invitationDays };
  const invitation = await invitations.renew(tx, tenantId, renewal);
  if (!invitation) throw notFound();
  await platformOutbox.add(tx, mailOf(tenantId, id));
  const { email, role } = invitation;
  await auditEntries.append(tx, tenantId, by.origin, {
    action: 'invitation.renewed',
    subject: { kind: 'invitation', id },
    after: { email, role },
  });
  return invitation;
}

/** What of a token is stored. */
export function hashOf(token: Secret): Buffer {
  return createHash('sha256').update(token.reveal()).digest();
}

export function toInvitationView(invitation: Invitation): InvitationView {
  const { id, email, name, role, createdAt, expiresAt } = invitation;
  return {
    id,
    email,
    name: name ?? null,
    role,
    since: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  };
}

function mailOf(tenantId: TenantId, invitationId: InvitationId) {
  return { topic: 'invitation-mail', payload: { tenantId, invitationId } } as const;
}

function notFound(): Problem {
  return new Problem('invitation-not-found', 'No open invitation has this id.');
}
