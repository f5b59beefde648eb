import { v7 as uuidv7 } from 'uuid';
import { pageOf } from '../contracts/pages.ts';
import type {
  SupportGrantListReply,
  SupportGrantQuery,
  SupportGrantReply,
  SupportGrantRequest,
  SupportGrantView,
} from '../contracts/support-grants.ts';
import type { Db, PlatformTx } from '../db/database.ts';
import type { AuditEvent } from '../domain/audit.ts';
import { platformChain } from '../domain/audit.ts';
import type { Origin } from '../domain/caller.ts';
import { SupportGrantId, type UserId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import { maxOwnersTold } from '../domain/team.ts';
import { noSuchTenant, requireActive } from '../domain/tenant.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import * as memberships from '../repositories/memberships.ts';
import * as platformOutbox from '../repositories/platform-outbox.ts';
import type { SupportGrant } from '../repositories/staff-grants.ts';
import * as staffGrants from '../repositories/staff-grants.ts';
import * as supportGrants from '../repositories/support-grants.ts';
import type { TenantDirectory } from './tenants.ts';

type Staff = { readonly userId: UserId; readonly origin: Origin };

export type SupportGrants = ReturnType<typeof createSupportGrants>;

/** The only door of platform staff into a tenant: for a reason, for a while, and not unseen. */
export function createSupportGrants({ db, directory }: { db: Db; directory: TenantDirectory }) {
  /**
   * Lets somebody of the staff look at a tenant's things. The tenant's owners are told by mail.
   *
   * @throws Problem `tenant-not-found`, `tenant-inactive`, `support-grant-running`
   */
  async function make(
    { tenant: slug, reason, minutes }: SupportGrantRequest,
    { userId, origin }: Staff,
  ): Promise<SupportGrantReply> {
    const named = await directory.findBySlug(slug);
    const tenant = named && (await directory.find(named.id));
    if (!tenant) throw noSuchTenant();
    requireActive(tenant);
    const id = SupportGrantId.parse(uuidv7());
    return db.withPlatform(async (tx) => {
      // Of two who ask at once for one person the second waits here, and finds the first one's.
      await memberships.lockTeam(tx, tenant.id);
      if (await supportGrants.findRunning(tx, tenant.id, userId)) {
        throw new Problem('support-grant-running', 'End your running grant for this tenant first.');
      }
      await supportGrants.insert(tx, tenant.id, { id, userId, reason, minutes });
      const grant = await staffGrants.find(tx, id);
      if (!grant) throw new Error('A grant that was just made is not there.');
      for (const ownerId of await memberships.listOwners(tx, tenant.id, maxOwnersTold)) {
        const payload = { grantId: id, userId: ownerId };
        await platformOutbox.add(tx, { topic: 'support-grant-mail', payload });
      }
      await writeDown(tx, [grant], origin, {
        action: 'support-grant.made',
        after: { reason, minutes, until: grant.expiresAt.toISOString() },
      });
      return { success: true, grant: toView(grant) };
    });
  }

  /** Of all tenants and all of the staff, newest first. */
  async function list({ cursor, limit }: SupportGrantQuery): Promise<SupportGrantListReply> {
    return db.withPlatform(async (tx) => {
      const found = await staffGrants.list(tx, { after: cursor, limit: limit + 1 });
      const { items, next } = pageOf(found, limit, ({ position }) => position);
      return { success: true, grants: items.map(toView), next };
    });
  }

  /** @throws Problem `support-grant-not-found` when it is not running */
  async function end(id: SupportGrantId, origin: Origin): Promise<SupportGrantReply> {
    return db.withPlatform(async (tx) => {
      const running = await staffGrants.findRunning(tx, id);
      if (!running || !(await supportGrants.end(tx, running.tenantId, id))) {
        throw new Problem('support-grant-not-found', 'No running grant has this id.');
      }
      await writeDown(tx, [running], origin, { action: 'support-grant.ended' });
      return { success: true, grant: toView({ ...running, endedAt: new Date() }) };
    });
  }

  return { make, list, end };
}

/** Ends all that somebody may look at: the role is gone that let it. */
export async function endGrantsOf(tx: PlatformTx, userId: UserId, origin: Origin): Promise<void> {
  const ended: SupportGrant[] = [];
  for (const grant of await staffGrants.listRunningOf(tx, userId)) {
    if (await supportGrants.end(tx, grant.tenantId, grant.id)) ended.push(grant);
  }
  await writeDown(tx, ended, origin, { action: 'support-grant.ended' });
}

/** In the tenants' chains and in the platform's; always in this order, so that nobody deadlocks. */
async function writeDown(
  tx: PlatformTx,
  grants: readonly SupportGrant[],
  origin: Origin,
  { action, after }: Pick<AuditEvent, 'action' | 'after'>,
): Promise<void> {
  const eventOf = ({ id, slug, email }: SupportGrant): AuditEvent => ({
    action,
    subject: { kind: 'support-grant', id },
    after: { tenant: slug, staff: email, ...after },
  });
  for (const grant of grants) {
    await auditEntries.append(tx, grant.tenantId, origin, eventOf(grant));
  }
  for (const grant of grants) {
    await auditEntries.append(tx, platformChain, origin, eventOf(grant));
  }
}

function toView(grant: SupportGrant): SupportGrantView {
  const { id, slug, userId, email, reason, createdAt, expiresAt, endedAt } = grant;
  return {
    id,
    tenant: slug,
    userId,
    email,
    reason,
    since: createdAt.toISOString(),
    until: expiresAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
  };
}
