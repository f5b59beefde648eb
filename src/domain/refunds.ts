import type { PaymentStatus } from './payment-states.ts';

export const refundStatuses = [
  'requested', // the intent is written, the provider's answer is not
  'unknown', // the provider may or may not have executed the call
  'accepted', // the provider has taken it on; the bank has not spoken
  'confirmed', // the bank has given the money back
  'refused', // by the provider, or later by the bank: nothing went back
] as const;
export type RefundStatus = (typeof refundStatuses)[number];

/**
 * The provider's status may lag behind what its other calls did, and our clocks may differ: for so
 * long after a call its books need not have what came of it.
 */
export const booksLagMs = 30 * 60_000;

/** When a person is told of a refund that has no end. Banks take two weeks, and sometimes more. */
export const refundLimits = { doubtDays: 2, acceptedDays: 30 } as const;

type Refund = { readonly status: RefundStatus; readonly amount: bigint };
type Refundable = {
  readonly status: PaymentStatus;
  readonly capturedAmount: bigint;
  readonly refundedAmount: bigint;
  readonly lostAmount: bigint;
};

/** Only the provider can say whether it was executed. */
export function isInDoubt(status: RefundStatus): boolean {
  return status === 'requested' || status === 'unknown';
}

/** Payments of which money can go back; a disputed one is in the hands of the banks. */
export function isRefundable(status: PaymentStatus): boolean {
  return status === 'paid' || status === 'partially_refunded';
}

/**
 * What may still go back of a payment. The provider's sum may hold refunds that it never listed,
 * and ours such as are not in its sum yet: whichever leaves less counts.
 */
export function refundableOf(payment: Refundable, refunds: readonly Refund[]): bigint {
  if (!isRefundable(payment.status)) return 0n;
  const { capturedAmount, lostAmount, refundedAmount } = payment;
  const inDoubt = sumOf(refunds.filter(({ status }) => isInDoubt(status)));
  const standing = sumOf(refunds.filter(({ status }) => status !== 'refused'));
  const told = refundedAmount + inDoubt;
  const left = capturedAmount - lostAmount - (told > standing ? told : standing);
  return left > 0n ? left : 0n;
}

function sumOf(refunds: readonly Refund[]): bigint {
  return refunds.reduce((sum, { amount }) => sum + amount, 0n);
}
