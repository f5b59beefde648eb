import type { Router } from 'express';
import { platformChain } from '../domain/audit.ts';
import type { Tenant } from '../domain/tenant.ts';
import { userOf } from '../middleware/authorise.ts';
import { originOf } from '../middleware/origin.ts';
import { serve } from '../middleware/serve.ts';
import { tenantOf } from '../middleware/tenant-resolver.ts';
import type { AuditService } from '../services/audit.ts';
import type { Places } from '../services/places.ts';

type Services = { readonly audit: AuditService; readonly places: Places };

/**
 * Who did what: for a tenant's owners their own; for platform staff the platform's, and those of a
 * tenant that a grant lets them into.
 */
export function auditRoutes({ audit, places }: Services): Router {
  return serve({
    'GET /admin/audit': async ({ query }, _req, res) => {
      res.json(await audit.list(tenantOf(res).id, query));
    },
    'GET /api/superadmin/audit': async ({ query }, req, res) => {
      // Named by ?tenant=, whatever its status.
      const tenant: Tenant | undefined = res.locals.tenant;
      if (tenant) await places.requireGrant(userOf(res), tenant.id, originOf(req, res));
      res.json(await audit.list(tenant?.id ?? platformChain, query));
    },
  });
}
