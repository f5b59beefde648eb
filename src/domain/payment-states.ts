import type { AttentionReason } from './attention.ts';

/**
 * The one transition table of payments and orders. Pure: whoever learned something (create,
 * notification, check) asks here what it means, and nobody else decides.
 */

/** A payment is one attempt to pay an order at one provider. */
export const paymentStatuses = [
  'creating', // the intent is written, the provider's answer is not
  'unknown', // the provider may or may not have executed the call
  'pending', // the shopper can pay
  'challenged', // captured, held by fraud screening until a person decides
  'authorized', // the card is reserved, not charged
  'paid',
  'failed', // refused at creation, or paid and taken back by the bank
  'expired',
  'cancelled',
  'partially_refunded',
  'refunded',
  'disputed', // charged back, wholly or in part
] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];

export const orderStatuses = [
  'pending',
  'paid',
  'failed',
  'expired',
  'cancelled',
  'partially_refunded',
  'refunded',
  'disputed',
] as const satisfies readonly PaymentStatus[];
export type OrderStatus = (typeof orderStatuses)[number];

/** What has become of money that came in. */
export const moneyStatuses = ['paid', 'partially_refunded', 'refunded', 'disputed'] as const;
const heldStatuses = ['challenged', 'authorized'] as const;

/**
 * Where a payment may go from where it is, whoever moves it: the call that made it, what the
 * provider says, or its time. A sum that changes under the same status is no transition.
 */
export const paymentTransitions: Readonly<Record<PaymentStatus, readonly PaymentStatus[]>> = {
  creating: [
    'unknown',
    'pending',
    'failed',
    'expired',
    'cancelled',
    ...heldStatuses,
    ...moneyStatuses,
  ],
  // A further call to the provider begins where the last one did.
  unknown: ['creating', 'pending', 'expired', 'cancelled', ...heldStatuses, ...moneyStatuses],
  pending: ['expired', 'cancelled', ...heldStatuses, ...moneyStatuses],
  // The bank's refusal ends the attempt; on the page the shopper may make another one.
  challenged: ['pending', 'authorized', 'expired', 'cancelled', ...moneyStatuses],
  authorized: ['pending', 'challenged', 'expired', 'cancelled', ...moneyStatuses],
  paid: ['failed', 'cancelled', 'partially_refunded', 'refunded', 'disputed'],
  // Money comes late, and is not turned away.
  failed: [...heldStatuses, ...moneyStatuses],
  expired: [...heldStatuses, ...moneyStatuses],
  cancelled: [...heldStatuses, ...moneyStatuses],
  // Backwards when a bank refuses a refund that the provider had accepted.
  partially_refunded: ['paid', 'refunded', 'disputed'],
  refunded: ['paid', 'partially_refunded', 'disputed'],
  disputed: [],
};

/** What a provider says about one of its transactions, in our words. */
export const observedStates = [
  'pending',
  'challenged',
  'authorized',
  'paid',
  'denied', // this attempt ended; the shopper may make another one on the same page
  'expired',
  'cancelled',
  'partially_refunded',
  'refunded',
  'disputed',
] as const;
export type ObservedState = (typeof observedStates)[number];

export type Decision =
  | {
      readonly kind: 'move';
      readonly to: PaymentStatus;
      readonly attention: readonly AttentionReason[];
    }
  | { readonly kind: 'stay'; readonly why: string }
  /** Another attempt on the same page took money, or a card: it is a payment of its own. */
  | { readonly kind: 'further' }
  | { readonly kind: 'illegal'; readonly why: string };

type Known = {
  readonly status: PaymentStatus;
  readonly transactionId: string | undefined;
  /** What came in, whatever became of it; in minor units. */
  readonly capturedAmount: bigint;
};
type Observed = { readonly state: ObservedState; readonly transactionId: string };

/** Decides what an observation means for a payment. Total over both unions. */
export function decide(payment: Known, observed: Observed): Decision {
  const isSameAttempt =
    payment.transactionId === undefined || payment.transactionId === observed.transactionId;
  switch (payment.status) {
    case 'creating':
    case 'unknown':
    case 'pending':
    case 'challenged':
    case 'authorized':
      return decideOpen(payment.status, observed.state, isSameAttempt);
    case 'paid':
      return decidePaid(observed.state, isSameAttempt);
    case 'failed':
    case 'expired':
    case 'cancelled':
      // Its money was taken back, and its refunds are its own: another attempt is another payment.
      return payment.capturedAmount > 0n && !isSameAttempt && isWorth(observed.state)
        ? { kind: 'further' }
        : decideEnded(payment.status, observed.state);
    case 'partially_refunded':
    case 'refunded':
    case 'disputed':
      return decideReturned(payment.status, observed.state, isSameAttempt);
    default:
      return payment.status satisfies never;
  }
}

