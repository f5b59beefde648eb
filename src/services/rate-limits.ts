import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import type { Db } from '../db/database.ts';
import { limits as allLimits, type Limit, type LimitName, localShare } from '../domain/limits.ts';
import { networkOf } from '../domain/networks.ts';
import { Problem } from '../domain/problems.ts';
import * as counts from '../repositories/rate-limits.ts';

type RateLimitOptions = {
  readonly db: Db;
  readonly log: Logger;
  readonly limits?: Readonly<Record<LimitName, Limit>>;
};

export type RateLimits = ReturnType<typeof createRateLimits>;

/** What is left of a limit, and for how long. */
export type Standing = {
  readonly name: LimitName;
  readonly remaining: number;
  readonly resetSeconds: number;
};

type Window = { readonly used: number; readonly endsAt: number };
/** `orAlone`: what holds while PostgreSQL is away. */
type Taking = { readonly points: number; orAlone(): Standing };
type Counter = { readonly name: LimitName; readonly limit: Limit; readonly id: string };

/** Bounds the memory that somebody with many addresses can make a process use. */
const maxWindows = 100_000;
const rowsPerRound = 10_000;

/**
 * Counts what happens and refuses what is too much. All processes share the counts in PostgreSQL;
 * while it is away, each counts alone.
 */
export function createRateLimits({ db, log, limits = allLimits }: RateLimitOptions) {
  const shared = sharedLimiters(db, limits);
  const windows = new LRUCache<string, Window>({ max: maxWindows });
  /** When what is used up may be tried again: who goes on all the same costs no query. */
  const ends = new LRUCache<string, number>({ max: maxWindows });
  /** Of shares that are on their way to PostgreSQL. */
  const reports = new Map<string, Promise<undefined>>();

  /**
   * Counts one.
   *
   * @throws Problem `too-many-requests` when it is one too many
   */
  async function take(name: LimitName, key: string): Promise<Standing | undefined> {
    const counter = counterOf(name, key);
    refuseEnded(counter);
    if (counter.limit.mode === 'strict') {
      return takeShared(counter, { points: 1, orAlone: () => takeHere(counter) });
    }
    const here = countHere(counter);
    const share = shareOf(counter.limit);
    if (here.used <= share) return standing(counter, here);
    const orAlone = () => hold(counter, here);
    if (here.used === share + 1) return report(counter, { points: here.used, orAlone });
    // Whoever overtook the report would find the share unused in PostgreSQL.
    await reports.get(windowKey(counter));
    return takeShared(counter, { points: 1, orAlone });
  }

  /** The first that is beyond the share brings the share along. */
  async function report(counter: Counter, taking: Taking): Promise<Standing> {
    const taken = takeShared(counter, taking);
    const key = windowKey(counter);
    reports.set(
      key,
      taken.then(
        () => undefined,
        () => undefined,
      ),
    );
    return taken.finally(() => reports.delete(key));
  }

  /**
   * Counts nothing.
   *
   * @throws Problem `too-many-requests` when the next `take` would
   */
  async function check(name: LimitName, key: string): Promise<void> {
    const counter = counterOf(name, key);
    refuseEnded(counter);
    const here = windowOf(counter);
    const { mode, points } = counter.limit;
    if (mode === 'local-first' && (here?.used ?? 0) <= shareOf(counter.limit)) return;
    const window = await lookShared(counter).catch((error) => {
      warn(error);
      return here;
    });
    if (window && window.used >= points) refuse(counter, window.endsAt);
  }

  /** Begins the count anew: what succeeded was no guess. */
  async function forgive(name: LimitName, key: string): Promise<void> {
    const counter = counterOf(name, key);
    windows.delete(windowKey(counter));
    ends.delete(windowKey(counter));
    // A success stays one when it cannot be noted.
    await shared[name].delete(counter.id).catch(warn);
  }

  /** Deletes counts that are over, a bounded part a round; answers how many. */
  async function sweep(): Promise<number> {
    return db.withPlatformOnce((tx) =>
      counts.deleteExpired(tx, { now: Date.now(), limit: rowsPerRound }),
    );
  }

  async function lookShared({ name, id }: Counter): Promise<Window | undefined> {
    const found = await shared[name].get(id);
    return found
      ? { used: found.consumedPoints, endsAt: Date.now() + found.msBeforeNext }
      : undefined;
  }

  /** While PostgreSQL is away, what this process has seen by itself has to do. */
  async function takeShared(counter: Counter, { points, orAlone }: Taking): Promise<Standing> {
    try {
      const { consumedPoints, msBeforeNext } = await shared[counter.name].consume(
        counter.id,
        points,
      );
      return standing(counter, { used: consumedPoints, endsAt: Date.now() + msBeforeNext });
    } catch (error) {
      if (error instanceof RateLimiterRes) refuse(counter, Date.now() + error.msBeforeNext);
      warn(error);
      return orAlone();
    }
  }

  function takeHere(counter: Counter): Standing {
    return hold(counter, countHere(counter));
  }

  function hold(counter: Counter, window: Window): Standing {
    if (window.used > counter.limit.points) refuse(counter, window.endsAt);
    return standing(counter, window);
  }

  function counterOf(name: LimitName, key: string): Counter {
    const limit = limits[name];
    return { name, limit, id: hashOf(limit.per === 'address' ? networkOf(key) : key) };
  }

  function windowOf(counter: Counter): Window | undefined {
    const window = windows.get(windowKey(counter));
    return window && window.endsAt > Date.now() ? window : undefined;
  }

  function countHere(counter: Counter): Window {
    const endsAt = Date.now() + counter.limit.seconds * 1_000;
    const before = windowOf(counter) ?? { used: 0, endsAt };
    const window = { ...before, used: before.used + 1 };
    windows.set(windowKey(counter), window);
    return window;
  }

  function refuseEnded(counter: Counter): void {
    const endsAt = ends.get(windowKey(counter));
    if (endsAt && endsAt > Date.now()) throw tooMany(endsAt);
  }

  function refuse(counter: Counter, endsAt: number): never {
    ends.set(windowKey(counter), endsAt);
    throw tooMany(endsAt);
  }

  function warn(error: unknown): void {
    log.warn({ err: error }, 'a rate limit is counted in this process alone');
  }

  return { take, check, forgive, sweep };
}

