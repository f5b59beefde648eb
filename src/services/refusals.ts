import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { Db } from '../db/database.ts';
import { platformChain } from '../domain/audit.ts';
import type { Origin } from '../domain/caller.ts';
import type { TenantId } from '../domain/ids.ts';
import type { ProblemCode } from '../domain/problems.ts';
import * as auditEntries from '../repositories/audit-entries.ts';

type Dependencies = {
  readonly db: Db;
  readonly log: Logger;
  /** In milliseconds. */
  readonly now?: () => number;
};

export type Refusal = {
  /** Whose audit log it belongs into: a tenant's, or the platform's. */
  readonly chain: TenantId;
  readonly origin: Origin;
  /** `GET /admin/stats`, as it is on the list. */
  readonly route: string;
  readonly code: ProblemCode;
};

type Tally = { since: number; listed: number; unlisted: number };

const minuteMs = 60_000;
const listedPerMinute = 30;
/** A database that is slow must not be asked for more and more. */
const writesAtOnce = 20;
/** Actors and chains that are remembered, so that no flood of them fills the memory. */
const maxRemembered = 10_000;

export type Refusals = ReturnType<typeof createRefusals>;

/**
 * Writes refusals of known callers into the audit log, as few as tell the story: one a minute for
 * each actor, route and code, and thirty a minute for each chain. The others are counted into the
 * chain's next entry. Each process counts for itself.
 */
export function createRefusals({ db, log, now = Date.now }: Dependencies) {
  const recent = new LRUCache<string, number>({ max: maxRemembered });
  const tallies = new LRUCache<TenantId, Tally>({ max: maxRemembered });
  const writing = new Set<Promise<void>>();
  const anonymous = { since: now(), counts: new Map<ProblemCode, number>() };

  /** Nobody waits for it, and it never fails. */
  function note(refusal: Refusal): void {
    const { chain, origin, route, code } = refusal;
    const { kind, id, label } = origin.actor;
    const key = JSON.stringify([chain, kind, id, label, route, code]);
    const tally = tallyOf(chain);
    const isRepeated = (recent.get(key) ?? Number.NEGATIVE_INFINITY) > now() - minuteMs;
    if (isRepeated || tally.listed >= listedPerMinute || writing.size >= writesAtOnce) {
      tally.unlisted += 1;
      return;
    }
    recent.set(key, now());
    tally.listed += 1;
    const { unlisted } = tally;
    tally.unlisted = 0;
    const write = store(refusal, unlisted)
      .catch((error: unknown) => {
        tally.unlisted += unlisted + 1;
        log.error({ err: error, tenantId: chain, route, code }, 'a refusal was not audited');
      })
      .finally(() => writing.delete(write));
    writing.add(write);
  }

  function tallyOf(chain: TenantId): Tally {
    const known = tallies.get(chain) ?? { since: now(), listed: 0, unlisted: 0 };
    if (known.since <= now() - minuteMs) Object.assign(known, { since: now(), listed: 0 });
    tallies.set(chain, known);
    return known;
  }

  async function store({ chain, origin, route, code }: Refusal, unlisted: number): Promise<void> {
    const event = {
      action: 'request.refused',
      subject: { kind: 'route', id: route },
      after: { code, ...(unlisted > 0 && { unlisted }) },
    } as const;
    if (chain === platformChain) {
      await db.withPlatform((tx) => auditEntries.append(tx, chain, origin, event));
    } else {
      await db.withTenant(chain, (tx) => auditEntries.append(tx, chain, origin, event));
    }
  }

  /** Of nobody known: counted, and logged once a minute. Anybody can make as many as they like. */
  function count(code: ProblemCode): void {
    anonymous.counts.set(code, (anonymous.counts.get(code) ?? 0) + 1);
    if (anonymous.since > now() - minuteMs) return;
    log.warn({ refused: Object.fromEntries(anonymous.counts) }, 'requests of nobody known');
    anonymous.counts.clear();
    anonymous.since = now();
  }

  /** Once all that was noted is written. */
  async function settle(): Promise<void> {
    await Promise.all(writing);
  }

  return { note, count, settle };
}
