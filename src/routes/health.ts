import { Router } from 'express';
import type { Tenant } from '../domain/tenant.ts';
import type { HealthService } from '../services/health.ts';

/** Before the tenant is looked for: these answer while the database is away. */
export function probeRoutes(health: HealthService): Router {
  const router = Router();
  // The process runs; a restart would not help.
  router.get('/livez', (_req, res) => {
    res.json({ status: 'ok' });
  });
  // It can serve; otherwise a load balancer should ask another one.
  router.get('/readyz', async (_req, res) => {
    const isUp = await health.isDatabaseUp();
    res.status(isUp ? 200 : 503).json({ status: isUp ? 'ok' : 'unavailable' });
  });
  return router;
}

export function healthRoutes(health: HealthService): Router {
  const router = Router();
  router.get('/health', async (_req, res) => {
    const isUp = await health.isDatabaseUp();
    const tenant: Tenant | undefined = res.locals.tenant;
    res.status(isUp ? 200 : 503).json({
      status: isUp ? 'ok' : 'unavailable',
      version: health.version,
      database: isUp ? 'ok' : 'unavailable',
      ...(tenant && { tenant: tenant.slug }),
    });
  });
  return router;
}
