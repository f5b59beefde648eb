// @ts-check
/** @import { ProductId } from '../catalogue.js' */
/** @import { FieldName, OrderFacts, OrderStatus, StateWords } from '../words.js' */
import { methodNames } from './methods.js';

/** @type {Readonly<Record<ProductId, { name: string, note: string }>>} */
const products = {
  'short-films': { name: 'Short film night', note: 'Nine new films, one evening.' },
  'open-air': { name: 'Open-air cinema', note: 'On the lawn. Bring a mat.' },
  premiere: { name: 'Premiere', note: 'With the director, and a talk afterwards.' },
  'festival-pass': { name: 'Festival pass', note: 'All screens, three days.' },
  'film-music': { name: 'Film music live', note: 'The whole orchestra under the screen.' },
  matinee: { name: 'Family matinée', note: 'One hour, for children from five.' },
  gala: { name: 'New Year gala', note: 'The great themes, in evening dress.' },
  season: { name: 'Season ticket', note: 'Eight concerts, your own seat.' },
};

/** @type {Readonly<Record<FieldName, string>>} */
const fieldErrors = {
  name: 'Write your name.',
  email: 'Write an email address like name@example.com.',
  phone: 'Write a phone number like +62 812 3456 7890, or leave it empty.',
};

/** @type {Readonly<Record<OrderStatus, StateWords>>} */
const states = {
  pending: {
    name: 'Waiting for payment',
    next: ({ merchant }) =>
      `As soon as ${merchant} has your payment, this page says so by itself. You can also close it: the receipt comes by email.`,
  },
  paid: {
    name: 'Paid',
    next: ({ merchant }) =>
      `${merchant} has received your payment. Thank you! The receipt is on its way to you by email.`,
  },
  failed: {
    name: 'Failed',
    next: ({ merchant, orderId }) =>
      `The payment did not go through. You can order again. Has money left your account? Then do not pay again: contact ${merchant} and name order ${orderId}.`,
  },
  expired: {
    name: 'Expired',
    next: ({ merchant, orderId }) =>
      `The time to pay has run out. You can order again. Have you paid already? Then do not pay again: contact ${merchant} and name order ${orderId}.`,
  },
  cancelled: {
    name: 'Cancelled',
    next: () => 'The order was cancelled and nothing more is charged. You can order again.',
  },
  refunded: {
    name: 'Refunded',
    next: ({ refunded, merchant }) =>
      `${merchant} has sent ${refunded} back to you. It can take some days until your bank shows it.`,
  },
  partially_refunded: {
    name: 'Partly refunded',
    next: ({ refunded, merchant }) =>
      `${merchant} has sent ${refunded} back to you. It can take some days until your bank shows it.`,
  },
  disputed: {
    name: 'Disputed',
    next: ({ merchant, orderId }) =>
      `Your bank is looking into this payment. For questions, contact ${merchant} and name order ${orderId}.`,
  },
};

export const en = {
  language: 'Language',
  demoNote: 'This is a demo: nothing is sold and no money moves.',
  tryAgain: 'Try again',
  /** @param {string} requestId */
  requestId: (requestId) => `Request id: ${requestId}`,
  shopUnreachable: 'The shop cannot be reached at the moment. Check your connection and try again.',

  products,
  productsTitle: 'Tickets',
  /** @param {string} product */
  oneMore: (product) => `One more: ${product}`,
  /** @param {string} product */
  oneLess: (product) => `One less: ${product}`,
  /** @param {string} product */
  quantity: (product) => `Quantity: ${product}`,

  checkoutTitle: 'Your order',
  total: 'Total',
  /** @param {number} count */
  tickets: (count) => (count === 1 ? '1 ticket' : `${count} tickets`),
  fields: {
    name: 'Name',
    email: 'Email address',
    phone: 'Phone',
    paymentMethod: 'Payment method',
  },
  optional: 'optional',
  emailHint: 'Your receipt goes here.',
  chooseLater: 'Choose on the payment page',
  fieldErrors,
  basketEmpty: 'Choose at least one ticket.',
  someFieldsWrong: 'Look again at the fields that are marked.',
  /** @param {string} amount */
  pay: (amount) => `Pay ${amount}`,
  opening: 'Opening the payment page…',

  problems: {
    retryable:
      'The payment page could not be opened. Try again: it stays the same order, and you cannot be charged twice.',
    unreachable:
      'The shop did not answer. Check your connection and try again: it stays the same order, and you cannot be charged twice.',
    /** @param {string} merchant */
    closed: (merchant) => `${merchant} cannot take payments at the moment. Nothing was charged.`,
    refused: 'This payment was refused. Nothing was charged. Try another payment method.',
    paid: 'This order is paid already. There is nothing more to pay.',
    invalid: 'The shop could not accept this order. Nothing was charged.',
  },
  seeOrder: 'See the order',

  orderTitle: 'Order',
  states,
  methods: methodNames({ card: 'Card', bankTransfer: 'Bank transfer', shop: 'Convenience store' }),
  labels: {
    order: 'Order',
    method: 'Payment method',
    ordered: 'Ordered',
    payBefore: 'Pay before',
    paidAt: 'Paid',
    customerFee: 'Payment fee',
    refunded: 'Refunded',
  },
  methodOpen: 'Chosen on the payment page',
  /** @param {string} zone */
  zone: (zone) => `Times: ${zone}`,
  payNow: 'Pay now',
  backToShop: 'Back to the shop',
  orderAgain: 'Order again',
  loading: 'Looking up the order…',
  reconnecting: 'We cannot reach the shop right now and go on trying. Your order is safe.',
  noOrderTitle: 'Which order?',
  noOrder: 'This address names no order. Open the link in your email, or go back to the shop.',
  unknownTitle: 'Order not found',
  /** @param {OrderFacts['orderId']} orderId */
  unknownOrder: (orderId) =>
    `There is no order ${orderId} here. Check the link in your email, or go back to the shop.`,
};
