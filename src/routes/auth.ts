import type { Request, Response, Router } from 'express';
import type { SessionReply } from '../contracts/accounts.ts';
import { userOf } from '../middleware/authorise.ts';
import { serve } from '../middleware/serve.ts';
import { answer, visitOf } from '../middleware/visit.ts';
import type { Accounts } from '../services/accounts.ts';
import type { Places } from '../services/places.ts';
import type { SecondFactors } from '../services/second-factors.ts';
import type { Visitor } from '../services/session-steps.ts';
import type { Sessions } from '../services/sessions.ts';
import type { SignIn } from '../services/sign-in.ts';

type Services = {
  readonly accounts: Accounts;
  readonly signIn: SignIn;
  readonly sessions: Sessions;
  readonly secondFactors: SecondFactors;
  readonly places: Places;
};

export function authRoutes({
  accounts,
  signIn,
  sessions,
  secondFactors,
  places,
}: Services): Router {
  return serve({
    'POST /api/auth/sign-up': async ({ body }, req, res) => {
      const locale = req.acceptsLanguages('en', 'id', 'sv') || 'en';
      res.json(await accounts.signUp(visitOf(req, res), { ...body, locale }));
    },
    'POST /api/auth/verify-email': async ({ body }, req, res) => {
      res.json(await accounts.verifyEmail(visitOf(req, res), body));
    },
    'POST /api/auth/verify-email/send': async ({ body }, req, res) => {
      res.json(await accounts.requestMail(visitOf(req, res), body.email, 'verify-email'));
    },
    'POST /api/auth/sign-in': async ({ body }, req, res) => {
      answer(res, await signIn.signIn(visitOf(req, res), body));
    },
    'POST /api/auth/sign-in/second-factor': async ({ body }, req, res) => {
      answer(res, await signIn.passSecondFactor(visitOf(req, res), body));
    },
    'POST /api/auth/password/forgot': async ({ body }, req, res) => {
      res.json(await accounts.requestMail(visitOf(req, res), body.email, 'reset-password'));
    },
    'POST /api/auth/password/reset': async ({ body }, req, res) => {
      answer(res, await accounts.resetPassword(visitOf(req, res), body));
    },

    'POST /api/auth/sign-out': async (_input, req, res) => {
      answer(res, await signIn.signOut(visitOf(req, res), userOf(res)));
    },
    'GET /api/auth/session': async (_input, _req, res) => {
      const user = userOf(res);
      const reply = { ...(await sessions.describe(user)), tenants: await places.list(user) };
      res.json(reply satisfies SessionReply);
    },
    'GET /api/auth/sessions': async (_input, _req, res) => {
      res.json(await sessions.list(userOf(res)));
    },
    'DELETE /api/auth/sessions/:id': async ({ params }, req, res) => {
      res.json(await sessions.revoke(visitOf(req, res), userOf(res), params.id));
    },
    'DELETE /api/auth/sessions': async (_input, req, res) => {
      res.json(await sessions.revokeOthers(visitOf(req, res), userOf(res)));
    },
    'POST /api/auth/confirm': async ({ body }, req, res) => {
      res.json(await accounts.confirm(visitorOf(req, res), body.password));
    },
    'POST /api/auth/password/change': async ({ body }, req, res) => {
      answer(res, await accounts.changePassword(visitorOf(req, res), body));
    },
    'POST /api/auth/second-factor/begin': async ({ body }, req, res) => {
      res.json(await secondFactors.begin(visitorOf(req, res), body.password));
    },
    'POST /api/auth/second-factor/confirm': async ({ body }, req, res) => {
      answer(res, await secondFactors.confirm(visitorOf(req, res), body.code));
    },
    'POST /api/auth/second-factor/disable': async ({ body }, req, res) => {
      answer(res, await secondFactors.disable(visitorOf(req, res), body.password));
    },
    'POST /api/auth/second-factor/recovery-codes': async ({ body }, req, res) => {
      res.json(await secondFactors.renewRecoveryCodes(visitorOf(req, res), body.password));
    },
  });
}

function visitorOf(req: Request, res: Response): Visitor {
  return { visit: visitOf(req, res), caller: userOf(res) };
}
