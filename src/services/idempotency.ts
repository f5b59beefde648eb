import { createHash, randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import type { Db, TenantTx } from '../db/database.ts';
import type { TenantId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import * as keys from '../repositories/idempotency-keys.ts';
import * as tenants from '../repositories/tenants.ts';

type Dependencies = {
  readonly db: Db;
  readonly log: Logger;
  readonly providerTimeoutMs: number;
};

export type KeyedRequest = keys.Scope & {
  readonly tenantId: TenantId;
  /** All that was asked for, as it was parsed: what was ignored does not tell requests apart. */
  readonly content: unknown;
  readonly requestId: string;
};

/**
 * Does what the request asks for. It may be run again under the same resource id, after a failure
 * or beside a run that is believed dead: whatever it makes is found by that id, and continued.
 */
type Work = (resourceId: string) => Promise<keys.Answer>;

type Begun = { readonly resourceId: string } | { readonly answer: keys.Answer };
type Outcome = { readonly answer: keys.Answer; readonly refusal?: Problem };

/** Long enough for a bug of Friday night to be mended on Monday. */
const keptHours = 72;
/**
 * The longest ordinary work: wait for another request's call, close an old page (two questions),
 * make a new one. One that is longer still loses its lease, which fences it and breaks nothing.
 */
const callsPerWork = 4;
const leaseMarginMs = 4_000;
const tenantsPerPage = 500;
const keysPerRound = 10_000;

export type Idempotency = ReturnType<typeof createIdempotency>;

/** Lets a client repeat a write safely: one key is one effect, and one answer. */
export function createIdempotency({ db, log, providerTimeoutMs }: Dependencies) {
  const leaseMs = callsPerWork * providerTimeoutMs + leaseMarginMs;

  /**
   * Runs the work of a key that is new or unfinished, and answers what the key was answered before
   * otherwise. A refusal that a retry cannot change is an answer as well; any other failure leaves
   * the key unfinished, so that the retry runs the work again.
   *
   * @throws Problem `idempotency-key-reused`, `idempotency-key-in-use`, and what the work throws
   */
  async function run(
    request: KeyedRequest,
    work: Work,
  ): Promise<keys.Answer & { readonly isReplay: boolean }> {
    const { tenantId, requestId } = request;
    const leaseId = randomUUID();
    const begun = await db.withTenant(tenantId, (tx) => begin(tx, request, leaseId));
    if ('answer' in begun) return { ...begun.answer, isReplay: true };

    // Between transactions on purpose: the work may call a provider, and has transactions of its
    // own. Should we die here, the lease ends and a retry continues under the same resource id.
    const { answer, refusal } = await work(begun.resourceId)
      .then((done): Outcome => ({ answer: done }))
      .catch((error) => toOutcome(error, requestId))
      .catch((error) => releaseAndThrow(request, leaseId, error));
    const isStored = await db.withTenantOnce(tenantId, (tx) =>
      keys.storeAnswer(tx, request, { ...answer, leaseId }),
    );
    if (!isStored) return { ...(await answerOfSuccessor(request)), isReplay: true };
    if (refusal) throw refusal;
    return { ...answer, isReplay: false };
  }

  async function begin(tx: TenantTx, request: KeyedRequest, leaseId: string): Promise<Begun> {
    const lease = { leaseId, leaseMs, keptHours };
    const requestHash = hashOf(request.content);
    const { route, key } = request;
    const resourceId = uuidv7();
    if (await keys.insert(tx, { route, key, requestHash, resourceId, ...lease })) {
      return { resourceId };
    }
    const known = await keys.get(tx, request);
    if (!known.requestHash.equals(requestHash)) {
      throw new Problem(
        'idempotency-key-reused',
        'This Idempotency-Key was sent before with another request. Use a new key for a new request.',
      );
    }
    if (known.answer) return { answer: known.answer };
    if (known.isLeased) throw inUse();
    await keys.takeOver(tx, request, lease);
    return { resourceId: known.resourceId };
  }

  async function releaseAndThrow(
    request: KeyedRequest,
    leaseId: string,
    cause: unknown,
  ): Promise<never> {
    const { tenantId } = request;
    await db
      .withTenantOnce(tenantId, (tx) => keys.release(tx, request, leaseId))
      // The cause is what the client has to hear; the lease ends by itself.
      .catch((error) => log.warn({ err: error, tenantId }, 'an idempotency key stays leased'));
    throw cause;
  }

  /** We were slower than our lease: what counts is what whoever took over says. */
  async function answerOfSuccessor(request: KeyedRequest): Promise<keys.Answer> {
    const { answer } = await db.withTenantOnce(request.tenantId, (tx) => keys.get(tx, request));
    if (!answer) throw inUse();
    return answer;
  }

  /** Deletes what is forgotten, tenant by tenant and a bounded part a round; answers how much. */
  async function sweep(): Promise<number> {
    let deleted = 0;
    let after: TenantId | undefined;
    for (;;) {
      const page = await db.withPlatform((tx) =>
        tenants.listIds(tx, { after, limit: tenantsPerPage }),
      );
      for (const id of page) deleted += await sweepTenant(id);
      if (page.length < tenantsPerPage) return deleted;
      after = page.at(-1);
    }
  }

  /** One tenant's trouble must not keep the keys of all others. */
  async function sweepTenant(tenantId: TenantId): Promise<number> {
    try {
      return await db.withTenantOnce(tenantId, (tx) => keys.deleteExpired(tx, keysPerRound));
    } catch (error) {
      log.error({ err: error, tenantId }, "a tenant's old idempotency keys were not deleted");
      return 0;
    }
  }

  return { run, sweep };
}

/** A refusal that the same request will always meet is its answer; anything else is thrown on. */
function toOutcome(error: unknown, requestId: string): Outcome {
  if (!(error instanceof Problem) || error.mayPass) throw error;
  const body = JSON.stringify(error.toBody(requestId));
  return { answer: { status: error.status, body }, refusal: error };
}

function inUse(): Problem {
  return new Problem(
    'idempotency-key-in-use',
    'A request with this Idempotency-Key is under way. Send it again in a moment.',
    { retryAfter: 2 },
  );
}

/**
 * Equal for requests that mean the same. Members are sorted and missing ones left out, so that a
 * release that adds an optional member does not tell a retry from its first try.
 */
export function hashOf(content: unknown): Buffer {
  return createHash('sha256').update(JSON.stringify(content, canonical)).digest();
}

function canonical(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
