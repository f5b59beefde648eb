import type { Router } from 'express';
import { replyOnce } from '../middleware/idempotency.ts';
import { managerOf } from '../middleware/origin.ts';
import { serve } from '../middleware/serve.ts';
import { tenantOf } from '../middleware/tenant-resolver.ts';
import { teamOf } from '../services/circles.ts';
import type { Idempotency } from '../services/idempotency.ts';
import type { Invitations } from '../services/invitations.ts';
import type { Members } from '../services/members.ts';

type Services = {
  readonly members: Members;
  readonly invitations: Invitations;
  readonly idempotency: Idempotency;
};

/** Who works for a tenant. */
export function adminTeamRoutes({ members, invitations, idempotency }: Services): Router {
  return serve({
    'GET /admin/team': async ({ query }, _req, res) => {
      res.json(await members.list(teamOf(tenantOf(res).id), query));
    },
    'PUT /admin/team/members/:userId': async ({ params: { userId }, body: request }, req, res) => {
      const tenant = tenantOf(res);
      await replyOnce(idempotency, { req, res, tenant, request }, async () => {
        const change = { userId, role: request.role };
        await members.changeRole(teamOf(tenant.id), change, managerOf(req, res));
        return { success: true };
      });
    },
    'DELETE /admin/team/members/:userId': async ({ params: { userId } }, req, res) => {
      const tenant = tenantOf(res);
      await replyOnce(idempotency, { req, res, tenant, request: undefined }, async () => {
        await members.remove(teamOf(tenant.id), userId, managerOf(req, res));
        return { success: true };
      });
    },
    'POST /admin/team/invitations': async ({ body: request }, req, res) => {
      const tenant = tenantOf(res);
      res.status(201);
      await replyOnce(idempotency, { req, res, tenant, request }, () =>
        invitations.invite(teamOf(tenant.id), request, managerOf(req, res)),
      );
    },
    'POST /admin/team/invitations/:id/resend': async ({ params: { id } }, req, res) => {
      const tenant = tenantOf(res);
      await replyOnce(idempotency, { req, res, tenant, request: undefined }, () =>
        invitations.resend(teamOf(tenant.id), id, managerOf(req, res)),
      );
    },
    'DELETE /admin/team/invitations/:id': async ({ params: { id } }, req, res) => {
      const tenant = tenantOf(res);
      await replyOnce(idempotency, { req, res, tenant, request: undefined }, async () => {
        await invitations.revoke(teamOf(tenant.id), id, managerOf(req, res));
        return { success: true };
      });
    },
  });
}
