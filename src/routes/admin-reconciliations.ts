import { Router } from 'express';
import { z } from 'zod';
import {
  DifferenceQuery,
  ReconciliationQuery,
  ReconciliationRequest,
  ResolveRequest,
} from '../contracts/reconciliations.ts';
import { DifferenceId, ReconciliationId } from '../domain/ids.ts';
import { replyOnce } from '../middleware/idempotency.ts';
import { jsonBody } from '../middleware/json-body.ts';
import { parseRequest } from '../middleware/parse-request.ts';
import { allowOnly } from '../middleware/problems.ts';
import { requireSecretKey, tenantOf } from '../middleware/tenant-resolver.ts';
import type { Idempotency } from '../services/idempotency.ts';
import { type Reconciliations, requireWindow } from '../services/reconciliations.ts';

const Params = z.object({ id: ReconciliationId });
const DifferenceParams = Params.extend({ differenceId: DifferenceId });

type Services = {
  readonly reconciliations: Reconciliations;
  readonly idempotency: Idempotency;
};

/** A merchant's books held against the provider's, with the secret key. */
export function adminReconciliationRoutes({ reconciliations, idempotency }: Services): Router {
  const router = Router();
  router
    .route('/admin/reconciliations')
    .get(requireSecretKey, async (req, res) => {
      const { cursor, limit } = parseRequest(ReconciliationQuery, req.query);
      res.json(await reconciliations.list(tenantOf(res), { cursor, limit }));
    })
    .post(requireSecretKey, ...jsonBody, async (req, res) => {
      const window = parseRequest(ReconciliationRequest, req.body);
      const tenant = tenantOf(res);
      requireWindow(window, tenant);
      res.status(202);
      await replyOnce(idempotency, { req, res, tenant, request: window }, async (resourceId) => {
        const id = ReconciliationId.parse(resourceId);
        const run = await reconciliations.begin(tenant, { id, trigger: 'merchant', window });
        return { success: true, reconciliation: await reconciliations.show(tenant, run) };
      });
    })
    .all(allowOnly('GET', 'HEAD', 'POST'));
  router
    .route('/admin/reconciliations/:id')
    .get(requireSecretKey, async (req, res) => {
      const { id } = parseRequest(Params, req.params);
      const { cursor, limit } = parseRequest(DifferenceQuery, req.query);
      res.json(await reconciliations.report(tenantOf(res), id, { cursor, limit }));
    })
    .all(allowOnly('GET', 'HEAD'));
  router
    .route('/admin/reconciliations/:id/differences/:differenceId/resolve')
    .post(requireSecretKey, ...jsonBody, async (req, res) => {
      const { id: reconciliationId, differenceId: id } = parseRequest(DifferenceParams, req.params);
      const request = parseRequest(ResolveRequest, req.body);
      const tenant = tenantOf(res);
      await replyOnce(idempotency, { req, res, tenant, request }, () =>
        reconciliations.resolve(tenant, { id, reconciliationId }, request),
      );
    })
    .all(allowOnly('POST'));
  return router;
}
