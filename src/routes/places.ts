import type { Router } from 'express';
import { callerOf, userOf } from '../middleware/authorise.ts';
import { managerOf, originOf } from '../middleware/origin.ts';
import { serve } from '../middleware/serve.ts';
import { teamOf } from '../services/circles.ts';
import type { Invited } from '../services/invited.ts';
import type { Members } from '../services/members.ts';
import type { Places } from '../services/places.ts';

type Services = { readonly places: Places; readonly members: Members; readonly invited: Invited };

/** How a user comes to a tenant, goes from one to another, and leaves. */
export function placeRoutes({ places, members, invited }: Services): Router {
  return serve({
    'POST /api/auth/tenant': async ({ body: { slug } }, req, res) => {
      const { tenant, role } = await places.choose(userOf(res), slug, originOf(req, res));
      res.json({ success: true, tenant: { slug: tenant.slug, name: tenant.name }, role });
    },
    'POST /api/auth/tenant/leave': async ({ body: { slug } }, req, res) => {
      const user = userOf(res);
      const tenantId = await places.getOwn(user, slug);
      await members.remove(teamOf(tenantId), user.userId, managerOf(req, res));
      res.json({ success: true });
    },
    'POST /api/auth/invitations/preview': async ({ body: { token } }, _req, res) => {
      res.json(await invited.preview(token));
    },
    'POST /api/auth/invitations/accept': async ({ body }, req, res) => {
      const guest = { caller: callerOf(res), origin: originOf(req, res) };
      res.json(await invited.accept(body, guest));
    },
  });
}
