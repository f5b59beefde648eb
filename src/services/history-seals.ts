import type { Logger } from 'pino';
import { z } from 'zod';
import type { Db, TenantTx } from '../db/database.ts';
import { bySystem } from '../domain/caller.ts';
import type { TenantId } from '../domain/ids.ts';
import type { AuditEntry } from '../repositories/audit-entries.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import * as orderEvents from '../repositories/order-events.ts';
import * as tenants from '../repositories/tenants.ts';

type Dependencies = { readonly db: Db; readonly log: Logger; readonly marginMs?: number };

/** What an entry `order-events.sealed` says of a part of the orders' history. */
export type Seal = z.infer<typeof Seal>;
const Seal = z.object({
  after: z.string().nullable(),
  upTo: z.string(),
  count: z.int(),
  digest: z.string(),
});

const action = 'order-events.sealed';
const tenantsPerPage = 500;
const linesPerSeal = 10_000;

/**
 * Seals the orders' history: every now and then an entry in each tenant's audit log counts and
 * hashes the lines since the last one. So what the provider's word did to payments is covered by the
 * chain without every payment waiting for the chain's end.
 */
export function createHistorySeals({ db, log, marginMs = 60_000 }: Dependencies) {
  /** Seals what is new of all tenants; answers how many entries that took. */
  async function sealAll(): Promise<number> {
    let seals = 0;
    let after: TenantId | undefined;
    for (;;) {
      const page = await db.withPlatform((tx) =>
        tenants.listIds(tx, { after, limit: tenantsPerPage }),
      );
      for (const id of page) seals += await sealTenant(id).catch(loggedAs(id));
      if (page.length < tenantsPerPage) return seals;
      after = page.at(-1);
    }
  }

  async function sealTenant(id: TenantId): Promise<number> {
    let seals = 0;
    while (await db.withTenant(id, (tx) => sealNext(tx, marginMs))) seals += 1;
    return seals;
  }

  /** One tenant's trouble must not keep the others' history unsealed. */
  function loggedAs(tenantId: TenantId) {
    return (error: unknown): number => {
      log.error({ err: error, tenantId }, "a tenant's history was not sealed");
      return 0;
    };
  }

  return { sealAll };
}

/** Seals the next part of a tenant's history; false when there is none, or another one seals it. */
async function sealNext(tx: TenantTx, marginMs: number): Promise<boolean> {
  const last = await auditEntries.findLast(tx, action);
  const after = last && readSeal(last).upTo;
  const upTo = await orderEvents.sealableUpTo(tx, { after, limit: linesPerSeal, marginMs });
  if (upTo === undefined) return false;
  const digest = await orderEvents.digest(tx, { after, upTo });
  await auditEntries.lockHead(tx, tx.tenantId);
  // Two workers may have come here with the same part.
  if ((await auditEntries.findLast(tx, action))?.seq !== last?.seq) return false;
  await auditEntries.append(tx, tx.tenantId, bySystem('history seals', 'none'), {
    action,
    subject: { kind: 'tenant', id: tx.tenantId },
    after: { after: after ?? null, upTo, ...digest } satisfies Seal,
  });
  return true;
}

/** @throws Error when an entry is no seal, which an unbroken chain cannot have */
function readSeal({ after }: AuditEntry): Seal {
  return Seal.parse(JSON.parse(after ?? 'null'));
}

export type SealCheck = { readonly upTo: string; readonly fault: string | undefined };

/** Holds the history against a seal; undefined for an entry that is none. */
export async function checkSeal(
  tx: TenantTx,
  entry: AuditEntry,
  previous: string | undefined,
): Promise<SealCheck | undefined> {
  if (entry.action !== action) return undefined;
  const { after, upTo, count, digest } = readSeal(entry);
  if (after !== (previous ?? null)) {
    return { upTo, fault: `seal ${entry.seq} does not begin where the one before it ends` };
  }
  const found = await orderEvents.digest(tx, { after: previous, upTo });
  const isSame = found.count === count && found.digest === digest;
  const since = after ?? 'the beginning';
  const fault = `the orders' history from ${since} to ${upTo} is not what entry ${entry.seq} sealed: ${found.count} lines, sealed were ${count}`;
  return { upTo, fault: isSame ? undefined : fault };
}
