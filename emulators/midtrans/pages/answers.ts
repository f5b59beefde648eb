import type { Response } from 'express';
import type { Accounts } from '../accounts.ts';
import type { Checkout } from '../checkouts.ts';
import type { Clock } from '../clock.ts';
import { isSuccessful } from '../statuses.ts';
import type { Transaction } from '../transactions.ts';
import { choosingPage, pathOf } from './choosing.ts';
import { leftPage, paidPage, problemPage } from './outcome.ts';
import { pendingPage } from './pending.ts';
import { finishUrl, leaveUrl, returnOrigins } from './return-urls.ts';
import type { PageState } from './state.ts';

type Parts = { accounts: Accounts; clock: Clock };
type Form = { method?: string | undefined; problem?: string | undefined };

/** What the payment page answers with, in each of its states. */
export function createPageAnswers({ accounts, clock }: Parts) {
  /** Shows a state as a whole page. */
  function show(res: Response, state: PageState, form: Form = {}): void {
    if (state.kind === 'unknown') {
      guard(res.status(404)).send(problemPage('There is no such payment page.'));
      return;
    }
    const { checkout } = state;
    const account = accounts.get(checkout.merchantId);
    guard(res, returnOrigins(checkout, account));
    switch (state.kind) {
      case 'gone': {
        const next = leaveUrl(checkout, account, state.last);
        return void res.status(410).send(problemPage(state.message, next));
      }
      case 'choosing': {
        const expiry = endOfNextYear(clock.now());
        return void res.send(
          choosingPage({ checkout, account, denied: state.denied, expiry, ...form }),
        );
      }
      case 'pending':
        return void res.send(pendingPage({ ...state, account }));
      case 'paid': {
        const next = finishUrl(checkout, account, state.transaction);
        return void res.send(paidPage({ ...state, account, next }));
      }
      default:
        throw new Error(`No such state: ${state satisfies never}`);
    }
  }

  /** Sends the browser on after something was done: to the shop, or back to the page. */
  function proceed(res: Response, checkout: Checkout, transaction: Transaction): void {
    const isDone = isSuccessful(transaction.status) || transaction.step === 'delayed';
    const account = accounts.get(checkout.merchantId);
    const target = isDone ? finishUrl(checkout, account, transaction) : undefined;
    // The policy of the page that the form was on decides whether the browser may go there.
    guard(res).redirect(303, target ?? pathOf(checkout));
  }

  /** Sends the browser back to the shop without a payment. */
  function leave(res: Response, state: PageState): void {
    if (state.kind === 'unknown') return void show(res, state);
    const { checkout } = state;
    const account = accounts.get(checkout.merchantId);
    const target =
      state.kind === 'paid'
        ? finishUrl(checkout, account, state.transaction)
        : leaveUrl(checkout, account, attemptIn(state));
    if (target) guard(res).redirect(303, target);
    else guard(res).send(leftPage(checkout));
  }

  function refuse(res: Response, message: string): void {
    guard(res.status(409)).send(problemPage(message));
  }

  return { show, proceed, leave, refuse };
}

/** Only what a page of plain forms needs; `formTargets` are where its forms may end up. */
function guard(res: Response, formTargets: readonly string[] = []): Response {
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    'img-src data:',
    ["form-action 'self'", ...formTargets].join(' '),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return res.type('html').set({
    'content-security-policy': policy.join('; '),
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  });
}

function attemptIn(state: PageState): Transaction | undefined {
  if (state.kind === 'pending') return state.transaction;
  if (state.kind === 'choosing') return state.denied;
  return state.kind === 'gone' ? state.last : undefined;
}

function endOfNextYear(now: number): string {
  return `12/${String(new Date(now).getUTCFullYear() + 1).slice(-2)}`;
}
