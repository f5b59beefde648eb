import type { Router } from 'express';
import { requestIdOf } from '../middleware/request-id.ts';
import { serve } from '../middleware/serve.ts';
import { anyTenantOf } from '../middleware/tenant-resolver.ts';
import type { NotificationService } from '../services/notifications.ts';

export function webhookRoutes(notifications: NotificationService): Router {
  return serve({
    'POST /webhooks/midtrans': async ({ body }, _req, res) => {
      await notifications.receive(anyTenantOf(res), body, requestIdOf(res));
      res.json({ success: true });
    },
  });
}
