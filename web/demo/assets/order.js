// @ts-check
/** @import { Page } from './page.js' */
import { pageAddress, parameter } from './address.js';
import { getOrder } from './api.js';
import { emptyBasket } from './basket.js';
import { element } from './dom.js';
import { endIntent } from './intent.js';
import { createOrderView } from './order-view.js';
import { openPage } from './page.js';
import { poll } from './poll.js';

void openPage(drawOrder);

/** @param {Page} page */
function drawOrder(page) {
  const { storage, words } = page;
  const orderId = parameter('orderId');
  if (!orderId) {
    drawMessage(page, { title: words.noOrderTitle, text: words.noOrder });
    return;
  }
  // The payment page appends its own idea of the result. Whoever can write an address can write
  // that, so it goes unread, and out of the address before somebody takes it for a proof.
  history.replaceState(null, '', pageAddress(location.pathname, { orderId }));

  const view = createOrderView(page, orderId);
  poll(async () => {
    const result = await getOrder(orderId);
    if (result.kind === 'ok') {
      const { order } = result.value;
      if (order.status !== 'pending') endIntent(storage, orderId);
      if (order.status === 'paid') emptyBasket(storage);
      view.show(order);
      return order.status === 'pending' ? 'again' : 'done';
    }
    if (result.isRetryable) {
      view.showTrouble();
      return 'again';
    }
    const isUnknown = result.status === 404 || result.status === 400;
    drawMessage(page, {
      title: isUnknown ? words.unknownTitle : words.orderTitle,
      text: isUnknown ? words.unknownOrder(orderId) : words.shopUnreachable,
    });
    return 'done';
  });
}

/**
 * @param {Page} page
 * @param {{ title: string, text: string }} message
 */
function drawMessage({ tenant, words, main }, { title, text }) {
  document.title = `${title} · ${tenant.name}`;
  main.replaceChildren(
    element(
      'div',
      { class: 'card', role: 'status' },
      element('h1', {}, title),
      element('p', {}, text),
      element('p', {}, element('a', { href: pageAddress('/demo') }, words.backToShop)),
    ),
  );
}
