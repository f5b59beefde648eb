import type { Router } from 'express';
import { replyOnce } from '../middleware/idempotency.ts';
import { originOf } from '../middleware/origin.ts';
import { serve } from '../middleware/serve.ts';
import { tenantOf } from '../middleware/tenant-resolver.ts';
import type { AttentionService } from '../services/attention.ts';
import type { Idempotency } from '../services/idempotency.ts';

type Services = { readonly attention: AttentionService; readonly idempotency: Idempotency };

/** The list of what a merchant has to look at. */
export function adminAttentionRoutes({ attention, idempotency }: Services): Router {
  return serve({
    'GET /admin/attention': async ({ query }, _req, res) => {
      res.json(await attention.list(tenantOf(res), query));
    },
    'POST /admin/attention/:id/resolve': async ({ params: { id }, body: request }, req, res) => {
      const tenant = tenantOf(res);
      const origin = originOf(req, res);
      await replyOnce(idempotency, { req, res, tenant, request }, () =>
        attention.resolve(tenant, { id, note: request.note, origin }),
      );
    },
  });
}
