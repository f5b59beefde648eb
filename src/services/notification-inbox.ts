import type { TenantTx } from '../db/database.ts';
import { decide } from '../domain/payment-states.ts';
import type { MidtransAccount } from '../domain/tenant.ts';
import {
  contradictionIn,
  dedupeKeyOf,
  type Notification,
  toObservation,
} from '../providers/midtrans/messages.ts';
import * as attentionItems from '../repositories/attention-items.ts';
import type { StoredNotification } from '../repositories/notifications.ts';
import * as notifications from '../repositories/notifications.ts';
import * as orders from '../repositories/orders.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';

const testPrefix = 'payment_notif_test_';
const amountFault = 'the amount differs from the order';
export const maxPerHour = 20n;

export type Taken =
  /** The dashboard's test button: it names an order that exists nowhere. */
  | { readonly kind: 'test' }
  | { readonly kind: 'flood' }
  | {
      readonly kind: 'stored';
      readonly stored: StoredNotification;
      readonly payment: Payment | undefined;
    };

/** Stores the message with what can be said of it without asking: unknown, contradictory, or good. */
export async function take(
  tx: TenantTx,
  received: { account: MidtransAccount; message: Notification; text: string },
): Promise<Taken> {
  const { account, message, text } = received;
  const reference = message.order_id;
  const payment = await payments.findByReference(tx, {
    provider: 'midtrans',
    reference,
    transactionId: message.transaction_id,
  });
  if (!payment && reference.startsWith(testPrefix)) return { kind: 'test' };
  const fault = payment && faultIn(message, payment, account);
  // A message that was edited outside its signature must not take the place of the true one.
  const dedupeKey = (fault ? `rejected|${fault}|` : '') + dedupeKeyOf(message);
  const { isKnown, others } = await notifications.countOthers(tx, { reference, dedupeKey });
  if (!isKnown && others >= maxPerHour) {
    // Only the signed members of a message cannot be made up, so one true message could come in
    // endless variations. The provider's books know what is true of them.
    if (payment) await payments.askSoon(tx, payment.id);
    return { kind: 'flood' };
  }
  if (payment && fault === amountFault) await flagAmount(tx, payment, message);
  const stored = await notifications.store(tx, {
    provider: 'midtrans',
    dedupeKey,
    reference,
    paymentId: payment?.id,
    status: statusOf(payment, fault),
    detail: fault,
    body: text,
  });
  return { kind: 'stored', stored, payment };
}

/** The amount is signed, so the account did take another one: this order's name was used twice. */
async function flagAmount(
  tx: TenantTx,
  { id: paymentId, orderId }: Payment,
  { gross_amount }: Notification,
): Promise<void> {
  await orders.lock(tx, orderId);
  const detail = `A signed message reports ${gross_amount}.`;
  await attentionItems.raise(tx, { orderId, paymentId, reason: 'amount-differs', detail });
}

function statusOf(payment: Payment | undefined, fault: string | undefined) {
  if (!payment) return 'unmatched';
  return fault ? 'rejected' : 'received';
}

/** Why a signed message cannot be true; undefined when it may be. */
function faultIn(
  message: Notification,
  payment: Payment,
  account: MidtransAccount,
): string | undefined {
  const contradiction = contradictionIn(message);
  if (contradiction) return contradiction;
  if (message.merchant_id && account.merchantId && message.merchant_id !== account.merchantId) {
    return "merchant_id differs from the tenant's";
  }
  const claim = toObservation(message);
  if (claim.money.currency !== payment.money.currency) return 'the currency differs from the order';
  // More may be a fee on top: only the books can tell, and they are asked.
  if (claim.money.amount < payment.money.amount) return amountFault;
  const decision = decide(payment, claim);
  return decision.kind === 'illegal' ? decision.why : undefined;
}
