import { randomUUID } from 'node:crypto';
import { type Body, signatureOf, signed } from '../signature.ts';

type Forgery = (body: Body, serverKey: string) => unknown;
/** Any key but the merchant's own; that it is written here makes forgeries repeatable. */
const foreignKey = 'SB-Mid-server-SOMEBODYELSES0000000000';

/**
 * Forged and damaged notifications, by name. The comments give the vectors of
 * `midtrans-vectors.json` that they match.
 */
const forgeries = {
  'wrong-signature': (body) => ({ ...body, signature_key: '0'.repeat(128) }), // T01
  'foreign-key': (body) => signed(foreignKey, body), // T02
  'amount-reformatted': (body) => ({ ...body, gross_amount: wholeAmount(body) }), // T04
  'numeric-amount': (body) => ({ ...body, gross_amount: Number(wholeAmount(body)) }), // T05
  'numeric-status-code': (body) => ({ ...body, status_code: Number(body.status_code) }), // T07
  'other-order': (body) => ({ ...body, order_id: `${body.order_id}X` }), // T08
  'altered-amount': (body, key) =>
    signed(key, { ...body, gross_amount: `${Number(wholeAmount(body)) + 1}.00` }), // T10
  'pending-as-settlement': (body, key) => ({
    ...signed(key, { ...body, status_code: '201' }),
    transaction_status: 'settlement',
  }), // T11
  'refund-as-settlement': ({ refunds: _list, refund_amount: _sum, ...body }, key) => ({
    ...signed(key, { ...body, status_code: '200' }),
    transaction_status: 'settlement',
  }), // T13
  'missing-signature': (body) => without(body, 'signature_key'), // T14
  'sha256-signature': (body, key) => ({
    ...body,
    signature_key: signatureOf(key, body, 'sha256'),
  }), // T16
  'client-key': (body, key) => ({
    ...body,
    signature_key: signatureOf(key.replace('-server-', '-client-'), body),
  }), // T17
  'missing-order-id': (body) => without(body, 'order_id'), // T19
  'missing-status-code': (body) => without(body, 'status_code'), // T20
  'missing-transaction-status': (body) => without(body, 'transaction_status'), // T22
  'unknown-transaction-status': (body) => ({ ...body, transaction_status: 'succeeded' }), // T23
  'other-currency': (body) => ({ ...body, currency: 'USD' }), // T25
  'empty-body': () => undefined, // T26
  'array-body': (body) => [body], // T28
  'null-body': () => null, // T29
  'array-members': (body) => ({
    ...body,
    order_id: [body.order_id],
    gross_amount: [body.gross_amount],
  }), // T31
  'path-as-transaction-id': (body) => ({
    ...body,
    transaction_id: `../${body.transaction_id}`,
  }), // T32
  'unknown-order': (body, key) => signed(key, { ...body, order_id: `unknown-${randomUUID()}` }), // T34
  'trimmed-order-id': (body, key) => ({
    ...body,
    signature_key: signatureOf(key, { ...body, order_id: `${body.order_id} ` }),
  }), // T35
  'other-merchant': (body) => ({ ...body, merchant_id: 'G999999999' }), // T38
  'exponent-amount': (body, key) =>
    signed(key, { ...body, gross_amount: Number(wholeAmount(body)).toExponential() }), // T40
} satisfies Record<string, Forgery>;

/** T37 repeats a member, which no object can hold, so it is made in the text. */
const duplicateStatus = 'duplicate-status';
export type TamperMode = keyof typeof forgeries | typeof duplicateStatus;
export const tamperModes = [...keysOf(forgeries), duplicateStatus] as const;

/** The text that is sent instead of the genuine body. */
export function tamper(body: Body, serverKey: string, mode: TamperMode): string {
  if (mode === duplicateStatus) {
    return JSON.stringify(body).replace('{', '{"transaction_status":"pending",');
  }
  const forgery: Forgery = forgeries[mode];
  const forged = forgery(body, serverKey);
  return forged === undefined ? '' : JSON.stringify(forged);
}

function keysOf<Name extends string>(record: Record<Name, unknown>): Name[] {
  return Object.keys(record) as Name[]; // the record is a literal, so it has no other keys
}

function wholeAmount(body: Body): string {
  return String(body.gross_amount).replace(/\.00$/, '');
}

function without(body: Body, member: string): Body {
  return Object.fromEntries(Object.entries(body).filter(([name]) => name !== member));
}
