import fc from 'fast-check';
import { expect, test } from 'vitest';
import { paymentStatuses } from './payment-states.ts';
import { isRefundable, refundableOf, refundStatuses } from './refunds.ts';

const amount = fc.bigInt({ min: 0n, max: 1_000n });
const refund = fc.record({ status: fc.constantFrom(...refundStatuses), amount });
const payment = fc.record({
  status: fc.constantFrom(...paymentStatuses),
  capturedAmount: amount,
  refundedAmount: amount,
  lostAmount: amount,
});

test('what is left and what stands never exceed what was captured', () => {
  fc.assert(
    fc.property(payment, fc.array(refund), (paid, refunds) => {
      const left = refundableOf(paid, refunds);
      const standing = refunds
        .filter(({ status }) => status !== 'refused')
        .reduce((sum, each) => sum + each.amount, 0n);

      if (!isRefundable(paid.status)) return left === 0n;
      const { capturedAmount, refundedAmount, lostAmount } = paid;
      if (left === 0n) return true;
      return (
        left > 0n &&
        left + standing + lostAmount <= capturedAmount &&
        left + refundedAmount + lostAmount <= capturedAmount
      );
    }),
  );
});

const paid = {
  status: 'partially_refunded',
  capturedAmount: 100n,
  refundedAmount: 30n,
  lostAmount: 0n,
} as const;

test.each([
  ['the sum has refunds that are not listed', [], 70n],
  ['the sum does not have an accepted one yet', [['accepted', 50n]], 50n],
  ['the sum has the accepted one', [['accepted', 30n]], 70n],
  ['one is in doubt beside the sum', [['unknown', 20n]], 50n],
  [
    'one is on its way',
    [
      ['accepted', 30n],
      ['requested', 70n],
    ],
    0n,
  ],
  [
    'one was refused',
    [
      ['confirmed', 30n],
      ['refused', 70n],
    ],
    70n,
  ],
] as const)('%s', (_name, refunds, left) => {
  expect(
    refundableOf(
      paid,
      refunds.map(([status, each]) => ({ status, amount: each })),
    ),
  ).toBe(left);
});

test('money goes back of payments that have some, and that no bank is arguing about', () => {
  expect(paymentStatuses.filter(isRefundable)).toEqual(['paid', 'partially_refunded']);
});
