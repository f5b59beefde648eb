// @ts-check
/** @import { Product, ProductId } from './catalogue.js' */
/** @import { Page } from './page.js' */
/** @import { Storage } from './storage.js' */
import { catalogueOf, maxQuantity, priceOf } from './catalogue.js';
import { element, setText } from './dom.js';
import { formatMoney } from './money.js';

/** @typedef {{ readonly productId: ProductId, readonly quantity: number }} Line */

/**
 * The products and how many of each. Remembered in this tab, so that a reload is the same order.
 *
 * @param {Page} page
 * @param {() => void} onChange
 */
export function createBasket({ tenant, storage, language, words }, onChange) {
  const products = catalogueOf(tenant.slug);
  const quantities = readQuantities(storage, products);
  const items = products.map((product) => {
    const { name, note } = words.products[product.id];
    const amount = priceOf(product, tenant.currency);
    return element(
      'li',
      { class: 'product' },
      element('img', {
        src: `/demo/assets/art/${product.id}.svg`,
        alt: '',
        width: '320',
        height: '200',
      }),
      element(
        'div',
        { class: 'about' },
        element('h2', {}, name),
        element('p', { class: 'note' }, note),
        element(
          'p',
          { class: 'money' },
          formatMoney({ amount, currency: tenant.currency }, language),
        ),
      ),
      makeStepper(product.id, name),
    );
  });
  const node = element('ul', { class: 'products' }, ...items);

  /**
   * @param {ProductId} id
   * @param {string} name
   */
  function makeStepper(id, name) {
    const less = element('button', { type: 'button', 'aria-label': words.oneLess(name) }, '−');
    const more = element('button', { type: 'button', 'aria-label': words.oneMore(name) }, '+');
    const count = element('output', { 'aria-label': words.quantity(name) });

    /** @param {number} quantity */
    function show(quantity) {
      setText(count, String(quantity));
      // Not `disabled`, which would throw the keyboard's focus off the button that was just used.
      less.setAttribute('aria-disabled', String(quantity === 0));
      more.setAttribute('aria-disabled', String(quantity === maxQuantity));
    }

    /** @param {number} step */
    function change(step) {
      const quantity = Math.min(maxQuantity, Math.max(0, (quantities.get(id) ?? 0) + step));
      quantities.set(id, quantity);
      storage.write('basket', Object.fromEntries(quantities));
      show(quantity);
      onChange();
    }

    less.addEventListener('click', () => change(-1));
    more.addEventListener('click', () => change(1));
    show(quantities.get(id) ?? 0);
    return element('div', { class: 'stepper' }, less, count, more);
  }

  /** @returns {Line[]} */
  function lines() {
    return products
      .map(({ id }) => ({ productId: id, quantity: quantities.get(id) ?? 0 }))
      .filter(({ quantity }) => quantity > 0);
  }

  function count() {
    return lines().reduce((sum, { quantity }) => sum + quantity, 0);
  }

  function amount() {
    return products.reduce(
      (sum, product) => sum + (quantities.get(product.id) ?? 0) * priceOf(product, tenant.currency),
      0,
    );
  }

  return { node, lines, count, amount };
}
/** @typedef {ReturnType<typeof createBasket>} Basket */

/** @param {Storage} storage */
export function emptyBasket(storage) {
  storage.forget('basket');
}

/**
 * @param {Storage} storage
 * @param {readonly Product[]} products
 * @returns {Map<ProductId, number>}
 */
function readQuantities(storage, products) {
  const stored = storage.read('basket');
  const known = new Map(Object.entries(typeof stored === 'object' && stored ? stored : {}));
  return new Map(
    products.map(({ id }, index) => {
      // A new shopper finds one ticket in the basket: there is something to pay at once.
      const quantity = stored === undefined && index === 0 ? 1 : known.get(id);
      const isValid = Number.isInteger(quantity) && quantity >= 0 && quantity <= maxQuantity;
      return [id, isValid ? quantity : 0];
    }),
  );
}
