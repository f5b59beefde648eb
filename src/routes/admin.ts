import { Router } from 'express';
import { allowOnly } from '../middleware/problems.ts';
import { requireSecretKey, tenantOf } from '../middleware/tenant-resolver.ts';
import type { StatsService } from '../services/stats.ts';

export function adminRoutes(stats: StatsService): Router {
  const router = Router();
  router
    .route('/admin/stats')
    .get(requireSecretKey, async (_req, res) => {
      res.json(await stats.summary(tenantOf(res)));
    })
    .all(allowOnly('GET', 'HEAD'));
  return router;
}
