import type { Account } from '../accounts.ts';
import type { Checkout } from '../checkouts.ts';
import { jakartaTime } from '../clock.ts';
import { type Details, getMethod } from '../methods.ts';
import type { Transaction } from '../transactions.ts';
import { pathOf } from './choosing.ts';
import { type Html, html } from './html.ts';
import { layout, summary } from './layout.ts';
import { qrPicture } from './qr-picture.ts';

export type Pending = { checkout: Checkout; account: Account; transaction: Transaction };

/** The page while a payment waits for the shopper, or for the bank. */
export function pendingPage({ checkout, account, transaction }: Pending): string {
  const content = transaction.step === 'otp' ? otpForm : waiting;
  return layout(
    `Pay order ${checkout.orderId}`,
    html`${summary(checkout, account, transaction)}
${content(checkout, transaction)}
<p class="aside"><a href="${pathOf(checkout)}/leave">Back to shop</a></p>`,
  );
}

function waiting(checkout: Checkout, transaction: Transaction): Html {
  const method = getMethod(transaction.method);
  const { expiresAt } = transaction;
  return html`<section class="panel"><h2>${method.name}</h2>
<p class="state"><span aria-hidden="true">◷</span> Waiting for payment</p>
${instructions(transaction)}
${expiresAt !== undefined && html`<p class="hint">Pay before <time>${jakartaTime(expiresAt)}</time> (Jakarta time).</p>`}
${transaction.step === 'delayed' ? refreshLink(checkout) : decisions(checkout, transaction)}
</section>`;
}

function refreshLink(checkout: Checkout): Html {
  return html`<p>The bank takes about a minute with this card.</p>
<p class="actions"><a class="button" href="${pathOf(checkout)}">Look again</a></p>`;
}

/** What stands in for the bank, the app or the counter. */
function decisions(checkout: Checkout, { transactionId, method }: Transaction): Html {
  return html`<div class="actions">
<form method="post" action="${pathOf(checkout)}/pay">
<input type="hidden" name="transaction_id" value="${transactionId}">
<button>${payLabel(getMethod(method).group)}</button></form>
<form method="post" action="${pathOf(checkout)}/deny">
<input type="hidden" name="transaction_id" value="${transactionId}">
<button class="quiet">Deny the payment</button></form>
</div>`;
}

function payLabel(group: string): string {
  if (group === 'bank') return 'Simulate payment at the bank';
  return group === 'shop' ? 'Simulate payment at the counter' : 'Simulate payment in the app';
}

function instructions({ details, paymentType, transactionId }: Transaction): Html {
  if (paymentType === 'qris') {
    return html`${qrPicture(transactionId)}
<p class="hint">A picture in the place of the QR code. No app can pay it.</p>`;
  }
  const rows = numbersOf(details).map(
    ([label, number]) => html`<dt>${label}</dt><dd>${number}</dd>`,
  );
  if (rows.length === 0) return html`<p>Confirm the payment with the provider.</p>`;
  return html`<dl class="numbers">${rows}</dl>`;
}

/** The numbers that a shopper would copy, with their names. */
function numbersOf(details: Details): [string, string][] {
  const numbers: [string, string][] = [];
  const add = (label: string, value: unknown) => {
    if (typeof value === 'string') numbers.push([label, value]);
  };
  const accounts = Array.isArray(details.va_numbers) ? details.va_numbers : [];
  for (const account of accounts) add('Virtual account number', account.va_number);
  add('Virtual account number', details.permata_va_number);
  add('Biller code', details.biller_code);
  add('Bill key', details.bill_key);
  add('Payment code', details.payment_code);
  add('Phone number', details.payer_phone_number);
  return numbers;
}

function otpForm(checkout: Checkout, { transactionId, details }: Transaction): Html {
  return html`<section class="panel"><h2>Confirm with your bank</h2>
<p>Card ${String(details.masked_card)}. The one-time password of every test card is 112233; any other is denied.</p>
<form method="post" action="${pathOf(checkout)}/otp">
<input type="hidden" name="transaction_id" value="${transactionId}">
<label>One-time password
<input name="otp" value="112233" inputmode="numeric" autocomplete="off" required maxlength="12"></label>
<button>Confirm</button>
</form></section>`;
}
