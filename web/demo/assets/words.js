// @ts-check
/** @import { OrderStatusReply } from '../../../src/contracts/orders.ts' */
/** @import { PaymentMethod } from '../../../src/domain/payment-methods.ts' */
import { en } from './words/en.js';
import { id } from './words/id.js';
import { sv } from './words/sv.js';

/** @typedef {'en' | 'id' | 'sv'} Language */
/** @typedef {OrderStatusReply['order']['status']} OrderStatus */
/** @typedef {'name' | 'email' | 'phone'} FieldName */
/** @typedef {PaymentMethod | 'card' | 'qris'} MethodCode what may be asked for, or is reported */

/**
 * What a sentence may name, as text that is ready to be read.
 *
 * @typedef {object} OrderFacts
 * @property {string} merchant
 * @property {string} orderId
 * @property {string} amount
 * @property {string} refunded
 */

/** @typedef {{ readonly name: string, readonly next: (facts: OrderFacts) => string }} StateWords */

/**
 * The English table is the model: a language that lacks one of its texts does not pass the type
 * check.
 *
 * @typedef {typeof en} Words
 */

/** @type {Readonly<Record<Language, Words>>} */
const tables = { en, id, sv };

/** Each language by its own name, in the order of the switch. */
export const languages = /** @type {const} */ ([
  { code: 'en', name: 'English' },
  { code: 'id', name: 'Indonesia' },
  { code: 'sv', name: 'Svenska' },
]);

/** @param {Language} language */
export function wordsOf(language) {
  return tables[language];
}

/**
 * `sv-SE` is Swedish; undefined for what we do not speak.
 *
 * @param {string | undefined} locale
 * @returns {Language | undefined}
 */
export function languageOf(locale) {
  const asked = locale?.toLowerCase().split(/[-_]/)[0];
  return languages.find(({ code }) => code === asked)?.code;
}

/**
 * The name that a shopper knows the method by; a code that we do not know is shown as given.
 *
 * @param {Words} words
 * @param {string} code
 */
export function methodName(words, code) {
  return new Map(Object.entries(words.methods)).get(code) ?? code;
}
