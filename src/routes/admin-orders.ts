import { type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { CancelRequest, CaptureRequest, RefundRequest } from '../contracts/refunds.ts';
import { OrderActionId, OrderReference, RefundId } from '../domain/ids.ts';
import { replyOnce } from '../middleware/idempotency.ts';
import { jsonBody } from '../middleware/json-body.ts';
import { parseRequest } from '../middleware/parse-request.ts';
import { allowOnly } from '../middleware/problems.ts';
import { requestIdOf } from '../middleware/request-id.ts';
import { requireSecretKey, tenantOf } from '../middleware/tenant-resolver.ts';
import type { Idempotency } from '../services/idempotency.ts';
import type { OrderActions } from '../services/order-actions.ts';
import type { RefundService } from '../services/refunds.ts';

const Params = z.object({ orderId: OrderReference });

type Services = {
  readonly refunds: RefundService;
  readonly orderActions: OrderActions;
  readonly idempotency: Idempotency;
};

/** What a merchant does to an order, with the secret key. */
export function adminOrderRoutes({ refunds, orderActions, idempotency }: Services): Router {
  const router = Router();
  router
    .route('/admin/orders/:orderId/refunds')
    .get(requireSecretKey, async (req, res) => {
      const { orderId } = parseRequest(Params, req.params);
      res.json(await refunds.list(tenantOf(res), orderId));
    })
    .post(requireSecretKey, ...jsonBody, async (req, res) => {
      const { orderId: reference } = parseRequest(Params, req.params);
      const request = parseRequest(RefundRequest, req.body);
      const { tenant, requestId, isKeyed } = callerOf(req, res);
      res.status(201);
      await replyOnce(idempotency, { req, res, tenant, request }, (id) => {
        const refundId = RefundId.parse(id);
        return refunds.request(tenant, { reference, refundId, isKeyed, request, requestId });
      });
    })
    .all(allowOnly('GET', 'HEAD', 'POST'));
  router
    .route('/admin/orders/:orderId/cancel')
    .post(requireSecretKey, ...jsonBody, async (req, res) => {
      const { orderId: reference } = parseRequest(Params, req.params);
      const request = parseRequest(CancelRequest, req.body);
      const { tenant, requestId, isKeyed } = callerOf(req, res);
      const { reason } = request;
      await replyOnce(idempotency, { req, res, tenant, request }, (id) => {
        const actionId = OrderActionId.parse(id);
        return orderActions.cancel(tenant, { reference, actionId, isKeyed, reason, requestId });
      });
    })
    .all(allowOnly('POST'));
  router
    .route('/admin/orders/:orderId/capture')
    .post(requireSecretKey, ...jsonBody, async (req, res) => {
      const { orderId: reference } = parseRequest(Params, req.params);
      const request = parseRequest(CaptureRequest, req.body);
      const { tenant, requestId, isKeyed } = callerOf(req, res);
      const { reason } = request;
      await replyOnce(idempotency, { req, res, tenant, request }, (id) => {
        const actionId = OrderActionId.parse(id);
        return orderActions.capture(tenant, { reference, actionId, isKeyed, reason, requestId });
      });
    })
    .all(allowOnly('POST'));
  return router;
}

/** With a key, its resource id is the work's own: a repeated request continues the same work. */
function callerOf(req: Request, res: Response) {
  const isKeyed = req.get('Idempotency-Key') !== undefined;
  return { tenant: tenantOf(res), requestId: requestIdOf(res), isKeyed };
}
