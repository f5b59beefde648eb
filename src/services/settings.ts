import type { SettingsReply, SettingsRequest } from '../contracts/settings.ts';
import type { Db } from '../db/database.ts';
import type { Origin } from '../domain/caller.ts';
import type { TenantId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import type { TenantSettings } from '../repositories/tenant-settings.ts';
import * as tenantSettings from '../repositories/tenant-settings.ts';
import { classifyHost } from './public-hosts.ts';
import type { TenantDirectory } from './tenants.ts';

type Dependencies = {
  readonly db: Db;
  readonly directory: TenantDirectory;
  /** On a developer's machine shops have local names and no certificates. */
  readonly hasLocalShops: boolean;
};

type Change = { readonly request: SettingsRequest; readonly origin: Origin };

export type SettingsService = ReturnType<typeof createSettingsService>;

/** What a tenant decides for itself. */
export function createSettingsService({ db, directory, hasLocalShops }: Dependencies) {
  async function show(tenantId: TenantId): Promise<SettingsReply> {
    return toReply(await db.withPlatformOnce((tx) => tenantSettings.get(tx, tenantId)));
  }

  /** @throws Problem `invalid-request` for a return address that no shop has */
  async function change(tenantId: TenantId, { request, origin }: Change): Promise<SettingsReply> {
    if (request.returnUrl) requireShopAddress(request.returnUrl);
    const after = await db.withPlatform(async (tx) => {
      const before = await tenantSettings.lock(tx, tenantId);
      const settings = { ...before, ...givenIn(request) };
      const changes = differences(before, settings);
      if (!changes) return before;
      await tenantSettings.store(tx, tenantId, settings);
      await auditEntries.append(tx, tenantId, origin, {
        action: 'settings.changed',
        subject: { kind: 'tenant', id: tenantId },
        ...changes,
      });
      return settings;
    });
    // The others hear of it; here the next request already meets it.
    directory.forget(tenantId);
    return toReply(after);
  }

  /**
   * It is the shopper's browser that goes there, from inside of whatever network it is in.
   *
   * @throws Problem `invalid-request`
   */
  function requireShopAddress(returnUrl: string): void {
    const { protocol, hostname } = new URL(returnUrl);
    const host = classifyHost(hostname);
    const isPublic = host === 'public' || (host === 'local' && hasLocalShops);
    if (isPublic && (protocol === 'https:' || hasLocalShops)) return;
    const message = isPublic ? 'must start with https://' : 'must be an address on the internet';
    throw new Problem('invalid-request', 'The shop cannot be at this address.', {
      errors: [{ field: 'returnUrl', message }],
    });
  }

  return { show, change };
}

/** What the request names; null takes a setting away. */
function givenIn(request: SettingsRequest): Partial<TenantSettings> {
  const given = Object.entries(request).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, value ?? undefined]));
}

type Changes = { readonly before: Partial<View>; readonly after: Partial<View> };
type View = SettingsReply['settings'];

/** The settings that differ, as they were and as they are; undefined when none does. */
function differences(before: TenantSettings, after: TenantSettings): Changes | undefined {
  const [old, now] = [toView(before), toView(after)];
  const names = (Object.keys(old) as (keyof View)[]).filter(
    (name) => JSON.stringify(old[name]) !== JSON.stringify(now[name]),
  );
  if (names.length === 0) return undefined;
  const pick = (view: View) => Object.fromEntries(names.map((name) => [name, view[name]]));
  return { before: pick(old), after: pick(now) };
}

function toReply(settings: TenantSettings): SettingsReply {
  return { success: true, settings: toView(settings) };
}

function toView(settings: TenantSettings): View {
  return {
    allowedOrigins: [...settings.allowedOrigins],
    createRequiresKey: settings.createRequiresKey,
    returnUrl: settings.returnUrl ?? null,
    emailFrom: settings.emailFrom ?? null,
    emailReplyTo: settings.emailReplyTo ?? null,
    requiresSecondFactor: settings.requiresSecondFactor,
  };
}
