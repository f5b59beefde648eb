import type { Router } from 'express';
import { requireTenantScope } from '../middleware/authorise.ts';
import { replyOnce } from '../middleware/idempotency.ts';
import { originOf } from '../middleware/origin.ts';
import { serve } from '../middleware/serve.ts';
import { tenantOf } from '../middleware/tenant-resolver.ts';
import type { Idempotency } from '../services/idempotency.ts';
import type { SettingsService } from '../services/settings.ts';

type Services = { readonly settings: SettingsService; readonly idempotency: Idempotency };

export function adminSettingsRoutes({ settings, idempotency }: Services): Router {
  return serve({
    'GET /admin/settings': async (_input, _req, res) => {
      res.json(await settings.show(tenantOf(res).id));
    },
    'PUT /admin/settings': async ({ body: request }, req, res) => {
      const tenant = tenantOf(res);
      const origin = originOf(req, res);
      // How people have to sign in is said by those who say who they are.
      if (request.requiresSecondFactor !== undefined) requireTenantScope(res, 'team:write');
      await replyOnce(idempotency, { req, res, tenant, request }, () =>
        settings.change(tenant.id, { request, origin }),
      );
    },
  });
}
