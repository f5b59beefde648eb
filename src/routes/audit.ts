import type { Router } from 'express';
import { platformChain } from '../domain/audit.ts';
import type { Tenant } from '../domain/tenant.ts';
import { serve } from '../middleware/serve.ts';
import { tenantOf } from '../middleware/tenant-resolver.ts';
import type { AuditService } from '../services/audit.ts';

/** Who did what: for a tenant's owners their own, for platform staff the platform's and each tenant's. */
export function auditRoutes({ audit }: { readonly audit: AuditService }): Router {
  return serve({
    'GET /admin/audit': async ({ query }, _req, res) => {
      res.json(await audit.list(tenantOf(res).id, query));
    },
    'GET /api/superadmin/audit': async ({ query }, _req, res) => {
      // Named by ?tenant=, whatever its status.
      const tenant: Tenant | undefined = res.locals.tenant;
      res.json(await audit.list(tenant?.id ?? platformChain, query));
    },
  });
}
