// @ts-check
/** @import { Failure } from './api.js' */
/** @import { Basket } from './basket.js' */
/** @import { Page } from './page.js' */
/** @import { FieldName } from './words.js' */
import { createPayment } from './api.js';
import { createCustomerFields, isFieldName } from './customer-fields.js';
import { element, setText } from './dom.js';
import { endIntent, orderIdFor, rememberPage } from './intent.js';
import { formatMoney } from './money.js';
import { makePaymentProblem } from './payment-problem.js';

/**
 * The form and its one button, which starts the payment and sends the shopper to pay it.
 *
 * @param {Page} page
 * @param {Basket} basket
 */
export function createCheckout(page, basket) {
  const { tenant, storage, language, words } = page;
  const customer = createCustomerFields(page);
  const summary = element('div', { role: 'alert' });
  const notice = element('div', { role: 'alert' });
  const total = element('output');
  const progress = element('p', { class: 'unseen', role: 'status' });
  const button = element('button', { type: 'submit', class: 'primary' });
  const node = element(
    'form',
    { class: 'checkout', novalidate: '', 'aria-labelledby': 'checkout-title' },
    element('h2', { id: 'checkout-title' }, words.checkoutTitle),
    summary,
    customer.node,
    element('p', { class: 'total' }, element('span', {}, words.total), total),
    notice,
    button,
    progress,
  );
  let isSending = false;
  node.addEventListener('submit', (event) => {
    event.preventDefault();
    void submit();
  });
  // A notice speaks of the order as it was sent; another one gets another id.
  node.addEventListener('input', () => notice.replaceChildren());
  // The way back from the payment page may show this page as it was left: locked.
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) setSending(false);
  });
  showTotal();

  function amountText() {
    return formatMoney({ amount: basket.amount(), currency: tenant.currency }, language);
  }

  function showTotal() {
    setText(total, `${words.tickets(basket.count())} · ${amountText()}`);
    setText(button, words.pay(amountText()));
    notice.replaceChildren();
  }

  /** @param {boolean} next */
  function setSending(next) {
    isSending = next;
    // What is on its way must stay what is on the screen. The button keeps the focus.
    basket.node.inert = next;
    customer.node.inert = next;
    button.setAttribute('aria-disabled', String(next));
    setText(button, next ? words.opening : words.pay(amountText()));
    setText(progress, next ? words.opening : '');
  }

  async function submit() {
    if (isSending) return;
    notice.replaceChildren();
    showWrong(customer.findWrong());
    if (summary.hasChildNodes()) return;
    if (basket.count() === 0) {
      notice.replaceChildren(makeNotice(words.basketEmpty));
      return;
    }

    setSending(true);
    const content = { amount: basket.amount(), ...customer.value() };
    const orderId = orderIdFor(storage, tenant, { ...content, lines: basket.lines() });
    const result = await createPayment({ orderId, ...content });
    if (result.kind === 'ok') {
      const { redirectUrl } = result.value;
      rememberPage(storage, { orderId, redirectUrl });
      location.assign(redirectUrl); // stays locked until this page is gone
      return;
    }
    setSending(false);
    showFailure(result, orderId);
  }

  /**
   * @param {Failure} failure
   * @param {string} orderId
   */
  function showFailure(failure, orderId) {
    if (failure.code === 'order-content-differs') endIntent(storage, orderId);
    const wrong = failure.errors.map(({ field }) => field);
    if (wrong.length > 0 && wrong.every(isFieldName)) {
      showWrong(wrong);
      return;
    }
    notice.replaceChildren(makePaymentProblem(page, failure, { orderId, onRetry }));
    notice.scrollIntoView({ block: 'nearest' });
  }

  function onRetry() {
    button.focus(); // before the notice goes, and the focus with it
    void submit();
  }

  /** @param {readonly FieldName[]} wrong */
  function showWrong(wrong) {
    summary.replaceChildren(...(wrong.length > 0 ? [makeNotice(words.someFieldsWrong)] : []));
    customer.markWrong(wrong);
  }

  return { node, showTotal };
}

/** @param {string} text */
function makeNotice(text) {
  return element('div', { class: 'notice bad' }, element('p', {}, text));
}
