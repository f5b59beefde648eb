import { LRUCache } from 'lru-cache';
import type { Db } from '../db/database.ts';
import type { Slug, TenantId } from '../domain/ids.ts';
import type { Tenant } from '../domain/tenant.ts';
import * as tenants from '../repositories/tenants.ts';
import type { MidtransAccounts } from './midtrans-accounts.ts';

type DirectoryOptions = {
  readonly db: Db;
  readonly accounts: Pick<MidtransAccounts, 'open'>;
  readonly maxEntries?: number;
  /** The net under NOTIFY: no process believes an old tenant longer than this. */
  readonly ttlMs?: number;
  /** The same for names that nobody has. */
  readonly unknownTtlMs?: number;
};

export type TenantDirectory = ReturnType<typeof createTenantDirectory>;

const maxReads = 3;
/** Few, for names come from strangers, who have many of them. */
const maxUnknown = 1_000;

/**
 * The tenants as requests need them, from memory. Concurrent misses of one tenant share one
 * query. A name that nobody has is remembered as such for a moment; any tenant that is announced
 * ends that, so that a new one is served at once.
 */
export function createTenantDirectory(options: DirectoryOptions) {
  const { db, accounts, maxEntries = 10_000, ttlMs = 30_000, unknownTtlMs = 5_000 } = options;
  const known = new LRUCache<Slug, Tenant>({ max: maxEntries, ttl: ttlMs });
  const unknown = new LRUCache<Slug, true>({ max: maxUnknown, ttl: unknownTtlMs });
  const loads = new Map<Slug, Promise<Tenant | undefined>>();
  let changes = 0;

  async function findBySlug(slug: Slug): Promise<Tenant | undefined> {
    const tenant = known.get(slug);
    if (tenant || unknown.has(slug)) return tenant;
    const running = loads.get(slug);
    if (running) return running;
    const load = readBySlug(slug).finally(() => loads.delete(slug));
    loads.set(slug, load);
    return load;
  }

  async function readBySlug(slug: Slug): Promise<Tenant | undefined> {
    for (let reads = 1; ; reads += 1) {
      const changesBefore = changes;
      const stored = await db.withPlatform((tx) => tenants.findBySlug(tx, slug));
      const tenant = stored && (await accounts.open(stored));
      // A change announced meanwhile may be newer than what was read: read again, and under a
      // storm of changes answer without remembering.
      const isCurrent = changesBefore === changes;
      if (isCurrent && tenant) known.set(slug, tenant);
      if (isCurrent && !tenant) unknown.set(slug, true);
      if (isCurrent || reads === maxReads) return tenant;
    }
  }

  /** Read from the database each time: for jobs and callers, which are rare and must be right. */
  async function find(id: TenantId): Promise<Tenant | undefined> {
    const stored = await db.withPlatform((tx) => tenants.findById(tx, id));
    return stored && accounts.open(stored);
  }

  /** Forgets one tenant: somebody changed it. */
  function forget(id: string): void {
    changes += 1;
    unknown.clear();
    for (const [slug, tenant] of known.entries()) {
      if (tenant.id === id) known.delete(slug);
    }
  }

  /** Forgets all of them: changes may have been missed. */
  function forgetAll(): void {
    changes += 1;
    unknown.clear();
    known.clear();
  }

  return { findBySlug, find, forget, forgetAll };
}
