import type { Money } from '../domain/money.ts';
import type { ObservedState } from '../domain/payment-states.ts';

/** What a provider needs to know to take a payment. */
export type PaymentIntent = {
  /** Our reference; for one that the provider has executed before, the same page or a new one. */
  readonly reference: string;
  readonly money: Money;
  readonly method: string | undefined;
  readonly customer: {
    readonly name: string;
    readonly email: string;
    readonly phone: string | undefined;
  };
  readonly notificationUrl: string;
  readonly returnUrl: string | undefined;
  readonly createdAt: Date;
  readonly expiryMinutes: number;
};

/**
 * How a call ended. `refused`: the provider said no and nothing exists there. `not-executed`: it
 * was never reached. `unknown`: it may or may not have happened, and only asking will tell.
 */
export type CreateOutcome =
  | { readonly kind: 'created'; readonly token: string; readonly redirectUrl: string }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'credentials-refused' }
  | { readonly kind: 'reference-used' }
  | { readonly kind: 'not-executed' }
  | { readonly kind: 'unknown' };

/** One transaction as the provider's books have it. */
export type Observation = {
  readonly reference: string;
  readonly transactionId: string;
  readonly state: ObservedState;
  readonly money: Money;
  /** Cumulative, in minor units; undefined when the provider did not say. */
  readonly refundedAmount: bigint | undefined;
  readonly method: string | undefined;
};

export type StatusAnswer =
  | { readonly kind: 'found'; readonly observation: Observation }
  /** The shopper has not chosen a method yet, or nobody ever will. */
  | { readonly kind: 'not-found' }
  | { readonly kind: 'unavailable'; readonly reason: string };
