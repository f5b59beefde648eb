/** Every state that a transaction can be in; the reference's matrix has more, which are not made here. */
export type TransactionStatus =
  | 'pending'
  | 'capture'
  | 'settlement'
  | 'deny'
  | 'cancel'
  | 'expire'
  | 'refund'
  | 'partial_refund';

const paid: readonly TransactionStatus[] = ['capture', 'settlement', 'refund', 'partial_refund'];

/** The order was paid by this transaction, whatever was given back since. */
export function isPaid(status: TransactionStatus): boolean {
  return paid.includes(status);
}

/** The `status_code` of a notification. */
export function notificationCode(status: TransactionStatus): string {
  switch (status) {
    case 'pending':
      return '201';
    case 'capture':
    case 'settlement':
    case 'refund':
    case 'partial_refund':
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
export function apiCode(status: TransactionStatus): string {
  if (status === 'cancel') return '200';
  if (status === 'expire') return '407';
  return notificationCode(status);
}
