import type { Checkout } from '../checkouts.ts';
import type { Refund } from '../refunds.ts';
import type { Transaction } from '../transactions.ts';

/** How the control API shows a transaction: Midtrans' names, but amounts as whole numbers. */
export function transactionView(transaction: Transaction, refunds: readonly Refund[]) {
  return {
    order_id: transaction.orderId,
    transaction_id: transaction.transactionId,
    merchant_id: transaction.merchantId,
    token: transaction.token,
    status: transaction.status,
    fraud_status: transaction.fraudStatus,
    gross_amount: transaction.grossAmount,
    currency: 'IDR',
    method: transaction.method,
    payment_type: transaction.paymentType,
    created_at: isoTime(transaction.createdAt),
    expires_at: isoTime(transaction.expiresAt),
    settled_at: isoTime(transaction.settledAt),
    refunds: refunds.map((refund) => ({
      refund_key: refund.refundKey,
      amount: refund.amount,
      created_at: isoTime(refund.createdAt),
      confirmed_at: isoTime(refund.confirmedAt),
    })),
  };
}

export function checkoutView(checkout: Checkout) {
  return {
    token: checkout.token,
    merchant_id: checkout.merchantId,
    order_id: checkout.orderId,
    gross_amount: checkout.grossAmount,
    state: checkout.state,
    created_at: isoTime(checkout.createdAt),
    expires_at: isoTime(checkout.expiresAt),
  };
}

function isoTime(moment: number | undefined): string | undefined {
  return moment === undefined ? undefined : new Date(moment).toISOString();
}
