import type { RequestHandler, Response } from 'express';
import type { UserCaller } from '../domain/caller.ts';
import { Problem } from '../domain/problems.ts';
import { noSuchTenant, requireActive } from '../domain/tenant.ts';
import type { Places } from '../services/places.ts';
import { callerOf } from './authorise.ts';
import { originOf } from './origin.ts';

/**
 * Says how a signed-in user enters the tenant of a request, should its route be one of a tenant:
 * the one that the request names, or else the one that the session has chosen. Read at each
 * request, so that the end of a role, a grant or a tenant counts from the next one on.
 */
export function resolveMembership({ places }: { readonly places: Places }): RequestHandler {
  return (req, res, next) => {
    const caller = callerOf(res);
    if (caller.kind === 'user') res.locals.enterTenant = () => enter(caller);
    next();

    /** @throws Problem `tenant-missing`, `tenant-not-found`, `tenant-inactive` */
    async function enter(user: UserCaller): Promise<void> {
      const wanted = namedIn(res) ?? user.activeTenantId ?? (await places.findOnly(user));
      if (!wanted) throw new Problem('tenant-missing', 'Choose the tenant to work for first.');
      const place = await places.enter(user, wanted, originOf(req, res));
      // The same for a stranger's tenant as for none: who asks learns nothing of it.
      if (!place) throw noSuchTenant();
      const { tenant, role: tenantRole } = place;
      res.locals.tenant = requireActive(tenant);
      const owesSecondFactor =
        user.owesSecondFactor || (tenant.requiresSecondFactor && !user.hasSecondFactor);
      res.locals.caller = { ...user, tenantRole, owesSecondFactor } satisfies UserCaller;
    }
  };
}

function namedIn({ locals }: Response) {
  return locals.tenant?.id;
}
