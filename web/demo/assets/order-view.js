// @ts-check
/** @import { OrderStatusReply } from '../../../src/contracts/orders.ts' */
/** @import { Page } from './page.js' */
/** @import { OrderStatus } from './words.js' */
import { pageAddress } from './address.js';
import { element, setText } from './dom.js';
import { findPage } from './intent.js';
import { formatMoney } from './money.js';
import { formatInstant, zoneName } from './times.js';
import { methodName } from './words.js';

/** @typedef {OrderStatusReply['order']} Order */

/** Always beside the word, never instead of it. */
/** @type {Readonly<Record<OrderStatus, 'waiting' | 'good' | 'bad' | 'over' | 'returned' | 'open'>>} */
const tones = {
  pending: 'waiting',
  paid: 'good',
  failed: 'bad',
  expired: 'over',
  cancelled: 'over',
  refunded: 'returned',
  partially_refunded: 'returned',
  disputed: 'open',
};

/** @type {readonly OrderStatus[]} */
const unsold = ['failed', 'expired', 'cancelled'];

/**
 * One order, drawn in place again and again: what did not change stays untouched, so that a screen
 * reader hears changes alone and nobody loses the focus.
 *
 * @param {Page} page
 * @param {string} orderId
 */
export function createOrderView(page, orderId) {
  const { tenant, storage, language, words, main } = page;
  const trouble = element('div', { role: 'status' });
  const icon = element('span', { class: 'icon', 'aria-hidden': 'true' });
  const state = element('h1', {}, words.loading);
  const next = element('p', { class: 'next' });
  const amount = element('p', { class: 'amount money' });
  const facts = element('dl');
  const zone = element('p', { class: 'hint' });
  const pay = element('a', { class: 'primary', hidden: '' }, words.payNow);
  const shop = element('a', { href: pageAddress('/demo') }, words.backToShop);
  const live = element(
    'div',
    { role: 'status' },
    element('div', { class: 'state' }, icon, state),
    next,
  );
  const actions = element('p', { class: 'actions' }, pay, shop);
  const card = element('article', { class: 'card' }, live, amount, facts, zone, actions);
  main.replaceChildren(trouble, card);
  let shownFacts = '';

  /** @param {Order} order */
  function show(order) {
    trouble.replaceChildren();
    const { name, next: nextOf } = words.states[order.status];
    card.dataset.tone = tones[order.status];
    document.title = `${name} · ${tenant.name}`;
    setText(state, name);
    setText(next, nextOf({ merchant: tenant.name, orderId, ...sums(order) }));
    setText(amount, sums(order).amount);
    showFacts(rows(order));
    setText(zone, words.zone(zoneName(tenant.timeZone, language)));
    showActions(order.status);
  }

  /** @param {[label: string, value: string][]} fresh */
  function showFacts(fresh) {
    const text = JSON.stringify(fresh);
    if (text === shownFacts) return; // somebody may be marking the order id to copy it
    shownFacts = text;
    facts.replaceChildren(...fresh.flatMap(makeRow));
  }

  /** @param {OrderStatus} status */
  function showActions(status) {
    const url = status === 'pending' ? findPage(storage, orderId) : undefined;
    if (url) pay.setAttribute('href', url);
    pay.hidden = !url;
    setText(shop, unsold.includes(status) ? words.orderAgain : words.backToShop);
  }

  /** @param {Order} order */
  function sums({ amount, customerFee, refundedAmount, currency }) {
    return {
      // What the shopper's own bank shows.
      amount: formatMoney({ amount: amount + customerFee, currency }, language),
      fee: formatMoney({ amount: customerFee, currency }, language),
      refunded: formatMoney({ amount: refundedAmount, currency }, language),
    };
  }

  /**
   * @param {Order} order
   * @returns {[label: string, value: string][]}
   */
  function rows(order) {
    const { labels } = words;
    /** @param {string} instant */
    const at = (instant) => formatInstant(instant, tenant.timeZone, language);
    const { paymentMethod, expiresAt, paidAt } = order;
    return [
      [labels.order, order.orderId],
      [labels.method, paymentMethod ? methodName(words, paymentMethod) : words.methodOpen],
      [labels.ordered, at(order.createdAt)],
      ...(expiresAt && order.status === 'pending' ? [row(labels.payBefore, at(expiresAt))] : []),
      ...(paidAt ? [row(labels.paidAt, at(paidAt))] : []),
      ...(order.customerFee > 0 ? [row(labels.customerFee, sums(order).fee)] : []),
      ...(order.refundedAmount > 0 ? [row(labels.refunded, sums(order).refunded)] : []),
    ];
  }

  function showTrouble() {
    if (trouble.hasChildNodes()) return; // said already
    trouble.append(element('p', { class: 'notice' }, words.reconnecting));
  }

  return { show, showTrouble };
}

/**
 * @param {string} label
 * @param {string} value
 * @returns {[label: string, value: string]}
 */
function row(label, value) {
  return [label, value];
}

/** @param {[label: string, value: string]} row */
function makeRow([label, value]) {
  return [element('dt', {}, label), element('dd', {}, value)];
}
