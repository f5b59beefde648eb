import { moneyStatuses, type ObservedState, observedStates } from './payment-states.ts';

/** What can become of a transaction later (docs.midtrans.com, transaction status cycle). */
const successors: Readonly<Record<ObservedState, readonly ObservedState[]>> = {
  pending: observedStates,
  challenged: ['paid', 'denied', 'cancelled', 'expired', ...moneyStatuses],
  authorized: ['paid', 'denied', 'cancelled', 'expired', ...moneyStatuses],
  paid: ['denied', 'cancelled', ...moneyStatuses],
  partially_refunded: ['refunded', 'disputed'],
  disputed: [],
  refunded: [],
  denied: [],
  expired: [],
  cancelled: [],
};

/** The provider's books are past what a message about the same transaction tells. */
export function isPast(claimed: ObservedState, observed: ObservedState): boolean {
  return claimed === observed || successors[claimed].includes(observed);
}