/** For tests and demos that do in a minute what a shop does in a month. */
export const noRateLimits: RateLimits = {
  take: async () => undefined,
  check: async () => undefined,
  forgive: async () => undefined,
  sweep: async () => 0,
};

function sharedLimiters(db: Db, limits: Readonly<Record<LimitName, Limit>>) {
  type Query = { readonly text: string; readonly values?: readonly unknown[] };
  const storeClient = {
    query: ({ text, values }: Query) => db.withPlatformOnce((tx) => tx.query(text, values)),
  };
  const limiters = Object.entries(limits).map(([name, { points, seconds }]) => [
    name,
    new RateLimiterPostgres({
      storeClient,
      storeType: 'client',
      tableName: 'rate_limits',
      tableCreated: true,
      // Without a timer of its own in every process: the worker clears the table.
      clearExpiredByTimeout: false,
      keyPrefix: name,
      points,
      duration: seconds,
    }),
  ]);
  return Object.fromEntries(limiters) as Record<LimitName, RateLimiterPostgres>;
}

/** Neither mail addresses nor those of clients stand in the table; letter case makes no new key. */
function hashOf(key: string): string {
  return createHash('sha256').update(key.trim().toLowerCase()).digest('base64url');
}

function windowKey({ name, id }: Counter): string {
  return `${name}:${id}`;
}

function shareOf({ points }: Limit): number {
  return Math.floor(points * localShare);
}

function standing({ name, limit }: Counter, { used, endsAt }: Window): Standing {
  const remaining = Math.max(limit.points - used, 0);
  return { name, remaining, resetSeconds: secondsUntil(endsAt) };
}

function tooMany(endsAt: number): Problem {
  const retryAfter = secondsUntil(endsAt);
  return new Problem('too-many-requests', `Please try again in ${retryAfter} seconds.`, {
    retryAfter,
  });
}

function secondsUntil(endsAt: number): number {
  return Math.max(Math.ceil((endsAt - Date.now()) / 1_000), 1);
}
