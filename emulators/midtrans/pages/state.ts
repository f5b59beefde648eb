import type { Checkout, Checkouts } from '../checkouts.ts';
import type { Clock } from '../clock.ts';
import { isSuccessful } from '../statuses.ts';
import type { Transaction, Transactions } from '../transactions.ts';

/** What a payment page has to show. */
export type PageState =
  | { kind: 'unknown' }
  | { kind: 'gone'; checkout: Checkout; last?: Transaction | undefined; message: string }
  | { kind: 'choosing'; checkout: Checkout; denied?: Transaction | undefined }
  | { kind: 'pending'; checkout: Checkout; transaction: Transaction }
  | { kind: 'paid'; checkout: Checkout; transaction: Transaction };

type Parts = { checkouts: Checkouts; transactions: Transactions; clock: Clock };

export function createPageStates({ checkouts, transactions, clock }: Parts) {
  return function stateOf(token: string): PageState {
    const checkout = checkouts.find(token);
    if (!checkout) return { kind: 'unknown' };
    const attempts = transactions.listOfOrder(checkout.merchantId, checkout.orderId);
    const own = attempts.filter((attempt) => attempt.token === token);
    const paid = attempts.find(({ status }) => isSuccessful(status));
    if (paid?.token === token) return { kind: 'paid', checkout, transaction: paid };
    if (paid) return { kind: 'gone', checkout, message: 'transaction has been processed' };
    const pending = own.find(({ status }) => status === 'pending');
    if (pending) return { kind: 'pending', checkout, transaction: pending };

    const last = own.at(-1);
    const message = whyGone(checkout, last, clock.now());
    if (message) return { kind: 'gone', checkout, last, message };
    return { kind: 'choosing', checkout, denied: last };
  };
}

function whyGone(checkout: Checkout, last: Transaction | undefined, now: number) {
  if (checkout.state === 'replaced') return 'This payment page is no longer valid.';
  if (checkout.state === 'cancelled') return 'The shop has closed this payment page.';
  if (last?.status === 'expire') return 'The time to pay has run out.';
  if (last?.status === 'cancel') return 'This payment was cancelled.';
  return now >= checkout.expiresAt ? 'This payment page has expired.' : undefined;
}
