import type { Router } from 'express';
import { managerOf } from '../middleware/origin.ts';
import { serve } from '../middleware/serve.ts';
import { platformStaff } from '../services/circles.ts';
import type { Invitations } from '../services/invitations.ts';
import type { Members } from '../services/members.ts';

type Services = { readonly members: Members; readonly invitations: Invitations };

/** Who runs the platform. */
export function superadminStaffRoutes({ members, invitations }: Services): Router {
  return serve({
    'GET /api/superadmin/staff': async ({ query }, _req, res) => {
      res.json(await members.list(platformStaff, query));
    },
    'POST /api/superadmin/staff': async ({ body }, req, res) => {
      res.status(201);
      res.json(await invitations.invite(platformStaff, body, managerOf(req, res)));
    },
    'PUT /api/superadmin/staff/members/:userId': async ({ params: { userId }, body }, req, res) => {
      await members.changeRole(platformStaff, { userId, role: body.role }, managerOf(req, res));
      res.json({ success: true });
    },
    'DELETE /api/superadmin/staff/members/:userId': async ({ params: { userId } }, req, res) => {
      await members.remove(platformStaff, userId, managerOf(req, res));
      res.json({ success: true });
    },
    'POST /api/superadmin/staff/invitations/:id/resend': async ({ params: { id } }, req, res) => {
      res.json(await invitations.resend(platformStaff, id, managerOf(req, res)));
    },
    'DELETE /api/superadmin/staff/invitations/:id': async ({ params: { id } }, req, res) => {
      await invitations.revoke(platformStaff, id, managerOf(req, res));
      res.json({ success: true });
    },
  });
}
