import type { Account } from '../accounts.ts';
import type { Checkout } from '../checkouts.ts';
import type { Transaction } from '../transactions.ts';
import { type Html, html } from './html.ts';

export const stylePath = '/snap/v3/page.css';

/** The frame of every page, with the words that keep anyone from taking it for a bank's. */
export function layout(title: string, content: Html): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${stylePath}">
</head>
<body>
<header class="banner"><strong>Midtrans emulator.</strong> This is a test page and no money moves.</header>
<main>${content}</main>
</body>
</html>
`;
  return page.text;
}

/** What is paid, to whom, and for what: the head of every payment page. */
export function summary(checkout: Checkout, account: Account, attempt?: Transaction): Html {
  const { request, orderId } = checkout;
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
<h1 class="money">${rupiah(attempt?.grossAmount ?? checkout.grossAmount)}</h1>
<p class="order">Order <span>${orderId}</span></p>
${attempt !== undefined && attempt.fee > 0 && html`<p class="hint">With a payment fee of ${rupiah(attempt.fee)}.</p>`}
${rows.length > 0 && items}
</header>`;
}

/** `Rp 150.000`, with a plain space; the style sheet keeps it on one line. */
export function rupiah(amount: number): string {
  const sign = amount < 0 ? '-' : '';
  return `${sign}Rp ${Math.abs(amount).toLocaleString('id-ID')}`;
}
