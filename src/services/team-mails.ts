import type { Db } from '../db/database.ts';
import { platformChain } from '../domain/audit.ts';
import type { TenantId } from '../domain/ids.ts';
import type { JobPayload } from '../domain/jobs.ts';
import { renderTeamMail } from '../notifications/team-mail.ts';
import type { Mailer } from '../providers/mail/mailer.ts';
import * as memberships from '../repositories/memberships.ts';
import * as staffGrants from '../repositories/staff-grants.ts';
import * as users from '../repositories/users.ts';
import type { Addresses } from './addresses.ts';
import { circleOf } from './circles.ts';
import { hashOf, type Invitations } from './invitations.ts';
import type { TenantDirectory } from './tenants.ts';

type Dependencies = {
  readonly db: Db;
  readonly directory: TenantDirectory;
  readonly invitations: Invitations;
  readonly mailer: Mailer;
  readonly addresses: Addresses;
  /** The platform's own sender: these mails are never the merchant's. */
  readonly mailFrom: string;
};

/** How the platform itself writes. */
const platform = { name: 'Kassa', locale: 'en', timeZone: 'UTC' } as const;

export type TeamMails = ReturnType<typeof createTeamMails>;

export function createTeamMails(dependencies: Dependencies) {
  const { db, directory, invitations, mailer, addresses, mailFrom } = dependencies;
  const from = { name: platform.name, address: mailFrom };

  /**
   * Mails an invitation with a token that is made for this mail.
   *
   * @throws MailError when the mail was not, or perhaps not, taken
   */
  async function sendInvitation(job: JobPayload<'invitation-mail'>): Promise<void> {
    const { tenantId, invitationId } = job;
    const place = await placeOf(tenantId);
    const made = await invitations.makeToken(tenantId, invitationId);
    // Accepted, revoked or out of time meanwhile.
    if (!made) return;
    const { token, invitation } = made;
    const { email, name = '', invitedBy, expiresAt } = invitation;
    const inviter = invitedBy && (await db.withPlatformOnce((tx) => users.find(tx, invitedBy)));
    const content = renderTeamMail({
      kind: tenantId === platformChain ? 'staff-invitation' : 'invitation',
      locale: place.locale,
      place: place.name,
      name,
      person: inviter?.name ?? platform.name,
      role: circleOf(tenantId).parseRole(invitation.role),
      until: expiresAt,
      timeZone: place.timeZone,
      url: addresses.invitationUrl(token),
    });
    await mailer.send({
      ...content,
      from,
      to: { name, address: email },
      // Another for each token: each mail makes those before it worthless.
      messageId: `<invitation.${hashOf(token).toString('hex', 0, 16)}@kassa>`,
    });
  }

  /**
   * Tells an owner that somebody of the staff may look at the tenant.
   *
   * @throws MailError when the mail was not, or perhaps not, taken
   */
  async function sendGrantNotice(job: JobPayload<'support-grant-mail'>): Promise<void> {
    const { grantId, userId } = job;
    const found = await db.withPlatform(async (tx) => {
      const grant = await staffGrants.find(tx, grantId);
      if (!grant) throw new Error(`There is no grant ${grantId}.`);
      const role = await memberships.findRole(tx, grant.tenantId, userId);
      const owner = role === 'owner' ? await users.find(tx, userId) : undefined;
      return owner && { grant, owner };
    });
    // Who is no owner any more is told nothing more of the tenant.
    if (!found) return;
    const { grant, owner } = found;
    const place = await placeOf(grant.tenantId);
    const content = renderTeamMail({
      kind: 'support-grant',
      locale: owner.locale,
      place: place.name,
      name: owner.name,
      person: grant.email,
      reason: grant.reason,
      until: grant.expiresAt,
      timeZone: place.timeZone,
    });
    await mailer.send({
      ...content,
      from,
      to: { name: owner.name, address: owner.email },
      // The same for every try, so that a mail that went out twice is known as one.
      messageId: `<support-grant.${grantId}.${userId}@kassa>`,
    });
  }

  async function placeOf(tenantId: TenantId) {
    if (tenantId === platformChain) return platform;
    const tenant = await directory.find(tenantId);
    if (!tenant) throw new Error(`There is no tenant ${tenantId}.`);
    return tenant;
  }

  return { sendInvitation, sendGrantNotice };
}
