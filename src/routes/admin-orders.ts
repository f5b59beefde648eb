import type { Request, Response, Router } from 'express';
import { OrderActionId, RefundId } from '../domain/ids.ts';
import { replyOnce } from '../middleware/idempotency.ts';
import { originOf } from '../middleware/origin.ts';
import { serve } from '../middleware/serve.ts';
import { tenantOf } from '../middleware/tenant-resolver.ts';
import type { Idempotency } from '../services/idempotency.ts';
import type { OrderActions } from '../services/order-actions.ts';
import type { RefundService } from '../services/refunds.ts';

type Services = {
  readonly refunds: RefundService;
  readonly orderActions: OrderActions;
  readonly idempotency: Idempotency;
};

/** What a merchant does to an order. */
export function adminOrderRoutes({ refunds, orderActions, idempotency }: Services): Router {
  return serve({
    'GET /admin/orders/:orderId/refunds': async ({ params }, _req, res) => {
      res.json(await refunds.list(tenantOf(res), params.orderId));
    },
    'POST /admin/orders/:orderId/refunds': async ({ params, body: request }, req, res) => {
      const { tenant, origin, isKeyed } = writeOf(req, res);
      res.status(201);
      await replyOnce(idempotency, { req, res, tenant, request }, (id) => {
        const refundId = RefundId.parse(id);
        const reference = params.orderId;
        return refunds.request(tenant, { reference, refundId, isKeyed, request, origin });
      });
    },
    'POST /admin/orders/:orderId/cancel': async ({ params, body: request }, req, res) => {
      const { tenant, origin, isKeyed } = writeOf(req, res);
      await replyOnce(idempotency, { req, res, tenant, request }, (id) => {
        const actionId = OrderActionId.parse(id);
        const reference = params.orderId;
        const { reason } = request;
        return orderActions.cancel(tenant, { reference, actionId, isKeyed, reason, origin });
      });
    },
    'POST /admin/orders/:orderId/capture': async ({ params, body: request }, req, res) => {
      const { tenant, origin, isKeyed } = writeOf(req, res);
      await replyOnce(idempotency, { req, res, tenant, request }, (id) => {
        const actionId = OrderActionId.parse(id);
        const reference = params.orderId;
        const { reason } = request;
        return orderActions.capture(tenant, { reference, actionId, isKeyed, reason, origin });
      });
    },
  });
}

/** With a key, its resource id is the work's own: a repeated request continues the same work. */
function writeOf(req: Request, res: Response) {
  const isKeyed = req.get('Idempotency-Key') !== undefined;
  return { tenant: tenantOf(res), origin: originOf(req, res), isKeyed };
}
