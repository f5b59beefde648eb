import type { Router } from 'express';
import type { Tenant } from '../domain/tenant.ts';
import { serve } from '../middleware/serve.ts';
import type { HealthService } from '../services/health.ts';

/** Before the caller and the tenant are looked for: these answer while the database is away. */
export function probeRoutes(health: HealthService): Router {
  return serve({
    // The process runs; a restart would not help.
    'GET /livez': (_input, _req, res) => {
      res.json({ status: 'ok' });
    },
    // It can serve; otherwise a load balancer should ask another one.
    'GET /readyz': async (_input, _req, res) => {
      const isUp = await health.isDatabaseUp();
      res.status(isUp ? 200 : 503).json({ status: isUp ? 'ok' : 'unavailable' });
    },
  });
}

export function healthRoutes(health: HealthService): Router {
  return serve({
    'GET /health': async (_input, _req, res) => {
      const isUp = await health.isDatabaseUp();
      const tenant: Tenant | undefined = res.locals.tenant;
      res.status(isUp ? 200 : 503).json({
        status: isUp ? 'ok' : 'unavailable',
        version: health.version,
        database: isUp ? 'ok' : 'unavailable',
        ...(tenant && { tenant: tenant.slug }),
      });
    },
  });
}
