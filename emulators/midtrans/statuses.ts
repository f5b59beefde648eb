/** Every state that a transaction can be in, but `failure`, which is not made here. */
export type TransactionStatus =
  | 'pending'
  | 'authorize'
  | 'capture'
  | 'settlement'
  | 'deny'
  | 'cancel'
  | 'expire'
  | 'refund'
  | 'partial_refund'
  | 'chargeback'
  | 'partial_chargeback';
/** The states of the card payments that fraud detection has let through, stopped, or wonders at. */
export type FraudStatus = 'accept' | 'deny' | 'challenge';
type Standing = { status: TransactionStatus; fraudStatus?: FraudStatus | undefined };

const withoutSuccess: readonly TransactionStatus[] = ['pending', 'deny', 'cancel', 'expire'];

/** The shopper has done all there is to do, whatever was given back or taken back since. */
export function isSuccessful(status: TransactionStatus): boolean {
  return !withoutSuccess.includes(status);
}

/** A captured card that waits for a person to approve or deny it. */
export function isChallenged({ status, fraudStatus }: Standing): boolean {
  return status === 'capture' && fraudStatus === 'challenge';
}

/** The `status_code` of a notification. */
export function notificationCode(standing: Standing): string {
  const { status } = standing;
  switch (status) {
    case 'pending':
      return '201';
    case 'capture':
      return isChallenged(standing) ? '201' : '200';
    case 'authorize':
    case 'settlement':
    case 'refund':
    case 'partial_refund':
    case 'chargeback':
    case 'partial_chargeback':
      return '200';
    case 'deny':
    case 'cancel':
    case 'expire':
      return '202';
    default:
      throw new Error(`No code for ${status satisfies never}`);
  }
}

/** The `status_code` of a Core API answer, which differs for what ended without money. */
export function apiCode(standing: Standing): string {
  if (standing.status === 'cancel') return '200';
  if (standing.status === 'expire') return '407';
  return notificationCode(standing);
}
