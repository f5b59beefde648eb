import type { Account } from './accounts.ts';
import { jakartaTime } from './clock.ts';
import type { Refund } from './refunds.ts';
import { type Body, signed } from './signature.ts';
import { apiCode, isPaid, notificationCode } from './statuses.ts';
import type { Transaction } from './transactions.ts';

export type Subject = {
  readonly transaction: Transaction;
  readonly account: Account;
  readonly refunds: readonly Refund[];
  readonly customFields: Readonly<Record<string, string>>;
};

/** What is sent to the merchant when a transaction has changed. */
export function notificationBody(subject: Subject): Body {
  return signed(subject.account.serverKey, {
    ...describe(subject),
    status_message: 'midtrans payment notification',
    status_code: notificationCode(subject.transaction.status),
  });
}

/** What the Core API answers about a transaction. */
export function coreBody(subject: Subject, message: string): Body {
  return signed(subject.account.serverKey, {
    ...describe(subject),
    status_message: message,
    status_code: apiCode(subject.transaction.status),
  });
}

/** Amounts travel as strings with two decimals, which rupiah do not have. */
export function amountText(amount: number): string {
  return `${amount}.00`;
}

function describe({ transaction, account, refunds, customFields }: Subject): Body {
  const { status, fraudStatus, settledAt, expiresAt } = transaction;
  return {
    transaction_time: jakartaTime(transaction.createdAt),
    transaction_status: status,
    transaction_id: transaction.transactionId,
    payment_type: transaction.paymentType,
    order_id: transaction.orderId,
    merchant_id: account.merchantId,
    gross_amount: amountText(transaction.grossAmount),
    ...(fraudStatus !== undefined && { fraud_status: fraudStatus }),
    currency: 'IDR',
    ...transaction.details,
    ...(settledAt !== undefined && isPaid(status) && { settlement_time: jakartaTime(settledAt) }),
    ...(expiresAt !== undefined && status === 'pending' && { expiry_time: jakartaTime(expiresAt) }),
    ...describeRefunds(refunds),
    ...customFields,
  };
}

function describeRefunds(refunds: readonly Refund[]): Body {
  if (refunds.length === 0) return {};
  const total = refunds.reduce((sum, refund) => sum + refund.amount, 0);
  return {
    refund_amount: amountText(total),
    refunds: refunds.map((refund, index) => ({
      refund_chargeback_id: index + 1,
      refund_amount: amountText(refund.amount),
      created_at: jakartaTime(refund.createdAt),
      ...(refund.reason !== undefined && { reason: refund.reason }),
      refund_key: refund.refundKey,
      ...(refund.confirmedAt !== undefined && {
        refund_method: 'online',
        bank_confirmed_at: jakartaTime(refund.confirmedAt),
      }),
    })),
  };
}
