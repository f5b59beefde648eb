import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import express, { type NextFunction, type Request, type Response, Router } from 'express';
import { z } from 'zod';
import { planCard } from '../cards.ts';
import type { Checkout } from '../checkouts.ts';
import type { Clock } from '../clock.ts';
import type { Faults, FaultWords } from '../faults.ts';
import { type Device, expandMethods, findMethod } from '../methods.ts';
import type { Payments } from '../payments.ts';
import { Refusal } from '../refusal.ts';
import type { Transaction } from '../transactions.ts';
import type { createPageAnswers } from './answers.ts';
import { stylePath } from './layout.ts';
import type { PageState } from './state.ts';

type Parts = {
  clock: Clock;
  faults: Faults;
  payments: Payments;
  stateOf: (token: string) => PageState;
  answers: ReturnType<typeof createPageAnswers>;
};
type PageRequest = Request<{ token: string }>;

const Chosen = z.object({ method: z.string() });
const Card = z.object({ number: z.string(), expiry: z.string(), cvv: z.string() });
const Attempt = z.object({ transaction_id: z.string() });
const Otp = Attempt.extend({ otp: z.string() });
const words: FaultWords = {
  failure: () => ({ message: 'The payment page failed.' }),
  unauthorized: { message: 'The payment page refused.' },
};

/** The hosted payment page: plain forms that work without any script. */
export function pageRoutes(parts: Parts): Router {
  const { clock, payments, stateOf, answers } = parts;
  const { choose, decide } = createActions(parts);
  const router = Router();
  const style = readFileSync(join(import.meta.dirname, 'page.css'), 'utf8');
  router.get(stylePath, (_req, res) => {
    res.set('cache-control', 'max-age=300').type('css').send(style);
  });

  const page = Router({ mergeParams: true });
  page.use(express.urlencoded({ extended: false, limit: '8kb' }));
  page.get('/', (req: PageRequest, res) => {
    const method = typeof req.query.method === 'string' ? req.query.method : undefined;
    answers.show(res, stateOf(req.params.token), { method });
  });
  page.get('/leave', (req: PageRequest, res) => answers.leave(res, stateOf(req.params.token)));
  page.post('/choose', (req: PageRequest, res) => {
    const method = findMethod(read(Chosen, req).method);
    if (!method || method.code === 'credit_card') throw notOffered();
    choose(req, res, method.code, (checkout) => payments.choose(checkout, method, deviceOf(req)));
  });
  page.post('/card', (req: PageRequest, res) => {
    const card = read(Card, req);
    choose(req, res, 'credit_card', (checkout) => {
      const plan = planCard(card, { amount: checkout.grossAmount, now: clock.now() });
      return 'problem' in plan ? plan.problem : payments.chooseCard(checkout, plan);
    });
  });
  page.post('/otp', (req: PageRequest, res) => {
    const { transaction_id: id, otp } = read(Otp, req);
    decide(req, res, { id, step: 'otp' }, (attempt) => payments.confirmOtp(attempt, otp));
  });
  page.post('/pay', (req: PageRequest, res) => {
    decide(req, res, { id: read(Attempt, req).transaction_id }, payments.pay);
  });
  page.post('/deny', (req: PageRequest, res) => {
    decide(req, res, { id: read(Attempt, req).transaction_id }, payments.deny);
  });
  page.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
    if (!(error instanceof Refusal)) return void next(error);
    answers.refuse(res, error.message);
  });
  router.use('/snap/v3/redirection/:token', parts.faults.gate('page', words), page);
  return router;
}

/** The two things that a form can ask for, each refused when another tab was quicker. */
function createActions({ stateOf, answers }: Parts) {
  /** Opens an attempt. `open` may answer a sentence instead, which is shown at its form. */
  function choose(
    req: PageRequest,
    res: Response,
    method: string,
    open: (checkout: Checkout) => Transaction | string,
  ): void {
    const state = stateOf(req.params.token);
    // The same button pressed twice: the first press has made the attempt already.
    const isRepeat = state.kind === 'pending' && state.transaction.method === method;
    if (isRepeat) return void answers.proceed(res, state.checkout, state.transaction);
    if (state.kind === 'pending' || state.kind === 'paid') throw processed();
    if (state.kind !== 'choosing') return void answers.show(res, state);
    if (!expandMethods(state.checkout.request.enabledPayments).includes(method)) throw notOffered();
    const opened = open(state.checkout);
    if (typeof opened !== 'string') return void answers.proceed(res, state.checkout, opened);
    answers.show(res.status(422), state, { method, problem: opened });
  }

  /** Decides the pending attempt that the form was made for. */
  function decide(
    req: PageRequest,
    res: Response,
    wanted: { id: string; step?: 'otp' },
    change: (transaction: Transaction) => Transaction,
  ): void {
    const state = stateOf(req.params.token);
    if (state.kind === 'gone' || state.kind === 'unknown') return void answers.show(res, state);
    const current = state.kind === 'choosing' ? state.denied : state.transaction;
    if (current?.transactionId !== wanted.id) throw processed();
    // Pressed twice: what was decided stands, and the browser goes where the first press led.
    if (current.status !== 'pending') return void answers.proceed(res, state.checkout, current);
    if (current.step !== wanted.step) throw processed();
    answers.proceed(res, state.checkout, change(current));
  }

  return { choose, decide };
}

function read<Schema extends z.ZodType>(schema: Schema, req: PageRequest): z.infer<Schema> {
  const result = schema.safeParse(req.body);
  if (!result.success) throw new Refusal('bad-request', 'The form was not complete.');
  return result.data;
}

function deviceOf(req: PageRequest): Device {
  return /Mobi|Android|iPhone|iPad/i.test(req.get('user-agent') ?? '') ? 'phone' : 'desktop';
}

function processed(): Refusal {
  return new Refusal('transaction-processed', 'transaction has been processed');
}

function notOffered(): Refusal {
  return new Refusal('bad-request', 'This payment does not offer that method.');
}
