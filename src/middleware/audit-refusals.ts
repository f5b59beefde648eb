import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import { type Route, routes } from '../contracts/routes.ts';
import { platformChain } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import type { TenantId } from '../domain/ids.ts';
import { Problem, type ProblemCode } from '../domain/problems.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Refusals } from '../services/refusals.ts';
import { originOf } from './origin.ts';

type Exchange = { readonly req: Request; readonly res: Response };
type Answered = { readonly status: number; readonly code: ProblemCode };

/** Gives each request the book that its refusal is written into. */
export function carryRefusals(refusals: Refusals): RequestHandler {
  return (_req, res, next) => {
    res.locals.refusals = refusals;
    next();
  };
}

/** Mounted before the problem is answered. */
export const auditRefusals: ErrorRequestHandler = (error, req, res, next) => {
  if (error instanceof Problem) noteRefusal({ req, res }, error);
  next(error);
};

/**
 * Has it written down that a known caller was refused where rights are asked for. Done after the
 * answer, which does not wait for it.
 */
export function noteRefusal({ req, res }: Exchange, { status, code }: Answered): void {
  const refusals: Refusals | undefined = res.locals.refusals;
  // A user who knocks at a tenant's door is told that there is none, and is refused all the same.
  const isRefusal = status === 401 || status === 403 || code === 'tenant-not-found';
  if (!refusals || !isRefusal) return;
  const caller: Caller | undefined = res.locals.caller;
  if (!caller || caller.kind === 'anonymous') {
    refusals.count(code);
    return;
  }
  const route = routeOf(req);
  const chain = route && chainOf(route, res);
  if (!chain) return;
  const refusal = { chain, origin: originOf(req, res), route, code };
  setImmediate(() => refusals.note(refusal));
}

/** As it is on the list. */
function routeOf({ method, baseUrl, route }: Request): string | undefined {
  if (!route) return undefined;
  return `${method === 'HEAD' ? 'GET' : method} ${baseUrl}${route.path}`;
}

/** Where rights are asked for; undefined where they are not. */
function chainOf(name: string, res: Response): TenantId | undefined {
  const tenant: Tenant | undefined = res.locals.tenant;
  const route = (routes as Readonly<Record<string, Route>>)[name];
  switch (route?.access.door) {
    case 'tenant':
      return tenant?.id ?? platformChain;
    case 'account':
    case 'platform':
      return platformChain;
    default:
      return undefined;
  }
}
