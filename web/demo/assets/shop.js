// @ts-check
/** @import { Page } from './page.js' */
import { createBasket } from './basket.js';
import { createCheckout } from './checkout.js';
import { element } from './dom.js';
import { openPage } from './page.js';

void openPage(drawShop);

/** @param {Page} page */
function drawShop(page) {
  const { words, main } = page;
  const basket = createBasket(page, () => checkout.showTotal());
  const checkout = createCheckout(page, basket);
  main.append(
    element('section', {}, element('h1', {}, words.productsTitle), basket.node),
    checkout.node,
  );
}
