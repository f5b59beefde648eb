import { expect, test } from 'vitest';
import {
  contradictionIn,
  customerFeeIn,
  dedupeKeyOf,
  Notification,
  refundsIn,
  StatusReply,
  toBookedObservation,
  toObservation,
} from './messages.ts';

function message(overrides: Record<string, unknown> = {}) {
  return Notification.parse({
    order_id: 'A',
    transaction_id: 'T-1',
    transaction_status: 'settlement',
    status_code: '200',
    gross_amount: '150000.00',
    signature_key: 'x',
    payment_type: 'bank_transfer',
    ...overrides,
  });
}

test.each([
  [{ va_numbers: [{ bank: 'bca', va_number: '1' }] }, 'bca_va'],
  [{ permata_va_number: '8562000087926752' }, 'permata_va'],
  [{}, 'bank_transfer'],
  [{ payment_type: 'cstore', store: 'indomaret' }, 'indomaret'],
  [{ payment_type: 'echannel' }, 'echannel'],
  [{ payment_type: 'qris', acquirer: 'gopay' }, 'qris'],
])('%j was paid by %s', (members, method) => {
  expect(toObservation(message(members)).method).toBe(method);
});

const feeInfo = (original: unknown, gross: unknown, fee: unknown) => ({
  gross_amount_info: {
    original_amount: original,
    gross_amount: gross,
    customer_imposed_payment_fee: fee,
  },
});

test.each<[object, bigint | 'contradictory' | undefined]>([
  [{}, undefined],
  [{ metadata: 'text', extra_info: 7 }, undefined],
  [{ metadata: { extra_info: feeInfo('146000.00', '150000.00', '4000.00') } }, 4_000n],
  [{ extra_info: feeInfo('146000.00', '150000.00', '4000.00') }, 4_000n],
  [{ metadata: { shop: 1 }, extra_info: feeInfo(146_000, 150_000, 4_000) }, 4_000n],
  [{ extra_info: feeInfo('150000.00', '150000.00', '0.00') }, 0n],
  [{ extra_info: feeInfo('150000.00', '154000.00', '4000.00') }, 'contradictory'],
  [{ extra_info: feeInfo('146000.00', '160000.00', '4000.00') }, 'contradictory'],
  [{ extra_info: feeInfo('146000.00', '150000.00', '3999.00') }, 'contradictory'],
  [{ extra_info: feeInfo('154000.00', '150000.00', '-4000.00') }, 'contradictory'],
  [{ extra_info: feeInfo('146000.50', '150000.00', '3999.50') }, 'contradictory'],
  [{ extra_info: feeInfo(undefined, '150000.00', '4000.00') }, 'contradictory'],
  [{ extra_info: { gross_amount_info: 'none' } }, 'contradictory'],
  [{ extra_info: { gross_amount_info: null } }, undefined],
])('books with %j tell of a fee of %s', (members, fee) => {
  expect(customerFeeIn(StatusReply.parse({ ...message(), ...members }))).toBe(fee);
});

test('what a message itself says of a fee is not heard', () => {
  const told = message({ extra_info: feeInfo('146000.00', '150000.00', '4000.00') });

  expect(toObservation(told).customerFee).toBeUndefined();
});

test.each([
  ['settlement', '200', 'accept', 'paid'],
  ['settlement', '200', undefined, 'paid'],
  ['capture', '200', 'accept', 'paid'],
  ['capture', '201', 'challenge', 'challenged'],
  ['capture', '200', 'deny', 'challenged'],
  ['authorize', '200', 'accept', 'authorized'],
  ['pending', '201', 'accept', 'pending'],
  ['PENDING', '200', 'accept', 'pending'],
  ['deny', '202', 'deny', 'denied'],
  ['failure', '202', undefined, 'denied'],
  ['cancel', '202', 'accept', 'cancelled'],
  ['expire', '407', 'accept', 'expired'],
  ['refund', '200', 'accept', 'refunded'],
  ['partial_refund', '200', 'accept', 'partially_refunded'],
  ['chargeback', '200', 'accept', 'disputed'],
  ['partial_chargeback', '200', 'accept', 'disputed'],
])('%s with code %s and fraud status %s is %s', (status, code, fraud, state) => {
  const read = message({ transaction_status: status, status_code: code, fraud_status: fraud });

  expect(contradictionIn(read)).toBeUndefined();
  expect(toObservation(read).state).toBe(state);
});

