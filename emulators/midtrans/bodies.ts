import type { Account, Accounts } from './accounts.ts';
import type { Checkouts } from './checkouts.ts';
import { jakartaTime } from './clock.ts';
import { type Refund, type Refunds, refundedOf } from './refunds.ts';
import { type Body, signed } from './signature.ts';
import { apiCode, isSuccessful, notificationCode } from './statuses.ts';
import type { Transaction } from './transactions.ts';

export type Subject = {
  readonly transaction: Transaction;
  readonly account: Account;
  readonly refunds: readonly Refund[];
  readonly customFields: Readonly<Record<string, string>>;
};

/** Gathers what a body about a transaction is made of. */
export function createSubjects(deps: {
  accounts: Accounts;
  checkouts: Checkouts;
  refunds: Refunds;
}) {
  return function subjectOf(transaction: Transaction): Subject {
    return {
      transaction,
      account: deps.accounts.get(transaction.merchantId),
      refunds: deps.refunds.listOf(transaction.transactionId),
      customFields: deps.checkouts.get(transaction.token).request.customFields,
    };
  };
}
export type Subjects = ReturnType<typeof createSubjects>;

/** What is sent to the merchant when a transaction has changed. */
export function notificationBody(subject: Subject): Body {
  return signed(subject.account.serverKey, {
    ...describe(subject),
    status_message: 'midtrans payment notification',
    status_code: notificationCode(subject.transaction),
  });
}

/** What the Core API answers about a transaction; `code` where the call has one of its own. */
export function coreBody(subject: Subject, message: string, code?: string): Body {
  return signed(subject.account.serverKey, {
    ...describe(subject),
    status_message: message,
    status_code: code ?? apiCode(subject.transaction),
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
    gross_amount: amountText(billed(transaction)),
    ...(fraudStatus !== undefined && { fraud_status: fraudStatus }),
    currency: 'IDR',
    ...transaction.details,
    ...(settledAt !== undefined &&
      isSuccessful(status) && { settlement_time: jakartaTime(settledAt) }),
    ...(expiresAt !== undefined && status === 'pending' && { expiry_time: jakartaTime(expiresAt) }),
    ...describeFee(transaction),
    ...describeRefunds(refunds),
    ...customFields,
  };
}

function describeRefunds(refunds: readonly Refund[]): Body {
  const standing = refunds.filter(({ state }) => state !== 'refused');
  if (standing.length === 0) return {};
  return {
    refund_amount: amountText(refundedOf(refunds)),
    refunds: standing.map((refund) => ({
      // Its place among all of them, so that it keeps its number when an earlier one is refused.
      refund_chargeback_id: refunds.indexOf(refund) + 1,
      refund_amount: amountText(refund.amount),
      created_at: jakartaTime(refund.createdAt),
      ...(refund.reason !== undefined && { reason: refund.reason }),
      refund_key: refund.refundKey,
      ...(refund.decidedAt !== undefined && {
        refund_method: 'online',
        bank_confirmed_at: jakartaTime(refund.decidedAt),
      }),
    })),
  };
}

/** What is or will be taken: less than what was reserved when only a part was captured. */
function billed({ captured, grossAmount }: Transaction): number {
  return captured > 0 ? captured : grossAmount;
}

function describeFee(transaction: Transaction): Body {
  const { fee } = transaction;
  if (fee === 0) return {};
  const info = {
    original_amount: amountText(billed(transaction) - fee),
    gross_amount: amountText(billed(transaction)),
    customer_imposed_payment_fee: amountText(fee),
  };
  return { metadata: { extra_info: { gross_amount_info: info } } };
}
