import type { Account } from '../accounts.ts';
import type { Checkout } from '../checkouts.ts';
import type { Transaction } from '../transactions.ts';
import { type Html, html } from './html.ts';
import { layout, summary } from './layout.ts';

/** The page of an order that was paid, for whoever opens it again or has no shop to return to. */
export function paidPage(view: {
  checkout: Checkout;
  account: Account;
  transaction: Transaction;
  next: string | undefined;
}): string {
  const words = outcomeWords(view.transaction);
  return layout(
    `${words}: order ${view.checkout.orderId}`,
    html`${summary(view.checkout, view.account, view.transaction)}
<p class="notice good" role="status"><span aria-hidden="true">✓</span> ${words}. The shop has been told.</p>
${backToShop(view.next)}`,
  );
}

function outcomeWords({ status, fraudStatus }: Transaction): string {
  if (status === 'refund') return 'Refunded';
  if (status === 'partial_refund') return 'Partly refunded';
  if (status === 'chargeback' || status === 'partial_chargeback') return 'Charged back';
  if (status === 'authorize') return 'Reserved on your card';
  return fraudStatus === 'challenge' ? 'Being checked' : 'Paid';
}

/** A page that says why there is nothing to pay here. */
export function problemPage(message: string, next?: string): string {
  return layout(
    'Payment not possible',
    html`<h1 class="plain">Nothing to pay here</h1>
<p class="notice bad" role="alert"><span aria-hidden="true">✕</span> ${message}</p>
${backToShop(next)}`,
  );
}

/** For "back to shop" of a merchant that has not said where its shop is. */
export function leftPage(checkout: Checkout): string {
  return layout(
    'You left the payment page',
    html`<h1 class="plain">You left the payment page</h1>
<p>The shop named no page to return to. Order ${checkout.orderId} can still be paid.</p>
<p class="actions"><a class="button" href="/snap/v3/redirection/${checkout.token}">Back to the payment</a></p>`,
  );
}

function backToShop(next: string | undefined): Html {
  if (next === undefined) return html`<p class="hint">You can close this page.</p>`;
  return html`<p class="actions"><a class="button" href="${next}">Back to shop</a></p>`;
}
