import type { Account } from '../accounts.ts';
import type { Checkout } from '../checkouts.ts';
import { apiCode } from '../statuses.ts';
import type { Transaction } from '../transactions.ts';

/** Where the browser goes after a payment; undefined when the merchant named nothing. */
export function finishUrl(checkout: Checkout, account: Account, transaction: Transaction) {
  const base = checkout.request.finishUrl ?? account.finishUrl;
  return base && withResult(base, checkout, transaction);
}

/** Where "back to shop" leads; a merchant without a page for it gets its finish page. */
export function leaveUrl(checkout: Checkout, account: Account, last: Transaction | undefined) {
  const isOver = last?.status === 'expire' || last?.status === 'cancel';
  const unfinished = account.unfinishUrl ?? checkout.request.finishUrl ?? account.finishUrl;
  const base = isOver ? (account.errorUrl ?? unfinished) : unfinished;
  return base && withResult(base, checkout, last);
}

/** Everything that this page may send the browser to, for its content security policy. */
export function returnOrigins(checkout: Checkout, account: Account): string[] {
  const urls = [
    checkout.request.finishUrl,
    account.finishUrl,
    account.unfinishUrl,
    account.errorUrl,
  ].filter((url) => url !== undefined);
  return [...new Set(urls.map((url) => new URL(url).origin))];
}

/** Adds the result without touching the query that the merchant's address has already. */
function withResult(base: string, checkout: Checkout, transaction: Transaction | undefined) {
  const result = new URLSearchParams({ order_id: checkout.orderId });
  if (transaction) {
    result.set('status_code', apiCode(transaction));
    result.set('transaction_status', transaction.status);
  }
  const [address = '', fragment] = base.split('#', 2);
  const separator = !address.includes('?') ? '?' : /[?&]$/.test(address) ? '' : '&';
  const hash = fragment === undefined ? '' : `#${fragment}`;
  return `${address}${separator}${result}${hash}`;
}
