import type { RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { Books } from './books.ts';
import { findAccountOf } from './caller.ts';

export const faultScopes = [
  ...['all', 'snap', 'snap.create', 'snap.cancel', 'page'],
  ...['core', 'core.status', 'core.cancel', 'core.expire', 'core.refund', 'core.capture'],
  ...['core.approve', 'core.deny'],
] as const;
/** The scopes of a single kind of call, which are the ones that are counted. */
const callScopes = faultScopes.filter((scope) => scope === 'page' || scope.includes('.'));
export type FaultScope = (typeof faultScopes)[number];
export const faultKinds = [
  ...['error', 'delay', 'reset', 'html', 'unauthorized', 'stall'],
  ...['error-after-effect', 'reset-after-effect', 'stall-after-effect', 'truncated'],
] as const;
type FaultKind = (typeof faultKinds)[number];

/**
 * After `skip` requests in `scope`, of one merchant when it is named, the next `count` go wrong.
 */
export const FaultDraft = z.strictObject({
  scope: z.enum(faultScopes).default('all'),
  kind: z.enum(faultKinds),
  skip: z.int().min(0).max(1_000_000).default(0),
  count: z.int().min(1).max(1_000_000).default(1),
  delayMs: z.int().min(0).max(600_000).default(0),
  httpStatus: z.int().min(400).max(599).default(500),
  merchantId: z.string().min(1).max(64).optional(),
});
type Fault = { number: number; kind: FaultKind; delay_ms: number; http_status: number };
type FaultRow = Fault & {
  scope: string;
  skip: number;
  remaining: number;
  merchant_id: string | null;
};

/** How an interface words the failures that have words. */
export type FaultWords = {
  readonly failure: (httpStatus: number) => unknown;
  readonly unauthorized: unknown;
};

export function createFaults(books: Books) {
  function add(draft: z.infer<typeof FaultDraft>): void {
    books.run(
      `insert into faults (scope, kind, skip, remaining, delay_ms, http_status, merchant_id)
       values (?, ?, ?, ?, ?, ?, ?)`,
      ...[draft.scope, draft.kind, draft.skip, draft.count, draft.delayMs, draft.httpStatus],
      draft.merchantId ?? null,
    );
  }

  function list() {
    return books
      .all<FaultRow>(
        `select number, scope, kind, skip, remaining, delay_ms, http_status, merchant_id
           from faults order by number limit 1000`,
      )
      .map((row) => ({
        id: row.number,
        scope: row.scope,
        kind: row.kind,
        skip: row.skip,
        remaining: row.remaining,
        delayMs: row.delay_ms,
        httpStatus: row.http_status,
        merchantId: row.merchant_id ?? undefined,
      }));
  }

  function clear(): void {
    books.run('delete from faults');
  }

  /**
   * Uses up one of the oldest fault that is ready. All that are not ready come a call nearer, so
   * that each counts calls from when it was set, whatever other faults do to them.
   */
  function take(scope: FaultScope, merchantId: string | undefined): Fault | undefined {
    const fitting = `scope in ('all', ?, ?) and (merchant_id is null or merchant_id = ?)`;
    const call = [scope, scope.split('.')[0] ?? scope, merchantId ?? null];
    const fault = books.get<Fault>(
      `select number, kind, delay_ms, http_status from faults
        where ${fitting} and skip = 0 order by number limit 1`,
      ...call,
    );
    books.run(`update faults set skip = skip - 1 where ${fitting} and skip > 0`, ...call);
    if (!fault) return undefined;
    books.run('update faults set remaining = remaining - 1 where number = ?', fault.number);
    books.run('delete from faults where remaining <= 0');
    return fault;
  }

  function count(scope: FaultScope, merchantId: string | undefined): void {
    books.run(
      `insert into calls (scope, merchant_id, count) values (?, ?, 1)
       on conflict (scope, merchant_id) do update set count = count + 1`,
      scope,
      merchantId ?? '',
    );
  }

  /** How many calls of each kind have come, those that a fault has spoilt among them. */
  function calls(merchantId?: string): Record<string, number> {
    const rows = books.all<{ scope: string; count: number }>(
      `select scope, sum(count) as count from calls
        where ?1 is null or merchant_id = ?1 group by scope limit 100`,
      merchantId ?? null,
    );
    const counted = new Map(rows.map((row) => [row.scope, row.count]));
    return Object.fromEntries(callScopes.map((scope) => [scope, counted.get(scope) ?? 0]));
  }

  function forgetCalls(): void {
    books.run('delete from calls');
  }

  /** Stands before a route, counts the call, and makes it fail when a fault is due. */
  function gate(scope: FaultScope, words: FaultWords): RequestHandler {
    return async (_req, res, next) => {
      const merchantId = findAccountOf(res)?.merchantId;
      count(scope, merchantId);
      const fault = take(scope, merchantId);
      if (!fault) return void next();
      if (fault.delay_ms > 0) await passTime(fault.delay_ms, res);
      fail(fault, res, words, next);
    };
  }

  return { add, list, clear, calls, forgetCalls, gate };
}
export type Faults = ReturnType<typeof createFaults>;

function fail(fault: Fault, res: Response, words: FaultWords, next: () => void): void {
  switch (fault.kind) {
    case 'delay':
      return void next();
    case 'error':
      return void res.status(fault.http_status).json(words.failure(fault.http_status));
    case 'unauthorized':
      return void res.status(401).json(words.unauthorized);
    case 'html':
      return void res.type('html').send('<html><body><h1>Maintenance</h1></body></html>');
    case 'reset':
      return void res.socket?.resetAndDestroy();
    case 'stall':
      return;
    case 'error-after-effect':
      return void answerWith(res, next, () => {
        res.status(fault.http_status).json(words.failure(fault.http_status));
      });
    case 'reset-after-effect':
      return void answerWith(res, next, () => void res.socket?.resetAndDestroy());
    case 'stall-after-effect':
      return void answerWith(res, next, () => undefined);
    case 'truncated':
      return void answerWith(res, next, (body) => sendHalf(res, body));
    default:
      throw new Error(`No such fault: ${fault.kind satisfies never}`);
  }
}

/** Lets the route do its work, but puts something else in the place of its answer. */
function answerWith(res: Response, next: () => void, instead: (body: Buffer) => void): void {
  const end = res.end.bind(res);
  res.end = (chunk?: unknown) => {
    // Whatever is written from here on goes out as usual.
    res.end = end;
    instead(Buffer.from(typeof chunk === 'string' ? chunk : ''));
    return res;
  };
  next();
}

function sendHalf(res: Response, body: Buffer): void {
  res.write(body.subarray(0, Math.ceil(body.length / 2)), () => res.socket?.destroy());
}

function passTime(milliseconds: number, res: Response): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds).unref();
    // Nobody is left to wait for: go on, so that the effect still takes place as it would have.
    res.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
