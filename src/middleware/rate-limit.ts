import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import type { Route } from '../contracts/routes.ts';
import { doorLimits, type Limit, type LimitName, limits } from '../domain/limits.ts';
import { Problem } from '../domain/problems.ts';
import type { RateLimits, Standing } from '../services/rate-limits.ts';
import { callerOf } from './authorise.ts';

/** Counts every request by its address, before anything is looked up for it. */
export function limitRequests(rateLimits: RateLimits): RequestHandler {
  return async (req, res, next) => {
    res.locals.rateLimits = rateLimits;
    await rateLimits.take('requests-address', addressOf(req));
    next();
  };
}

/** Looks at no key from where too many came that nobody has. */
export function refuseKeyGuessers(rateLimits: RateLimits): RequestHandler {
  return async (req, _res, next) => {
    if (req.get('Authorization')) await rateLimits.check('key-failures-address', addressOf(req));
    next();
  };
}

/** Stands behind what asks for the caller, and counts the keys that it refused. */
export function countKeyFailures(rateLimits: RateLimits): ErrorRequestHandler {
  return async (error, req, _res, next) => {
    if (error instanceof Problem && error.code === 'key-invalid') {
      await rateLimits.take('key-failures-address', addressOf(req));
    }
    next(error);
  };
}

/** Holds whoever sends the request to the limits of a route: by secret key, or by address. */
export function limitSender(route: Route): readonly RequestHandler[] {
  const names = limitsOf(route, ['address', 'key']);
  if (names.length === 0) return [];
  const keyed = names.filter((name) => limits[name].per === 'key');
  return [
    async (req, res, next) => {
      const key = keyed.length > 0 ? secretKeyOf(res) : undefined;
      const held = key ? keyed : names.filter((name) => !keyed.includes(name));
      const standings = await takeAll(res, held, key ?? addressOf(req));
      tell(res, standings);
      next();
    },
  ];
}

/** Holds a tenant to the limits of a route. What is left is not told: it is the merchant's turnover. */
export function limitTenant(route: Route): readonly RequestHandler[] {
  const names = limitsOf(route, ['tenant']);
  if (names.length === 0) return [];
  return [
    async (_req, res, next) => {
      if (res.locals.tenant) await takeAll(res, names, res.locals.tenant.id);
      next();
    },
  ];
}

function limitsOf(route: Route, kinds: readonly Limit['per'][]): readonly LimitName[] {
  const names = [...doorLimits[route.access.door], ...(route.limits ?? [])];
  return names.filter((name) => kinds.includes(limits[name].per));
}

/** One after the other: what the first refuses must not use up the second. */
async function takeAll(
  res: Response,
  names: readonly LimitName[],
  key: string,
): Promise<readonly Standing[]> {
  const rateLimits: RateLimits | undefined = res.locals.rateLimits;
  if (!rateLimits) throw new Error('Nobody has counted this request yet.');
  const standings: Standing[] = [];
  for (const name of names) {
    const standing = await rateLimits.take(name, key);
    if (standing) standings.push(standing);
  }
  return standings;
}

/** The tightest of the sender's limits, in the words of draft-ietf-httpapi-ratelimit-headers. */
function tell(res: Response, standings: readonly Standing[]): void {
  const [tightest] = [...standings].sort((a, b) => a.remaining - b.remaining);
  if (!tightest) return;
  const { name, remaining, resetSeconds } = tightest;
  const { points, seconds } = limits[name];
  res.set('RateLimit-Policy', `"${name}";q=${points};w=${seconds}`);
  res.set('RateLimit', `"${name}";r=${remaining};t=${resetSeconds}`);
}

function secretKeyOf(res: Response): string | undefined {
  const caller = callerOf(res);
  return caller.kind === 'key' && caller.type === 'secret' ? caller.keyId : undefined;
}

/** As the trusted proxies tell it; a socket that has closed already has none. */
function addressOf(req: Request): string {
  return req.ip ?? 'unknown';
}
