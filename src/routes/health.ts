import { Router } from 'express';
import type { Tenant } from '../domain/tenant.ts';
import { allowOnly } from '../middleware/problems.ts';
import type { HealthService } from '../services/health.ts';

/** Before the tenant is looked for: these answer while the database is away. */
export function probeRoutes(health: HealthService): Router {
  const router = Router();
  // The process runs; a restart would not help.
  router
    .route('/livez')
    .get((_req, res) => {
      res.json({ status: 'ok' });
    })
    .all(allowOnly('GET', 'HEAD'));
  // It can serve; otherwise a load balancer should ask another one.
  router
    .route('/readyz')
    .get(async (_req, res) => {
      const isUp = await health.isDatabaseUp();
      res.status(isUp ? 200 : 503).json({ status: isUp ? 'ok' : 'unavailable' });
    })
    .all(allowOnly('GET', 'HEAD'));
  return router;
}

export function healthRoutes(health: HealthService): Router {
  const router = Router();
  router
    .route('/health')
    .get(async (_req, res) => {
      const isUp = await health.isDatabaseUp();
      const tenant: Tenant | undefined = res.locals.tenant;
      res.status(isUp ? 200 : 503).json({
        status: isUp ? 'ok' : 'unavailable',
        version: health.version,
        database: isUp ? 'ok' : 'unavailable',
        ...(tenant && { tenant: tenant.slug }),
      });
    })
    .all(allowOnly('GET', 'HEAD'));
  return router;
}
