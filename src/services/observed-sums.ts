import type { AttentionReason } from '../domain/attention.ts';
import { hasMoney, type PaymentStatus } from '../domain/payment-states.ts';
import type { Observation } from '../providers/payment-provider.ts';
import type { Payment } from '../repositories/payments.ts';

// What the sums of an observation mean for a payment: amount, fee on top, refunds.

/** A payment, and what the provider says of it. */
type Observed = { readonly payment: Payment; readonly observation: Observation };

export type Mismatch = { readonly reason: AttentionReason; readonly why: string };

/** Why a provider's transaction cannot be what we asked for; undefined when it can. */
export function mismatchIn(payment: Payment, observation: Observation): Mismatch | undefined {
  const { money, refundedAmount = 0n } = observation;
  const fee = feeOf(payment, observation);
  const reason = 'amount-differs';
  if (money.currency !== payment.money.currency) {
    return { reason, why: 'the currency differs from the order' };
  }
  if (fee === 'contradictory') return { reason, why: 'its fee on top does not add up' };
  if (money.amount !== payment.money.amount + fee) {
    return { reason, why: 'the amount differs from the order' };
  }
  if (refundedAmount > money.amount) {
    return { reason: 'news-that-cannot-be', why: 'more was refunded than paid' };
  }
  return undefined;
}

/** What was charged on top: as the books say, or as they said before of the same transaction. */
export function feeOf(payment: Payment, { transactionId, customerFee }: Observation) {
  return customerFee ?? (transactionId === payment.transactionId ? payment.customerFee : 0n);
}

/** A fee belongs to the attempt that took money, or that has a card reserved or held. */
export function feeAfter({ payment, observation }: Observed, to: PaymentStatus): bigint {
  const fee = feeOf(payment, observation);
  if (fee === 'contradictory') throw new Error('A fee that does not add up was let through.');
  if (hasMoney(to)) return fee;
  if (payment.capturedAmount > 0n) return payment.customerFee;
  return to === 'authorized' || to === 'challenged' ? fee : 0n;
}

/** The payment as it is once those refunds are taken back, of which the books may have had none. */
export function withoutRefund({ payment, observation }: Observed, refusedAmount: bigint): Payment {
  const isReturned = payment.status === 'refunded' || payment.status === 'partially_refunded';
  const left = payment.refundedAmount - refusedAmount;
  const told = observation.refundedAmount ?? 0n;
  const refundedAmount = left > told ? left : told;
  if (!isReturned || refundedAmount >= payment.refundedAmount) return payment;
  return {
    ...payment,
    status: refundedAmount === 0n ? 'paid' : 'partially_refunded',
    refundedAmount,
  };
}

/** The books have less refunded than we do. */
export function isShort({ payment, observation }: Observed): boolean {
  const { state, refundedAmount = state === 'paid' ? 0n : undefined } = observation;
  return refundedAmount !== undefined && refundedAmount < payment.refundedAmount;
}

/** The refunds' sum grows only: messages may come late and in any order. */
export function refundedAfter(payment: Payment, observation: Observation): bigint {
  const observed = observation.refundedAmount ?? payment.refundedAmount;
  return observed > payment.refundedAmount ? observed : payment.refundedAmount;
}
