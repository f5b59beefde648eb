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
  /** What the shopper is charged, with a fee on top. */
  readonly money: Money;
  /**
   * The part of it that the provider charges on top, in minor units; undefined when it says
   * nothing, as messages do, whose words about it are not signed.
   */
  readonly customerFee: bigint | 'contradictory' | undefined;
  /** Cumulative, in minor units; undefined when the provider did not say. */
  readonly refundedAmount: bigint | undefined;
  readonly method: string | undefined;
  /** Only when the provider was asked: what a message says of single refunds is not signed. */
  readonly books?: RefundBooks;
};

/** The refunds of a transaction as the provider's books list them. */
export type RefundBooks = {
  readonly askedAt: Date;
  /** Undefined when the answer has no list, although something was refunded. */
  readonly refunds: readonly ObservedRefund[] | undefined;
};

export type ObservedRefund = {
  readonly key: string;
  readonly amount: bigint; // minor units
  readonly reason: string | undefined;
  /** The bank has given the money back. */
  readonly isConfirmed: boolean;
};

/** What a provider needs to know to give money back. */
export type RefundIntent = {
  readonly transactionId: string;
  /** The same key again is the same refund. */
  readonly key: string;
  readonly money: Money;
  readonly reason: string | undefined;
};

/** `key-used`: the provider has taken on a refund of this key before. */
export type RefundOutcome =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'key-used' }
  | { readonly kind: 'unknown' };

/** How a cancel or a capture ended. What became of the payment is for its status to say. */
export type ChangeOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly detail: string }
  | { readonly kind: 'unknown' };

export type AttemptsAnswer =
  | { readonly kind: 'found'; readonly attempts: readonly Observation[] }
  | { readonly kind: 'unavailable'; readonly reason: string };

export type StatusAnswer =
  | { readonly kind: 'found'; readonly observation: Observation }
  /** The shopper has not chosen a method yet, or nobody ever will. */
  | { readonly kind: 'not-found' }
  | { readonly kind: 'unavailable'; readonly reason: string };
