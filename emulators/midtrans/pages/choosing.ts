import type { Account } from '../accounts.ts';
import { demoCard } from '../cards.ts';
import type { Checkout } from '../checkouts.ts';
import { expandMethods, getMethod, type Method } from '../methods.ts';
import type { Transaction } from '../transactions.ts';
import { type Html, html } from './html.ts';
import { layout, summary } from './layout.ts';

export type Choosing = {
  readonly checkout: Checkout;
  readonly account: Account;
  readonly denied?: Transaction | undefined;
  /** The method whose form is open, where the shopper has one in mind. */
  readonly method?: string | undefined;
  readonly problem?: string | undefined;
  readonly expiry: string;
};

const groups = [
  ['card', 'Card'],
  ['wallet', 'Wallets and QRIS'],
  ['bank', 'Bank transfer'],
  ['shop', 'Pay at a shop'],
  ['credit', 'Pay later'],
  ['legacy', 'Online banking'],
] as const;

/** The page before a method is chosen. */
export function choosingPage(view: Choosing): string {
  const offered = expandMethods(view.checkout.request.enabledPayments).map(getMethod);
  const only = offered.length === 1 ? offered[0] : undefined;
  const open = only ?? offered.find(({ code }) => code === view.method);
  const body = open ? methodForm(view, open) : methodList(view, offered);
  return layout(
    `Pay order ${view.checkout.orderId}`,
    html`${summary(view.checkout, view.account)}
${notices(view)}
${body}
${open && !only && html`<p class="aside"><a href="${pathOf(view.checkout)}">Choose another method</a></p>`}
<p class="aside"><a href="${pathOf(view.checkout)}/leave">Back to shop</a></p>`,
  );
}

export function pathOf({ token }: Checkout): string {
  return `/snap/v3/redirection/${token}`;
}

function notices({ denied, problem }: Choosing): Html {
  return html`${
    denied &&
    html`<p class="notice bad" role="alert"><span aria-hidden="true">✕</span>
${getMethod(denied.method).name}: the payment was denied. Try again or choose another method.</p>`
  }
${problem !== undefined && html`<p class="notice bad" role="alert"><span aria-hidden="true">✕</span> ${problem}</p>`}`;
}

function methodList({ checkout }: Choosing, offered: readonly Method[]): Html {
  const sections = groups.map(([group, title]) => {
    const members = offered.filter((method) => method.group === group);
    const rows = members.map(
      (method) =>
        html`<li><a href="${pathOf(checkout)}?method=${method.code}">${method.name}</a></li>`,
    );
    return html`${rows.length > 0 && html`<section><h2>${title}</h2><ul class="methods">${rows}</ul></section>`}`;
  });
  return html`<nav aria-label="Payment methods">${sections}</nav>`;
}

function methodForm(view: Choosing, method: Method): Html {
  if (method.code === 'credit_card') return cardForm(view);
  return html`<section class="panel"><h2>${method.name}</h2>
<p>${promise(method)}</p>
<form method="post" action="${pathOf(view.checkout)}/choose">
<input type="hidden" name="method" value="${method.code}">
<button>Continue with ${method.name}</button>
</form></section>`;
}

function promise({ group }: Method): string {
  switch (group) {
    case 'bank':
      return 'You get an account number to transfer the amount to.';
    case 'shop':
      return 'You get a code to pay with at the counter.';
    case 'wallet':
      return 'You confirm the payment in the app, or scan a code with it.';
    case 'card':
    case 'credit':
    case 'legacy':
      return 'You confirm the payment with the provider.';
    default:
      throw new Error(`No such group: ${group satisfies never}`);
  }
}

function cardForm({ checkout, expiry }: Choosing): Html {
  return html`<section class="panel"><h2>Card</h2>
<p>A test card is filled in. The one-time password of every test card is 112233.</p>
<form method="post" action="${pathOf(checkout)}/card">
<label>Card number
<input name="number" value="${demoCard}" inputmode="numeric" autocomplete="off" required maxlength="23"></label>
<div class="pair">
<label>Expires (MM/YY)
<input name="expiry" value="${expiry}" autocomplete="off" required maxlength="7"></label>
<label>CVV
<input name="cvv" value="123" inputmode="numeric" autocomplete="off" required maxlength="4"></label>
</div>
<button>Pay by card</button>
</form></section>`;
}
