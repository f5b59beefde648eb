import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Money } from '../../domain/money.ts';
import type { ObservedState } from '../../domain/payment-states.ts';
import type { Observation, ObservedRefund } from '../payment-provider.ts';

/** PostgreSQL cannot hold NUL, and nothing that Midtrans says has one. */
const text = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\0]*$/, 'may not hold NUL');

/** What notifications and status replies have in common, in Midtrans' words. */
const transactionFields = {
  order_id: text(255).min(1),
  // Newer bank channels use ids that are no UUIDs.
  transaction_id: z.string().regex(/^[A-Za-z0-9-]{1,64}$/),
  transaction_status: text(64).min(1),
  status_code: text(8).min(1),
  gross_amount: text(32).min(1),
  payment_type: text(64).optional(),
  store: text(64).optional(),
  permata_va_number: text(64).optional(),
  va_numbers: z
    .array(z.object({ bank: text(32).optional() }))
    .max(20)
    .optional(),
  fraud_status: text(64).optional(),
  currency: text(8).optional(),
  merchant_id: text(64).optional(),
  refund_amount: text(32).optional(),
  refunds: z
    .array(
      z.object({
        refund_key: text(128).optional(),
        refund_chargeback_id: z.union([z.number(), text(64)]).optional(),
        bank_confirmed_at: text(64).optional(),
        // Read from the books alone: an odd one must not cost the message.
        refund_amount: text(32).optional().catch(undefined),
        reason: text(1_000).optional().catch(undefined),
      }),
    )
    .max(500)
    .optional(),
};

/** A notification: loose on purpose, Midtrans adds members at any time. */
export const Notification = z.object({
  ...transactionFields,
  signature_key: z.string().min(1).max(256),
});
export type Notification = z.infer<typeof Notification>;

const ExtraInfo = z.object({ gross_amount_info: z.unknown() });

/** What the books say. Where they tell of a fee differs: samples have it in `metadata`, the documentation not. */
export const StatusReply = z.object({
  ...transactionFields,
  extra_info: ExtraInfo.optional().catch(undefined),
  metadata: z
    .object({ extra_info: ExtraInfo.optional().catch(undefined) })
    .optional()
    .catch(undefined),
});
export type StatusReply = z.infer<typeof StatusReply>;

const RupiahText = z.union([z.string(), z.number()]).transform(String).refine(isRupiah);
const GrossAmountInfo = z.object({
  original_amount: RupiahText,
  gross_amount: RupiahText,
  customer_imposed_payment_fee: RupiahText,
});

/** All attempts of one order; those that are not understood are left out. */
export const AttemptsReply = z.object({
  transactions: z.array(StatusReply.optional().catch(undefined)).max(100),
});

export const SnapReply = z.object({
  token: z.string().min(1).max(255),
  redirect_url: z.url({ protocol: /^https?$/ }).max(2048),
});

/** What answers a refund, a cancel or a capture; the code inside is the outcome. */
export const ChangeReply = z.object({
  status_code: text(8),
  status_message: text(1_000).optional(),
  refund_key: text(128).optional(),
});
export type ChangeReply = z.infer<typeof ChangeReply>;

/** What ends a hosted page that nobody used. */
export const PageCancelReply = z.object({ canceled_at: z.string() });

/**
 * Which status codes may go with which status (docs.midtrans.com, partly inferred from samples).
 * The signature covers the code but not the status, so a pair that does not fit was edited.
 */
const codesOfStatus: Readonly<Record<string, readonly string[]>> = {
  settlement: ['200'],
  capture: ['200', '201'],
  authorize: ['200'],
  refund: ['200'],
  partial_refund: ['200'],
  chargeback: ['200'],
  partial_chargeback: ['200'],
  pending: ['201', '200'],
  deny: ['202'],
  cancel: ['202', '200'],
  expire: ['202', '407'],
  failure: ['202'],
};

/** Why the parts of a message cannot belong together; undefined when they can. */
export function contradictionIn(message: StatusReply): string | undefined {
  const status = message.transaction_status.toLowerCase(); // DANA writes PENDING
  const codes = codesOfStatus[status];
  if (!codes) return `unknown transaction_status ${status}`;
  if (!codes.includes(message.status_code)) {
    return `status_code ${message.status_code} cannot go with ${status}`;
  }
  const isChallenge = message.fraud_status?.toLowerCase() === 'challenge';
  if (status === 'capture' && message.status_code === '201' && !isChallenge) {
    return 'status_code 201 cannot go with an accepted capture';
  }
  if (!/^\d{1,15}\.\d{2}$/.test(message.gross_amount)) {
    return 'gross_amount is not digits with two decimals';
  }
  if (!isRupiah(message.gross_amount)) return 'gross_amount is not whole rupiah';
  if (message.refund_amount !== undefined && !isRupiah(message.refund_amount)) {
    return 'refund_amount is not whole rupiah';
  }
  if (message.currency !== undefined && message.currency !== 'IDR') {
    return `currency ${message.currency} is not the rupiah`;
  }
  return undefined;
}

/**
 * A message in our words.
 *
 * @throws Error when `contradictionIn` would have named a reason
 */
export function toObservation(message: StatusReply): Observation {
  const contradiction = contradictionIn(message);
  if (contradiction) throw new Error(`Midtrans sent a contradiction: ${contradiction}.`);
  return {
    reference: message.order_id,
    transactionId: message.transaction_id,
    state: toState(message),
    money: toMoney(message.gross_amount),
    customerFee: undefined,
    refundedAmount: toRefundedAmount(message),
    method: methodOf(message),
  };
}

