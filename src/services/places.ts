import type { PlaceView } from '../contracts/places.ts';
import type { Db } from '../db/database.ts';
import { mayUseGrants, type TenantRole } from '../domain/access.ts';
import type { Origin, UserCaller } from '../domain/caller.ts';
import type { Slug, TenantId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import { noSuchTenant, requireActive, type Tenant } from '../domain/tenant.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import * as memberships from '../repositories/memberships.ts';
import * as sessions from '../repositories/sessions.ts';
import * as supportGrants from '../repositories/support-grants.ts';
import * as tenants from '../repositories/tenants.ts';
import type { TenantDirectory } from './tenants.ts';

/** A tenant that a user may enter, as things stand now. */
export type Place = {
  readonly tenant: Tenant;
  readonly role: TenantRole | 'granted';
};

const maxListed = 100;

export type Places = ReturnType<typeof createPlaces>;

/** Which tenants a signed-in user may enter. Nothing of it is remembered between two requests. */
export function createPlaces({ db, directory }: { db: Db; directory: TenantDirectory }) {
  /**
   * Enters a tenant: as a member, or for platform staff by a running grant, whose use is written
   * down once an hour. Undefined for everybody else, whether the tenant exists or not.
   */
  async function enter(
    user: UserCaller,
    tenantId: TenantId,
    origin: Origin,
  ): Promise<Place | undefined> {
    const own = await db.withPlatformOnce((tx) => memberships.findRole(tx, tenantId, user.userId));
    const role = own ?? (await useGrant(user, tenantId, origin));
    const tenant = role && (await directory.find(tenantId));
    return tenant && { tenant, role };
  }

  /**
   * For what platform staff sees of a tenant through the platform's own door.
   *
   * @throws Problem `not-allowed`
   */
  async function requireGrant(user: UserCaller, tenantId: TenantId, origin: Origin): Promise<void> {
    if (await useGrant(user, tenantId, origin)) return;
    throw new Problem('not-allowed', 'Make a support grant for this tenant first.');
  }

  async function useGrant(user: UserCaller, tenantId: TenantId, origin: Origin) {
    if (!mayUseGrants(user.platformRole)) return undefined;
    return db.withPlatform(async (tx) => {
      const id = await supportGrants.findRunning(tx, tenantId, user.userId);
      if (!id) return undefined;
      if (await supportGrants.markUsed(tx, tenantId, id)) {
        await auditEntries.append(tx, tenantId, origin, {
          action: 'support-grant.used',
          subject: { kind: 'support-grant', id },
        });
      }
      return 'granted' as const;
    });
  }

  /** The tenant that a user without a choice means: the only one that there is. */
  async function findOnly(user: UserCaller): Promise<TenantId | undefined> {
    const [first, second] = await db.withPlatformOnce((tx) =>
      tenants.listOfUser(tx, user.userId, 2),
    );
    return second ? undefined : first?.id;
  }

  /**
   * Makes a tenant the one that the session's requests are for, unless they name another.
   *
   * @throws Problem `tenant-not-found`, `tenant-inactive`
   */
  async function choose(user: UserCaller, slug: Slug, origin: Origin): Promise<Place> {
    const named = await directory.findBySlug(slug);
    const place = named && (await enter(user, named.id, origin));
    if (!place) throw noSuchTenant();
    requireActive(place.tenant);
    await db.withPlatformOnce((tx) => sessions.setTenant(tx, user.sessionId, place.tenant.id));
    return place;
  }

  /**
   * A tenant that the user works for, whatever its status.
   *
   * @throws Problem `tenant-not-found`
   */
  async function getOwn(user: UserCaller, slug: Slug): Promise<TenantId> {
    const named = await directory.findBySlug(slug);
    const role =
      named && (await db.withPlatformOnce((tx) => memberships.findRole(tx, named.id, user.userId)));
    if (!role) throw noSuchTenant();
    return named.id;
  }

  /** The tenants that a user works for; at most 100, by name. */
  async function list(user: UserCaller): Promise<PlaceView[]> {
    const found = await db.withPlatformOnce((tx) => tenants.listOfUser(tx, user.userId, maxListed));
    const active = user.activeTenantId ?? (found.length === 1 ? found[0]?.id : undefined);
    return found.map(({ id, slug, name, status, role }) => ({
      slug,
      name,
      status,
      role,
      isActive: id === active,
    }));
  }

  return { enter, requireGrant, findOnly, choose, getOwn, list };
}