function decideOpen(
  status: PaymentStatus,
  observed: ObservedState,
  isSameAttempt: boolean,
): Decision {
  if (observed === 'denied') {
    // A refusal ends the attempt, never the page: Snap lets the shopper choose again.
    return isSameAttempt && (status === 'challenged' || status === 'authorized')
      ? moveFrom(status, 'pending')
      : { kind: 'stay', why: 'one attempt was denied' };
  }
  if ((observed === 'expired' || observed === 'cancelled') && !isSameAttempt) {
    return { kind: 'stay', why: 'another attempt ended' };
  }
  if (observed === 'pending' && (status === 'challenged' || status === 'authorized')) {
    return { kind: 'stay', why: 'older than what is known' };
  }
  // Another attempt that is reserved or held is the one to capture or cancel from now on.
  const isKnown = observed === status && (isSameAttempt || observed === 'pending');
  return isKnown ? { kind: 'stay', why: 'known already' } : moveFrom(status, observed);
}

function decidePaid(observed: ObservedState, isSameAttempt: boolean): Decision {
  if (!isSameAttempt) return decideOther(observed);
  switch (observed) {
    case 'paid':
      return { kind: 'stay', why: 'known already' };
    case 'pending':
    case 'challenged':
    case 'authorized':
      return { kind: 'stay', why: 'older than what is known' };
    case 'denied':
      return moveFrom('paid', 'failed');
    case 'expired':
      return { kind: 'illegal', why: 'a paid payment cannot expire' };
    case 'cancelled':
    case 'partially_refunded':
    case 'refunded':
    case 'disputed':
      return moveFrom('paid', observed);
    default:
      return observed satisfies never;
  }
}

function decideEnded(status: PaymentStatus, observed: ObservedState): Decision {
  switch (observed) {
    case 'paid':
    case 'challenged':
    case 'authorized':
    case 'partially_refunded':
    case 'refunded':
    case 'disputed':
      return moveFrom(status, observed);
    case 'pending':
    case 'denied':
    case 'expired':
    case 'cancelled':
      return { kind: 'stay', why: `the payment is ${status}` };
    default:
      return observed satisfies never;
  }
}

function decideReturned(
  status: PaymentStatus,
  observed: ObservedState,
  isSameAttempt: boolean,
): Decision {
  if (!isSameAttempt) return decideOther(observed);
  if (observed === 'paid') {
    return { kind: 'illegal', why: `a ${status} payment does not become paid again` };
  }
  if (observed === 'disputed' && status !== 'disputed') return moveFrom(status, 'disputed');
  if (status === 'partially_refunded') {
    // The same word again may carry a larger sum, so it is a move and the sums are compared.
    if (observed === 'partially_refunded' || observed === 'refunded') {
      return moveFrom(status, observed);
    }
  }
  return { kind: 'stay', why: `the payment is ${status}` };
}

/** It is money, or can become some without the shopper. */
function isWorth(observed: ObservedState): boolean {
  return hasMoney(observed) || observed === 'challenged' || observed === 'authorized';
}

/** What another attempt means for a payment that has money, or had it and gave it back. */
function decideOther(observed: ObservedState): Decision {
  return hasMoney(observed) ? { kind: 'further' } : { kind: 'stay', why: 'another attempt' };
}

function moveFrom(status: PaymentStatus, to: PaymentStatus): Decision {
  return { kind: 'move', to, attention: attentionTo(status, to) };
}

/** What a person has to be told of a move. */
function attentionTo(status: PaymentStatus, to: PaymentStatus): AttentionReason[] {
  const reasons: AttentionReason[] = [];
  if (mayStartAgain(status)) reasons.push('late-money');
  if (to === 'challenged') reasons.push('fraud-hold');
  if (to === 'disputed') reasons.push('charged-back');
  if (hasMoney(status) && to === 'failed') reasons.push('reversed');
  return reasons;
}

/** The provider may still turn it into money: its end is awaited, and asked for. */
export function isOpen(status: PaymentStatus): boolean {
  return ['creating', 'unknown', 'pending', 'challenged', 'authorized'].includes(status);
}

/** After these the same order may be paid by a new payment. */
export function mayStartAgain(status: PaymentStatus): boolean {
  return status === 'failed' || status === 'expired' || status === 'cancelled';
}

/** What an order is called while its payment has that status. */
export function orderStatusOf(status: PaymentStatus): OrderStatus {
  switch (status) {
    case 'creating':
    case 'unknown':
    case 'challenged':
    case 'authorized':
      return 'pending';
    default:
      return status;
  }
}

/** Money has come in, whatever became of it later. */
export function hasMoney(status: PaymentStatus | ObservedState): boolean {
  return moneyStatuses.some((known) => known === status);
}

type Stand = { readonly status: PaymentStatus; readonly capturedAmount: bigint };

/** What says most about an order that has money, best first. */
const kept = ['paid', 'partially_refunded', 'disputed', 'refunded'] as const;

/**
 * What an order is, given all its payments, newest first, and the payment that says so: the one
 * whose money it has; else one that can still be paid; else one whose money was taken back; else
 * the newest.
 */
export function orderStandOf<P extends Stand>(
  payments: readonly P[],
): { readonly status: OrderStatus; readonly payment: P } {
  const decisive =
    kept.map((status) => payments.find((payment) => payment.status === status)).find(Boolean) ??
    payments.find(({ status }) => isOpen(status)) ??
    payments.find(({ capturedAmount }) => capturedAmount > 0n) ??
    payments[0];
  if (!decisive) throw new Error('An order has at least one payment.');
  return { status: orderStatusOf(decisive.status), payment: decisive };
}
