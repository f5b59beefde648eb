import cors from 'cors';
import type { Request, RequestHandler, Response } from 'express';
import type { Access } from '../domain/access.ts';
import { Problem } from '../domain/problems.ts';
import type { Tenant } from '../domain/tenant.ts';
import { toWebOrigin } from '../domain/web-origins.ts';
import { callerOf } from './authorise.ts';
import { isOwnPage } from './own-pages.ts';

/** Browsers ask no longer than two hours without asking again, whatever they are told. */
const preflightSeconds = 7_200;

/**
 * Answers pages of other origins: which may ask, and what of the answer they may read. Without an
 * `Origin` it is a server that asks, or a page of Kassa's own.
 *
 * @throws Problem `origin-not-allowed`
 */
export function shareWithPages(methods: readonly string[]): RequestHandler {
  // What is asked of it has been judged here before.
  const share = cors({
    origin: true,
    methods: [...methods],
    allowedHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key'],
    exposedHeaders: ['Idempotent-Replayed', 'Retry-After', 'X-Request-Id'],
    maxAge: preflightSeconds,
  });
  return (req, res, next) => {
    res.vary('Origin');
    const origin = req.get('Origin');
    if (origin === undefined) return next();
    const verdict = judge(origin, req, res);
    if (verdict === 'refused') {
      throw new Problem(
        'origin-not-allowed',
        'The shop does not list the origin of this page. Its admin adds it under allowedOrigins in the settings.',
      );
    }
    // An OPTIONS that is no preflight is a method like any other.
    if (verdict === 'open' || (req.method === 'OPTIONS' && !isPreflight(req))) return next();
    share(req, res, next);
  };
}

/**
 * Asks for the key where a shop wants one. A publishable key is none: everybody can read it.
 *
 * @throws Problem `credentials-required`
 */
export function demandKey(access: Access): RequestHandler {
  return (_req, res, next) => {
    const isCreate = access.door === 'storefront' && access.scope === 'payments:create';
    const caller = callerOf(res);
    const hasSecretKey = caller.kind === 'key' && caller.type === 'secret';
    if (isCreate && tenantIn(res)?.createRequiresKey && !hasSecretKey) {
      throw new Problem(
        'credentials-required',
        'This shop starts payments from its server only: send Authorization: Bearer with a secret key (sk_…).',
      );
    }
    next();
  };
}

/** `open`: nothing is shared with the page, and whatever else is wrong is told. */
function judge(origin: string, req: Request, res: Response): 'shared' | 'open' | 'refused' {
  if (isOwnPage(res) || origin === ownOrigin(req)) return 'shared';
  // `null` is what browsers say of pages that are nobody's, and nothing is what they never say.
  if (toWebOrigin(origin) !== origin) return 'refused';
  const tenant = tenantIn(res);
  if (tenant) return tenant.allowedOrigins.includes(origin) ? 'shared' : 'refused';
  // A preflight carries no key. What follows it may, and is judged then.
  return isPreflight(req) ? 'shared' : 'open';
}

function isPreflight(req: Request): boolean {
  return req.method === 'OPTIONS' && req.get('Access-Control-Request-Method') !== undefined;
}

/** Of the page that is served from where the request goes. A page cannot choose the `Host`. */
function ownOrigin(req: Request): string | undefined {
  return URL.parse(`${req.protocol}://${req.headers.host ?? ''}`)?.origin;
}

/** Any, or none: what comes after says what is wrong with it. */
function tenantIn(res: Response): Tenant | undefined {
  return res.locals.tenant;
}
