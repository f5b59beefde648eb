// @ts-check
/** @import { OrderStatusReply } from '../../../src/contracts/orders.ts' */
/** @import { CreatePaymentReply } from '../../../src/contracts/payments.ts' */
/** @import { FieldError } from '../../../src/domain/problems.ts' */
import { pageAddress } from './address.js';

/**
 * @typedef {object} Tenant
 * @property {string} slug
 * @property {string} name
 * @property {string} locale
 * @property {string} currency
 * @property {string} timeZone
 */

/**
 * What a storefront sends. `phone` and `paymentMethod` are left out where the shopper gave none.
 *
 * @typedef {object} PaymentRequest
 * @property {string} orderId
 * @property {number} amount
 * @property {string} email
 * @property {string} name
 * @property {string | undefined} phone
 * @property {string | undefined} paymentMethod
 */

/**
 * Why a request did not succeed. `unreachable`: no answer came, so that nobody knows whether the
 * request arrived.
 *
 * @typedef {object} Failure
 * @property {'problem' | 'unreachable'} kind
 * @property {number} status
 * @property {string} code
 * @property {boolean} isRetryable
 * @property {string | undefined} requestId
 * @property {readonly FieldError[]} errors
 */

/**
 * @template Value
 * @typedef {{ readonly kind: 'ok', readonly value: Value } | Failure} Result
 */

// A create may wait for the provider, and for another request's lease on the same order to end.
const createTimeoutMs = 60_000;
const readTimeoutMs = 10_000;

/** @returns {Promise<Result<Tenant>>} */
export function getTenant() {
  return request('/demo/tenant.json', { signal: AbortSignal.timeout(readTimeoutMs) });
}

/**
 * Safe to repeat with the same content: the server answers the same page.
 *
 * @param {PaymentRequest} payment
 * @returns {Promise<Result<CreatePaymentReply>>}
 */
export function createPayment(payment) {
  return request('/payment/create', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(payment),
    signal: AbortSignal.timeout(createTimeoutMs),
  });
}

/**
 * @param {string} orderId
 * @returns {Promise<Result<OrderStatusReply>>}
 */
export function getOrder(orderId) {
  return request(`/orders/${encodeURIComponent(orderId)}/status`, {
    signal: AbortSignal.timeout(readTimeoutMs),
  });
}

/**
 * @template Value
 * @param {string} path
 * @param {RequestInit} options
 * @returns {Promise<Result<Value>>}
 */
async function request(path, options) {
  try {
    const response = await fetch(pageAddress(path), { ...options, cache: 'no-store' });
    const body = await response.json().catch(() => undefined);
    if (response.ok && body !== undefined) return { kind: 'ok', value: body };
    return toFailure(response, body ?? {});
  } catch {
    return {
      kind: 'unreachable',
      status: 0,
      code: 'unreachable',
      isRetryable: true,
      requestId: undefined,
      errors: [],
    };
  }
}

/**
 * @param {Response} response
 * @param {Partial<{ code: string, retryable: boolean, requestId: string, errors: FieldError[] }>} body
 * @returns {Failure}
 */
function toFailure({ status, headers }, body) {
  return {
    kind: 'problem',
    status,
    // Without a code it is not Kassa that answered but something in front of it.
    code: body.code ?? 'internal-error',
    isRetryable: body.retryable ?? (status >= 500 || status === 429),
    requestId: body.requestId ?? headers.get('X-Request-Id') ?? undefined,
    errors: body.errors ?? [],
  };
}
