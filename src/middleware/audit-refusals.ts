import type { ErrorRequestHandler, Request, Response } from 'express';
import { type Route, routes } from '../contracts/routes.ts';
import { platformChain } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import type { TenantId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Refusals } from '../services/refusals.ts';
import { originOf } from './origin.ts';

/**
 * Has it written down that a known caller was refused where rights are asked for. Mounted before
 * the problem is answered, and done after: the answer does not wait for it.
 */
export function auditRefusals(refusals: Refusals): ErrorRequestHandler {
  return (error, req, res, next) => {
    if (error instanceof Problem && (error.status === 401 || error.status === 403)) {
      noteRefusal(refusals, error, { req, res });
    }
    next(error);
  };
}

type Exchange = { readonly req: Request; readonly res: Response };

function noteRefusal(refusals: Refusals, { code }: Problem, { req, res }: Exchange): void {
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
