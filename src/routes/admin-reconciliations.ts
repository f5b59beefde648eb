import type { Router } from 'express';
import { ReconciliationId } from '../domain/ids.ts';
import { replyOnce } from '../middleware/idempotency.ts';
import { originOf } from '../middleware/origin.ts';
import { serve } from '../middleware/serve.ts';
import { tenantOf } from '../middleware/tenant-resolver.ts';
import type { Idempotency } from '../services/idempotency.ts';
import { type Reconciliations, requireWindow } from '../services/reconciliations.ts';

type Services = {
  readonly reconciliations: Reconciliations;
  readonly idempotency: Idempotency;
};

/** A merchant's books held against the provider's. */
export function adminReconciliationRoutes({ reconciliations, idempotency }: Services): Router {
  return serve({
    'GET /admin/reconciliations': async ({ query: { cursor, limit } }, _req, res) => {
      res.json(await reconciliations.list(tenantOf(res), { cursor, limit }));
    },
    'POST /admin/reconciliations': async ({ body: window }, req, res) => {
      const tenant = tenantOf(res);
      requireWindow(window, tenant);
      const origin = originOf(req, res);
      res.status(202);
      await replyOnce(idempotency, { req, res, tenant, request: window }, async (resourceId) => {
        const id = ReconciliationId.parse(resourceId);
        const run = await reconciliations.begin(tenant, {
          id,
          trigger: 'merchant',
          window,
          origin,
        });
        return { success: true, reconciliation: await reconciliations.show(tenant, run) };
      });
    },
    'GET /admin/reconciliations/:id': async ({ params: { id }, query }, _req, res) => {
      const { cursor, limit } = query;
      res.json(await reconciliations.report(tenantOf(res), id, { cursor, limit }));
    },
    'POST /admin/reconciliations/:id/differences/:differenceId/resolve': async (
      { params: { id: reconciliationId, differenceId: id }, body: request },
      req,
      res,
    ) => {
      const tenant = tenantOf(res);
      const origin = originOf(req, res);
      await replyOnce(idempotency, { req, res, tenant, request }, () =>
        reconciliations.resolve(tenant, { id, reconciliationId }, { ...request, origin }),
      );
    },
  });
}
