import { Router } from 'express';
import { z } from 'zod';
import { AttentionQuery, ResolveRequest } from '../contracts/attention.ts';
import { AttentionItemId } from '../domain/ids.ts';
import { replyOnce } from '../middleware/idempotency.ts';
import { jsonBody } from '../middleware/json-body.ts';
import { parseRequest } from '../middleware/parse-request.ts';
import { allowOnly } from '../middleware/problems.ts';
import { requestIdOf } from '../middleware/request-id.ts';
import { requireSecretKey, tenantOf } from '../middleware/tenant-resolver.ts';
import type { AttentionService } from '../services/attention.ts';
import type { Idempotency } from '../services/idempotency.ts';

const Params = z.object({ id: AttentionItemId });

type Services = { readonly attention: AttentionService; readonly idempotency: Idempotency };

/** The list of what a merchant has to look at, with the secret key. */
export function adminAttentionRoutes({ attention, idempotency }: Services): Router {
  const router = Router();
  router
    .route('/admin/attention')
    .get(requireSecretKey, async (req, res) => {
      // `tenant` names the tenant, which is known by now.
      const { tenant: _named, ...asked } = req.query;
      const query = parseRequest(AttentionQuery, asked);
      res.json(await attention.list(tenantOf(res), query));
    })
    .all(allowOnly('GET', 'HEAD'));
  router
    .route('/admin/attention/:id/resolve')
    .post(requireSecretKey, ...jsonBody, async (req, res) => {
      const { id } = parseRequest(Params, req.params);
      const request = parseRequest(ResolveRequest, req.body);
      const tenant = tenantOf(res);
      const requestId = requestIdOf(res);
      await replyOnce(idempotency, { req, res, tenant, request }, () =>
        attention.resolve(tenant, { id, note: request.note, requestId }),
      );
    })
    .all(allowOnly('POST'));
  return router;
}
