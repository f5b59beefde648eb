// @ts-check
/** @import { Language } from './words.js' */

// British English: day before month and 24 hours, which nobody in these countries misreads.
/** @type {Readonly<Record<Language, string>>} */
const dateLocales = { en: 'en-GB', id: 'id', sv: 'sv' };

/**
 * `20 November 2026 at 17:30`; the page names the zone once, by `zoneName`.
 *
 * @param {string} instant
 * @param {string} timeZone
 * @param {Language} language
 */
export function formatInstant(instant, timeZone, language) {
  return new Intl.DateTimeFormat(dateLocales[language], {
    dateStyle: 'long',
    timeStyle: 'short',
    hourCycle: 'h23',
    timeZone,
  }).format(new Date(instant));
}

/**
 * `Western Indonesia Time`; the same in summer and in winter, since one page may show both.
 *
 * @param {string} timeZone
 * @param {Language} language
 */
export function zoneName(timeZone, language) {
  const parts = new Intl.DateTimeFormat(dateLocales[language], {
    timeZone,
    timeZoneName: 'longGeneric',
  }).formatToParts(new Date());
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? timeZone;
}

/**
 * `20261120`: today as the merchant's calendar has it.
 *
 * @param {string} timeZone
 */
export function dayStamp(timeZone) {
  // The Swedish locale writes ISO dates.
  const day = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short' }).format(new Date());
  return day.replaceAll('-', '');
}
