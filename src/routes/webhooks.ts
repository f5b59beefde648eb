import express, { Router } from 'express';
import { allowOnly } from '../middleware/problems.ts';
import { requestIdOf } from '../middleware/request-id.ts';
import { anyTenantOf } from '../middleware/tenant-resolver.ts';
import type { NotificationService } from '../services/notifications.ts';

export function webhookRoutes(notifications: NotificationService): Router {
  const router = Router();
  router
    .route('/webhooks/midtrans')
    // Raw, whatever its type: what is verified are the characters as they came.
    .post(express.raw({ type: () => true, limit: '64kb' }), async (req, res) => {
      const body = Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
      await notifications.receive(anyTenantOf(res), body, requestIdOf(res));
      res.json({ success: true });
    })
    .all(allowOnly('POST'));
  return router;
}
