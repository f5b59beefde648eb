// @ts-check
/** @import { Tenant } from './api.js' */
/** @import { Storage } from './storage.js' */
/** @import { Language, Words } from './words.js' */
import { pageAddress, parameter } from './address.js';
import { getTenant } from './api.js';
import { element } from './dom.js';
import { openStorage } from './storage.js';
import { languageOf, languages, wordsOf } from './words.js';

/**
 * What both pages stand on.
 *
 * @typedef {object} Page
 * @property {Tenant} tenant
 * @property {Storage} storage
 * @property {Language} language
 * @property {Words} words
 * @property {HTMLElement} main
 */

/**
 * Learns whose shop this is and draws what surrounds a page; then `draw` fills it.
 *
 * @param {(page: Page) => void} draw
 */
export async function openPage(draw) {
  const main = document.querySelector('main');
  if (!main) throw new Error('The page has no main element.');
  const result = await getTenant();
  if (result.kind !== 'ok') {
    drawFailure(main, () => openPage(draw));
    return;
  }
  const tenant = result.value;
  const storage = openStorage(tenant.slug);
  const language = chooseLanguage(tenant, storage);
  const words = wordsOf(language);
  document.documentElement.lang = language;
  document.title = tenant.name;
  main.before(makeHeader(tenant, { language, words }));
  main.after(makeFooter(words));
  main.replaceChildren();
  main.removeAttribute('aria-busy');
  draw({ tenant, storage, language, words, main });
}

/**
 * What the address asks for, then what this tab saw last (the way back from the payment page
 * carries no language), then the merchant's own.
 *
 * @param {Tenant} tenant
 * @param {Storage} storage
 * @returns {Language}
 */
function chooseLanguage(tenant, storage) {
  const asked = languageOf(parameter('lang'));
  if (asked) storage.write('language', asked);
  return asked ?? languageOf(String(storage.read('language'))) ?? languageOf(tenant.locale) ?? 'en';
}

/**
 * @param {Tenant} tenant
 * @param {Pick<Page, 'language' | 'words'>} page
 */
function makeHeader(tenant, { language, words }) {
  const home = element(
    'a',
    { class: 'merchant', href: pageAddress('/demo'), dir: 'auto' },
    tenant.name,
  );
  const choices = languages.map(({ code, name }) => {
    const orderId = parameter('orderId');
    const link = element(
      'a',
      {
        href: pageAddress(location.pathname, { lang: code, ...(orderId && { orderId }) }),
        lang: code,
        hreflang: code,
      },
      name,
    );
    if (code === language) link.setAttribute('aria-current', 'true');
    return link;
  });
  const nav = element('nav', { class: 'languages', 'aria-label': words.language }, ...choices);
  return element('header', { class: 'top' }, home, nav);
}

/** @param {Words} words */
function makeFooter(words) {
  return element('footer', {}, element('p', {}, words.demoNote));
}

/**
 * Without the tenant its language is not known either; the browser's must do.
 *
 * @param {HTMLElement} main
 * @param {() => Promise<void>} retry
 */
function drawFailure(main, retry) {
  const language = languageOf(parameter('lang')) ?? languageOf(navigator.language) ?? 'en';
  const words = wordsOf(language);
  document.documentElement.lang = language;
  const button = element('button', { type: 'button', class: 'plain' }, words.tryAgain);
  button.addEventListener('click', () => void retry(), { once: true });
  main.removeAttribute('aria-busy');
  main.replaceChildren(
    element(
      'div',
      { class: 'notice bad', role: 'alert' },
      element('p', {}, words.shopUnreachable),
      button,
    ),
  );
}
