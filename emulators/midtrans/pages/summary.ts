import type { Account } from '../accounts.ts';
import type { Checkout } from '../checkouts.ts';
import { type Html, html } from './html.ts';
import { rupiah } from './layout.ts';

/** What is paid, to whom, and for what: the head of every payment page. */
export function summary({ request, grossAmount, orderId }: Checkout, account: Account): Html {
  const rows = request.items.map(
    (item) => html`<li>
<span class="name">${item.name}${item.quantity > 1 && `\u00a0×\u00a0${item.quantity}`}</span>
<span class="money">${rupiah(item.price * item.quantity)}</span>
</li>`,
  );
  const items = html`<details class="items" open><summary>What you pay for</summary>
<ul>${rows}</ul></details>`;
  return html`<header class="summary">
<p class="merchant">${account.name ?? `Merchant ${account.merchantId}`}</p>
<h1 class="money">${rupiah(grossAmount)}</h1>
<p class="order">Order <span>${orderId}</span></p>
${rows.length > 0 && items}
</header>`;
}
