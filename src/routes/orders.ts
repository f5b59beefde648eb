import { Router } from 'express';
import { z } from 'zod';
import { OrderReference } from '../domain/ids.ts';
import { parseRequest } from '../middleware/parse-request.ts';
import { allowOnly } from '../middleware/problems.ts';
import { tenantOf } from '../middleware/tenant-resolver.ts';
import type { OrderService } from '../services/orders.ts';

const Params = z.object({ orderId: OrderReference });

export function orderRoutes(orders: OrderService): Router {
  const router = Router();
  router
    .route('/orders/:orderId/status')
    .get(async (req, res) => {
      const { orderId } = parseRequest(Params, req.params);
      res.json(await orders.status(tenantOf(res), orderId));
    })
    .all(allowOnly('GET', 'HEAD'));
  return router;
}
