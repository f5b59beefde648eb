// @ts-check
/** @import { Language } from './words.js' */

/**
 * An amount in the smallest unit that Kassa counts of its currency, as the API sends it: whole
 * rupiah, hundredths of a krona.
 *
 * @typedef {{ readonly amount: number, readonly currency: string }} Money
 */

/**
 * As a person of that language reads it: `Rp 150.000` (id), `150 000 IDR` (sv), `IDR 150,000` (en).
 * Decimals appear only where there are some.
 *
 * @param {Money} money
 * @param {Language} language
 */
export function formatMoney({ amount, currency }, language) {
  const decimals = decimalsOf(currency);
  const isWhole = amount % 10 ** decimals === 0;
  return new Intl.NumberFormat(language, {
    style: 'currency',
    currency,
    currencyDisplay: language === 'en' ? 'code' : 'symbol',
    minimumFractionDigits: isWhole ? 0 : decimals,
    maximumFractionDigits: decimals,
  }).format(amount / 10 ** decimals); // rounded to its decimals at once: exact up to 15 digits
}

/**
 * ISO 4217 gives the rupiah two decimals; nobody has paid with sen for decades, and Kassa counts
 * whole rupiah.
 *
 * @param {string} currency
 */
export function decimalsOf(currency) {
  if (currency === 'IDR') return 0;
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  return format.resolvedOptions().maximumFractionDigits ?? 2;
}
