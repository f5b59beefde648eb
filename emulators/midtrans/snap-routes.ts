import express, { type NextFunction, type Request, type Response, Router } from 'express';
import type { Accounts } from './accounts.ts';
import { accountOf, authenticated } from './caller.ts';
import type { Checkout, Checkouts } from './checkouts.ts';
import type { Clock } from './clock.ts';
import type { Faults, FaultWords } from './faults.ts';
import { clientErrorStatus } from './refusal.ts';
import type { SettingsStore } from './settings.ts';
import type { Transactions } from './transactions.ts';
import { validateCheckout } from './validation.ts';

type Parts = {
  accounts: Accounts;
  checkouts: Checkouts;
  transactions: Transactions;
  clock: Clock;
  settings: SettingsStore;
  faults: Faults;
  pageUrl: (token: string) => string;
};

type CancelRequest = Request<{ token: string }>;

const unauthorized = errors(
  'Access denied due to unauthorized transaction, please check client or server key',
  'Visit https://snap-docs.midtrans.com/#request-headers for more details',
);
const words: FaultWords = {
  unauthorized,
  failure: () => ({
    ...errors('Sorry, we encountered internal server error. We will fix this soon.'),
    locale: 'en',
  }),
};

/** Snap's own API, which speaks with real HTTP codes and lists of sentences. */
export function snapRoutes(parts: Parts): Router {
  const { accounts, checkouts, clock, settings, faults } = parts;
  const router = Router();
  router.use(authenticated(accounts, (res) => void res.status(401).json(unauthorized)));

  const readBody = express.json({ limit: '16kb' });
  router.post('/transactions', readBody, faults.gate('snap.create', words), (req, res) => {
    const account = accountOf(res);
    const rules = { now: clock.now(), strictOrderIds: settings.all().strictOrderIds };
    const checked = validateCheckout(req.body, rules);
    if (checked.problems) return void res.status(400).json(errors(...checked.problems));

    const { request } = checked;
    const { merchantId } = account;
    const taken = checkouts.whyTaken({ merchantId, orderId: request.orderId });
    if (taken) return void res.status(400).json(errors(taken));

    const { token } = checkouts.create(account, {
      ...request,
      overrideUrls: readUrls(req.get('x-override-notification')),
      appendUrls: readUrls(req.get('x-append-notification')),
    });
    res.status(201).json({ token, redirect_url: parts.pageUrl(token) });
  });

  router.post(
    '/transactions/:token/cancel',
    faults.gate('snap.cancel', words),
    (req: CancelRequest, res) => {
      const checkout = checkouts.find(req.params.token);
      if (!checkout || checkout.merchantId !== accountOf(res).merchantId) {
        return void res.status(404).json(errors('token not found'));
      }
      const problem = whyNotCancellable(checkout);
      if (problem) return void res.status(400).json(errors(problem));
      checkouts.cancel(checkout.token);
      res.json({ canceled_at: new Date(clock.now()).toISOString() });
    },
  );

  function whyNotCancellable({ merchantId, orderId, token, state }: Checkout) {
    if (state === 'cancelled') return 'token already canceled';
    if (state === 'replaced') return 'token not found'; // a newer page has taken its place
    const attempts = parts.transactions.listOfOrder(merchantId, orderId);
    const isChosen = attempts.some((attempt) => attempt.token === token);
    return isChosen ? 'Transaction is on progress' : undefined;
  }

  router.use((_req, res) => void res.status(404).json(errors('path not found')));
  router.use(answerBadBody);
  return router;
}

function answerBadBody(error: unknown, _req: Request, res: Response, next: NextFunction): void {
  const status = clientErrorStatus(error);
  if (status === undefined) return void next(error);
  if (status === 413) return void res.status(413).json(errors('The body is larger than 16 kB.'));
  res.status(400).json(errors('The body is not valid JSON.'));
}

/** What happens with a fourth address is documented nowhere; here it is left out. */
function readUrls(header: string | undefined): string[] {
  const urls = (header ?? '').split(',').map((url) => url.trim());
  return urls.filter((url) => url !== '').slice(0, 3);
}

function errors(...messages: string[]) {
  return { error_messages: messages };
}
