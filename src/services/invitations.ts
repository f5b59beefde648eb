import { createHash, randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { InvitationReply, InvitationView } from '../contracts/team.ts';
import type { Db } from '../db/database.ts';
import { InvitationId, type TenantId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import { Secret } from '../domain/secret.ts';
import { invitationDays, maxOpenInvitations, type Role } from '../domain/team.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import type { Invitation } from '../repositories/invitations.ts';
import * as invitations from '../repositories/invitations.ts';
import * as platformOutbox from '../repositories/platform-outbox.ts';
import { type Circle, type Manager, requireManager } from './circles.ts';
import type { RateLimits } from './rate-limits.ts';

type NewInvitation<R> = {
  readonly email: string;
  readonly name?: string;
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
    const id = InvitationId.parse(uuidv7());
    const { tenantId } = circle;
    return db.withPlatform(async (tx) => {
      await circle.lock(tx);
      await requireManager(tx, circle, by, [role]);
      if (await circle.hasEmail(tx, email)) {
        throw new Problem('member-exists', 'This address is on the list of members.');
      }
      const open = await invitations.listOpen(tx, tenantId, maxOpenInvitations);
      if (open.some((other) => other.email === email)) {
        throw new Problem('invitation-open', 'Send the open invitation again, or revoke it.');
      }
      if (open.length === maxOpenInvitations) {
        throw new Problem('too-many-invitations', 'Revoke invitations that nobody accepted.');
      }
      const invitation = await invitations.insert(tx, tenantId, {
        id,
        email,
        name,
        role,
        invitedBy: by.userId,
      });
      await platformOutbox.add(tx, mailOf(tenantId, id));
      await auditEntries.append(tx, tenantId, by.origin, {
        action: 'invitation.sent',
        subject: { kind: 'invitation', id },
        after: { email, role },
      });
      return { success: true, invitation: toInvitationView(invitation) };
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
      const invitation = await invitations.revoke(tx, tenantId, id);
      if (!invitation) throw notFound();
      const { email, role } = invitation;
      await auditEntries.append(tx, tenantId, by.origin, {
        action: 'invitation.revoked',
        subject: { kind: 'invitation', id },
        before: { email, role },
      });
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

  return { invite, resend, revoke, makeToken };
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
