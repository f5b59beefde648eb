// @ts-check
import { decimalsOf } from './money.js';

/**
 * @typedef {'short-films' | 'open-air' | 'premiere' | 'festival-pass'
 *   | 'film-music' | 'matinee' | 'gala' | 'season'} ProductId
 */

/**
 * Names and descriptions are in the words of each language; the picture is `art/<id>.svg`.
 *
 * @typedef {{ readonly id: ProductId, readonly rupiah: number }} Product
 */

export const maxQuantity = 10;

/** @type {readonly Product[]} */
const films = [
  { id: 'short-films', rupiah: 75_000 },
  { id: 'open-air', rupiah: 50_000 },
  { id: 'premiere', rupiah: 150_000 },
  { id: 'festival-pass', rupiah: 350_000 },
];

/** @type {readonly Product[]} */
const concerts = [
  { id: 'film-music', rupiah: 295_000 },
  { id: 'matinee', rupiah: 150_000 },
  { id: 'gala', rupiah: 495_000 },
  { id: 'season', rupiah: 1_750_000 },
];

/**
 * What a shop sells is no business of Kassa's, so that the demo keeps it here, by shop.
 *
 * @param {string} slug
 */
export function catalogueOf(slug) {
  return slug === 'goteborg' ? concerts : films;
}

/**
 * In other currencies a thousand rupiah become one: a demo's price must look like a price, not be
 * an exchange rate.
 *
 * @param {Product} product
 * @param {string} currency
 */
export function priceOf({ rupiah }, currency) {
  return currency === 'IDR' ? rupiah : (rupiah / 1000) * 10 ** decimalsOf(currency);
}
