import type { Router } from 'express';
import { managerOf, originOf } from '../middleware/origin.ts';
import { serve } from '../middleware/serve.ts';
import type { SupportGrants } from '../services/support-grants.ts';

/** When platform staff may look at a tenant's things, and why. */
export function superadminSupportGrantRoutes({
  supportGrants,
}: {
  readonly supportGrants: SupportGrants;
}): Router {
  return serve({
    'GET /api/superadmin/support-grants': async ({ query }, _req, res) => {
      res.json(await supportGrants.list(query));
    },
    'POST /api/superadmin/support-grants': async ({ body }, req, res) => {
      res.status(201);
      res.json(await supportGrants.make(body, managerOf(req, res)));
    },
    'DELETE /api/superadmin/support-grants/:id': async ({ params: { id } }, req, res) => {
      res.json(await supportGrants.end(id, originOf(req, res)));
    },
  });
}
