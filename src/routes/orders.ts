import type { Router } from 'express';
import { serve } from '../middleware/serve.ts';
import { tenantOf } from '../middleware/tenant-resolver.ts';
import type { OrderService } from '../services/orders.ts';

export function orderRoutes(orders: OrderService): Router {
  return serve({
    'GET /orders/:orderId/status': async ({ params }, _req, res) => {
      res.json(await orders.status(tenantOf(res), params.orderId));
    },
  });
}
