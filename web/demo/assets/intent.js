// @ts-check
/** @import { Tenant } from './api.js' */
/** @import { Storage } from './storage.js' */
import { dayStamp } from './times.js';

/** @typedef {{ readonly orderId: string, readonly content: string }} Intent */

// Without I, L, O and U, since people read order ids to each other; 32, so that a byte is fair.
const letters = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * The one order id of what the shopper wants now. A double click, a retry and a reload get the
 * same one, so that the server can tell that they mean the same order; another basket or customer
 * gets a new one.
 *
 * @param {Storage} storage
 * @param {Tenant} tenant
 * @param {unknown} wanted everything that makes one order differ from another
 */
export function orderIdFor(storage, tenant, wanted) {
  const content = JSON.stringify(wanted);
  const known = readIntent(storage);
  if (known?.content === content) return known.orderId;
  const orderId = newOrderId(tenant);
  // Kept before it is sent: a reload while the answer is under way must find it.
  storage.write('intent', { orderId, content });
  return orderId;
}

/**
 * Ends an intent, so that the same basket later is a new order.
 *
 * @param {Storage} storage
 * @param {string} orderId
 */
export function endIntent(storage, orderId) {
  if (readIntent(storage)?.orderId === orderId) storage.forget('intent');
  storage.forget(pageOf(orderId));
}

/**
 * Keeps where an order is paid, for the way back to it.
 *
 * @param {Storage} storage
 * @param {{ orderId: string, redirectUrl: string }} page
 */
export function rememberPage(storage, { orderId, redirectUrl }) {
  storage.write(pageOf(orderId), redirectUrl);
}

/**
 * @param {Storage} storage
 * @param {string} orderId
 */
export function findPage(storage, orderId) {
  const url = storage.read(pageOf(orderId));
  return typeof url === 'string' ? url : undefined;
}

/** @param {string} orderId */
function pageOf(orderId) {
  return `page.${orderId}`;
}

/**
 * @param {Storage} storage
 * @returns {Intent | undefined}
 */
function readIntent(storage) {
  const stored = storage.read('intent');
  if (typeof stored !== 'object' || stored === null) return undefined;
  if (!('orderId' in stored && 'content' in stored)) return undefined;
  const { orderId, content } = stored;
  return typeof orderId === 'string' && typeof content === 'string'
    ? { orderId, content }
    : undefined;
}

/**
 * `BF-20261120-7F3K2Q`: the shop's initials, its day, and chance.
 *
 * @param {Tenant} tenant
 */
function newOrderId({ name, slug, timeZone }) {
  const initials = name
    .normalize('NFD')
    .split(/\s+/)
    .map((word) => /[A-Za-z]/.exec(word)?.[0] ?? '')
    .join('')
    .slice(0, 4);
  const prefix = (initials.length > 1 ? initials : slug.slice(0, 2)).toUpperCase();
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  const chance = [...bytes].map((byte) => letters[byte % letters.length]).join('');
  return `${prefix}-${dayStamp(timeZone)}-${chance}`;
}