/** As `toObservation`, of a reply to a question of ours: only its list of refunds and its fee count. */
export function toBookedObservation(message: StatusReply, askedAt: Date): Observation {
  const observation = toObservation(message);
  const refunds = refundsIn(message);
  const listed = refunds?.reduce((sum, { amount }) => sum + amount, 0n);
  // A list without a sum is its own sum.
  const { state, refundedAmount = state === 'partially_refunded' ? listed : undefined } =
    observation;
  const customerFee = customerFeeIn(message);
  return { ...observation, customerFee, refundedAmount, books: { askedAt, refunds } };
}

/** The fee that the shopper is charged on top; `contradictory` when its parts do not add up. */
export function customerFeeIn(message: StatusReply): bigint | 'contradictory' | undefined {
  const info =
    message.metadata?.extra_info?.gross_amount_info ?? message.extra_info?.gross_amount_info;
  if (info === undefined || info === null) return undefined;
  const parsed = GrossAmountInfo.safeParse(info);
  if (!parsed.success) return 'contradictory';
  const gross = toMoney(message.gross_amount).amount;
  const original = toMoney(parsed.data.original_amount).amount;
  const fee = toMoney(parsed.data.customer_imposed_payment_fee).amount;
  const isWhole = toMoney(parsed.data.gross_amount).amount === gross && original + fee === gross;
  return isWhole ? fee : 'contradictory';
}

/** The sum of all refunds so far; the same member stands in later messages about other things. */
function toRefundedAmount(message: StatusReply): bigint | undefined {
  const { refund_amount: told, gross_amount } = message;
  switch (toState(message)) {
    case 'refunded':
      return toMoney(told ?? gross_amount).amount;
    case 'partially_refunded':
      return told === undefined ? undefined : toMoney(told).amount;
    default:
      return undefined;
  }
}

/**
 * The single refunds that the books list; undefined when they do not say which ones there are. The
 * list is empty again when the bank refused what Midtrans had accepted.
 */
export function refundsIn(message: StatusReply): ObservedRefund[] | undefined {
  const state = toState(message);
  if (state === 'paid') return [];
  if (state !== 'refunded' && state !== 'partially_refunded') return undefined;
  const listed = message.refunds?.map(toObservedRefund);
  return listed?.every((refund) => refund !== undefined) ? onePerKey(listed) : undefined;
}

/** A refund that stands twice, before and after its bank spoke, is one; the confirmed one says more. */
function onePerKey(listed: readonly ObservedRefund[]): ObservedRefund[] {
  return [...Map.groupBy(listed, ({ key }) => key).values()].flatMap((same) => {
    const says = same.find(({ isConfirmed }) => isConfirmed) ?? same[0];
    return says ? [says] : [];
  });
}

type ListedRefund = NonNullable<StatusReply['refunds']>[number];

function toObservedRefund(refund: ListedRefund): ObservedRefund | undefined {
  const { refund_key, refund_chargeback_id, refund_amount = '', reason } = refund;
  const key = refund_key || (refund_chargeback_id !== undefined && `#${refund_chargeback_id}`);
  if (!key || !isRupiah(refund_amount)) return undefined;
  const { amount } = toMoney(refund_amount);
  return amount > 0n
    ? { key, amount, reason, isConfirmed: Boolean(refund.bank_confirmed_at) }
    : undefined;
}

/** The code that a storefront would have asked for, which says more than the type of the payment. */
function methodOf(message: StatusReply): string | undefined {
  const bank = message.permata_va_number ? 'permata' : message.va_numbers?.[0]?.bank;
  switch (message.payment_type) {
    case 'bank_transfer':
      return bank ? `${bank.toLowerCase()}_va` : message.payment_type;
    case 'cstore':
      return message.store?.toLowerCase() ?? message.payment_type;
    default:
      return message.payment_type;
  }
}

function toState(message: StatusReply): ObservedState {
  const status = message.transaction_status.toLowerCase();
  const fraud = message.fraud_status?.toLowerCase() ?? 'accept';
  switch (status) {
    case 'capture':
    case 'settlement':
      // Success needs fraud_status accept, or none; anything else is held for a person.
      return fraud === 'accept' ? 'paid' : 'challenged';
    case 'authorize':
      return 'authorized';
    case 'pending':
      return 'pending';
    case 'deny':
    case 'failure':
      return 'denied';
    case 'cancel':
      return 'cancelled';
    case 'expire':
      return 'expired';
    case 'refund':
      return 'refunded';
    case 'partial_refund':
      return 'partially_refunded';
    default:
      return 'disputed'; // chargeback, partial_chargeback: `contradictionIn` knows no other
  }
}

/** Midtrans writes whole rupiah, usually with two decimals that are zero. */
function isRupiah(amount: string): boolean {
  return /^\d{1,15}(\.0+)?$/.test(amount);
}

function toMoney(amount: string): Money {
  return { amount: BigInt(amount.split('.')[0] ?? ''), currency: 'IDR' };
}

/**
 * Equal for two copies of one message; Midtrans sends no event id. The second message of a refund
 * differs from the first only in what the bank confirmed.
 */
export function dedupeKeyOf(message: Notification): string {
  const refunds = (message.refunds ?? []).map(
    (refund) =>
      `${refund.refund_key ?? refund.refund_chargeback_id ?? ''}${refund.bank_confirmed_at ? '+' : ''}`,
  );
  const said = [
    message.order_id,
    message.transaction_id,
    message.transaction_status.toLowerCase(),
    message.status_code,
    message.fraud_status,
    message.gross_amount,
    message.refund_amount,
    refunds,
  ];
  return createHash('sha256').update(JSON.stringify(said)).digest('hex');
}
