// @ts-check
/** @import { ProblemCode } from '../../../src/domain/problems.ts' */
/** @import { Failure } from './api.js' */
/** @import { Page } from './page.js' */
import { pageAddress } from './address.js';
import { element } from './dom.js';

/** What a shopper can do nothing about: the merchant has to. */
/** @type {readonly ProblemCode[]} */
const closedCodes = [
  'tenant-inactive',
  'order-quota-exceeded',
  'provider-not-configured',
  'provider-credentials-refused',
];

/**
 * Says what happened to a payment that could not be started, and what to do.
 *
 * @param {Page} page
 * @param {Failure} failure
 * @param {{ orderId: string, onRetry: () => void }} order
 */
export function makePaymentProblem({ tenant, words }, failure, { orderId, onRetry }) {
  const notice = element('div', { class: 'notice bad' }, element('p', {}, sentence()));
  if (mayRetry(failure)) {
    const button = element('button', { type: 'button', class: 'plain' }, words.tryAgain);
    button.addEventListener('click', onRetry);
    notice.append(button);
  }
  if (failure.code === 'order-already-paid') {
    const href = pageAddress('/demo/order', { orderId });
    notice.append(element('p', {}, element('a', { href }, words.seeOrder)));
  } else if (failure.requestId) {
    notice.append(element('p', { class: 'hint' }, words.requestId(failure.requestId)));
  }
  return notice;

  function sentence() {
    const { problems } = words;
    if (failure.kind === 'unreachable') return problems.unreachable;
    if (failure.isRetryable) return problems.retryable;
    if (failure.code === 'order-already-paid') return problems.paid;
    if (failure.code === 'payment-refused') return problems.refused;
    const isClosed = closedCodes.some((code) => code === failure.code);
    return isClosed ? problems.closed(tenant.name) : problems.invalid;
  }
}

/**
 * An id that chance has given to another order is no reason to stop: the next try has a new one.
 *
 * @param {Failure} failure
 */
function mayRetry({ isRetryable, code }) {
  return isRetryable || code === 'order-content-differs';
}