test.each([
  [{ transaction_status: 'succeeded' }, 'unknown transaction_status'],
  [{ status_code: '201' }, 'cannot go with settlement'],
  [{ transaction_status: 'capture', status_code: '201' }, 'accepted capture'],
  [{ gross_amount: '150000' }, 'two decimals'],
  [{ gross_amount: '1e4' }, 'two decimals'],
  [{ gross_amount: '-1.00' }, 'two decimals'],
  [{ gross_amount: '150000.50' }, 'whole rupiah'],
  [{ refund_amount: '0x10' }, 'whole rupiah'],
  [{ currency: 'USD' }, 'not the rupiah'],
])('%j contradicts itself', (members, reason) => {
  expect(contradictionIn(message(members))).toContain(reason);
});

test('the confirmation of a refund is another message, a further copy is the same', () => {
  const refund = { refund_key: 'r1', refund_amount: '5000.00' };
  const first = message({ refunds: [refund] });
  const confirmed = message({ refunds: [{ ...refund, bank_confirmed_at: 'now' }] });

  expect(dedupeKeyOf(first)).toBe(dedupeKeyOf(message({ refunds: [refund] })));
  expect(dedupeKeyOf(first)).not.toBe(dedupeKeyOf(confirmed));
});

const partly = { transaction_status: 'partial_refund', refund_amount: '5000.00' };
const listed = { refund_key: 'r1', refund_amount: '5000.00' };

test('the books list refunds by their keys, and which the bank has confirmed', () => {
  const confirmed = {
    refund_chargeback_id: 2,
    refund_amount: '700',
    bank_confirmed_at: '2026-01-15 10:00:00',
  };
  const books = message({ ...partly, refunds: [{ ...listed, reason: 'broken' }, confirmed] });

  expect(refundsIn(books)).toEqual([
    { key: 'r1', amount: 5_000n, reason: 'broken', isConfirmed: false },
    { key: '#2', amount: 700n, reason: undefined, isConfirmed: true },
  ]);
});

test.each<[string, Record<string, unknown>, bigint | undefined]>([
  ['its sum', { ...partly, refunds: [listed] }, 5_000n],
  ['a list without a sum', { transaction_status: 'partial_refund', refunds: [listed] }, 5_000n],
  ['neither', { transaction_status: 'partial_refund' }, undefined],
  ['that it is all', { transaction_status: 'refund' }, 150_000n],
  ['that nothing went back', {}, undefined],
])('the books tell what went back by %s', (_name, members, sum) => {
  expect(toBookedObservation(message(members), new Date()).refundedAmount).toBe(sum);
});

test('a settled payment has no refunds, whatever stands in its list', () => {
  expect(refundsIn(message({ refunds: [listed] }))).toEqual([]);
});

test.each<[string, Record<string, unknown>]>([
  ['there is none', partly],
  ['one of them has no name', { ...partly, refunds: [listed, { refund_amount: '1.00' }] }],
  ['one of them has no amount', { ...partly, refunds: [listed, { refund_key: 'r2' }] }],
  ['one is of nothing', { ...partly, refunds: [{ ...listed, refund_amount: '0.00' }] }],
  ['one is odd', { ...partly, refunds: [{ ...listed, refund_amount: 5_000 }] }],
  ['money is with the banks', { transaction_status: 'chargeback', refunds: [listed] }],
])('a list says nothing of what went back when %s', (_name, members) => {
  expect(refundsIn(message(members))).toBeUndefined();
});
