import express, { type NextFunction, type Request, type Response, Router } from 'express';
import { z } from 'zod';
import type { Accounts } from '../accounts.ts';
import type { Books } from '../books.ts';
import type { CardPayments } from '../card-payments.ts';
import type { Checkouts } from '../checkouts.ts';
import type { Clock } from '../clock.ts';
import { FaultDraft, type Faults } from '../faults.ts';
import { isLoopback } from '../hosts.ts';
import type { Notifications } from '../notifications/notifications.ts';
import type { Payments } from '../payments.ts';
import type { RefundRules } from '../refund-rules.ts';
import type { Refunds } from '../refunds.ts';
import { clientErrorStatus, Refusal } from '../refusal.ts';
import type { Scheduler } from '../scheduler.ts';
import { SettingsChange, type SettingsStore } from '../settings.ts';
import type { Transactions } from '../transactions.ts';
import { bookRoutes } from './books.ts';
import { notificationRoutes } from './notifications.ts';
import { orderRoutes } from './orders.ts';
import { parse, parseBody } from './parse.ts';

export type ControlParts = {
  accounts: Accounts;
  books: Books;
  cardPayments: CardPayments;
  checkouts: Checkouts;
  clock: Clock;
  faults: Faults;
  notifications: Notifications;
  payments: Payments;
  refundRules: RefundRules;
  refunds: Refunds;
  scheduler: Scheduler;
  settings: SettingsStore;
  transactions: Transactions;
};

const longestAdvanceSeconds = 366 * 24 * 3600;
const Url = z.url({ protocol: /^https?$/ }).max(2000);
const AccountDraft = z.strictObject({
  // A colon would end the user name of Basic credentials, so no request could carry such a key.
  serverKey: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^:\s]+$/),
  merchantId: z.string().min(1).max(64).optional(),
  name: z.string().max(255).optional(),
  notificationUrl: Url.optional(),
  finishUrl: Url.optional(),
  unfinishUrl: Url.optional(),
  errorUrl: Url.optional(),
  customerFee: z.int().min(0).max(1_000_000_000).optional(),
});
const Advance = z.strictObject({ seconds: z.number().positive().max(longestAdvanceSeconds) });

/** The emulator's own controls; nothing here exists at Midtrans. */
export function controlRoutes(parts: ControlParts): Router {
  const { cardPayments, clock, scheduler, settings } = parts;
  const router = Router();
  router.use(onlyFromHere, express.json({ limit: '256kb' }));
  router.use('/orders', orderRoutes(parts));
  router.use('/notifications', notificationRoutes(parts));
  addAccountRoutes(router, parts);
  addFaultRoutes(router, parts);
  router.use(bookRoutes(parts));

  router.get('/clock', (_req, res) => void res.json(clockView(clock)));
  router.post('/clock/advance', async (req, res) => {
    await scheduler.advance(parseBody(Advance, req).seconds * 1000);
    res.json(clockView(clock));
  });
  router.post('/settlement-run', (_req, res) => {
    res.json({ settled: cardPayments.runSettlement() });
  });
  router.post('/stuck-pending', (req, res) => {
    const { on } = parseBody(z.strictObject({ on: z.boolean() }), req);
    settings.change({ stuckPending: on });
    scheduler.wake(); // what became overdue meanwhile expires now
    res.json(settings.all());
  });
  router.get('/settings', (_req, res) => void res.json(settings.all()));
  router.put('/settings', (req, res) => {
    const changed = settings.change(parseBody(SettingsChange, req));
    scheduler.wake();
    res.json(changed);
  });
  router.use((req) => {
    throw new Refusal('bad-request', `There is no control ${req.method} ${req.path}.`);
  });
  router.use(answerRefusal);
  return router;
}

function addAccountRoutes(router: Router, { accounts }: ControlParts): void {
  router.get('/accounts', (_req, res) => void res.json({ accounts: accounts.list() }));
  router.post('/accounts', (req, res) => {
    const { serverKey: _key, ...account } = accounts.register(parseBody(AccountDraft, req));
    res.status(201).json(account);
  });
  router.delete('/accounts/:merchantId', (req, res) => {
    accounts.revoke(req.params.merchantId);
    res.json({ revoked: req.params.merchantId });
  });
}

function addFaultRoutes(router: Router, { faults }: ControlParts): void {
  router.get('/faults', (_req, res) => void res.json({ faults: faults.list() }));
  router.post('/faults', (req, res) => {
    faults.add(parseBody(FaultDraft, req));
    res.status(201).json({ faults: faults.list() });
  });
  router.delete('/faults', (_req, res) => {
    faults.clear();
    res.json({ faults: [] });
  });
  router.get('/calls', (req, res) => {
    const Caller = z.strictObject({ merchantId: z.string().optional() });
    res.json({ calls: faults.calls(parse(Caller, req.query).merchantId) });
  });
  router.delete('/calls', (_req, res) => {
    faults.forgetCalls();
    res.json({ calls: faults.calls() });
  });
}

/**
 * The server listens on loopback, but a page in a browser on this machine could still call it. Its
 * Origin, or the name by which it found us, gives it away.
 */
function onlyFromHere(req: Request, res: Response, next: NextFunction): void {
  const origin = req.get('origin');
  const isOurs = isLoopbackUrl(`http://${req.get('host')}`);
  if (isOurs && (origin === undefined || isLoopbackUrl(origin))) return void next();
  res.status(403).json({ error: 'forbidden', message: 'The control API is for this machine.' });
}

function isLoopbackUrl(text: string): boolean {
  return URL.canParse(text) && isLoopback(new URL(text).hostname);
}

function clockView(clock: Clock) {
  return { now: new Date(clock.now()).toISOString(), offsetSeconds: clock.offsetMs() / 1000 };
}

function answerRefusal(error: unknown, _req: Request, res: Response, next: NextFunction): void {
  if (error instanceof Refusal) {
    res.status(error.httpStatus).json({ error: error.code, message: error.message });
    return;
  }
  const status = clientErrorStatus(error);
  if (status === undefined) return void next(error);
  res.status(status).json({ error: 'bad-request', message: 'The body is not valid JSON.' });
}
