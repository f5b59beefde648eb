import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Position, positionAfter, type Transfer, transfersBetween } from './ledger.ts';
import { paymentStatuses } from './payment-states.ts';

const nothing: Position = { captured: 0n, fee: 0n, refunded: 0n, lost: 0n };
const amount = 150_000n;
const fee = 4_000n;

function balanceOf(account: string, transfers: readonly Transfer[]): bigint {
  return transfers.reduce((sum, transfer) => {
    if (transfer.debit === account) return sum + transfer.amount;
    return transfer.credit === account ? sum - transfer.amount : sum;
  }, 0n);
}

test('a payment is owed by the provider and earned by a sale', () => {
  const paid = positionAfter(nothing, { to: 'paid', amount, fee: 0n, refundedAmount: 0n });

  expect(transfersBetween(nothing, paid)).toEqual([
    { kind: 'payment', amount, debit: 'provider_balance', credit: 'sales' },
  ]);
});

test('a second part of a refund posts the part only', () => {
  const before = { captured: amount, fee: 0n, refunded: 50_000n, lost: 0n };
  const after = positionAfter(before, {
    to: 'partially_refunded',
    amount,
    fee: 0n,
    refundedAmount: 80_000n,
  });

  expect(transfersBetween(before, after)).toEqual([
    { kind: 'refund', amount: 30_000n, debit: 'refunds', credit: 'provider_balance' },
  ]);
});

test('a reversal loses what had come in; money that arrives again brings it back', () => {
  const paid = { captured: amount, fee: 0n, refunded: 0n, lost: 0n };
  const reversed = positionAfter(paid, { to: 'failed', amount, fee: 0n, refundedAmount: 0n });
  const again = positionAfter(reversed, { to: 'paid', amount, fee: 0n, refundedAmount: 0n });

  expect(reversed.lost).toBe(amount);
  expect(transfersBetween(reversed, again)).toEqual([
    { kind: 'loss', amount, debit: 'provider_balance', credit: 'losses' },
  ]);
});

test('a fee on top is earned apart from the sale, and given back last', () => {
  const paid = positionAfter(nothing, { to: 'paid', amount, fee, refundedAmount: 0n });
  const partly = { to: 'partially_refunded', amount, fee, refundedAmount: 152_500n } as const;
  const refunded = positionAfter(paid, partly);

  expect(transfersBetween(nothing, paid)).toEqual([
    { kind: 'payment', amount, debit: 'provider_balance', credit: 'sales' },
    { kind: 'fee', amount: fee, debit: 'provider_balance', credit: 'customer_fees' },
  ]);
  expect(transfersBetween(paid, refunded)).toEqual([
    { kind: 'fee', amount: 2_500n, debit: 'customer_fees', credit: 'provider_balance' },
    { kind: 'refund', amount, debit: 'refunds', credit: 'provider_balance' },
  ]);
});

test('a chargeback takes the fee as well', () => {
  const paid = positionAfter(nothing, { to: 'paid', amount, fee, refundedAmount: 0n });
  const disputed = positionAfter(paid, { to: 'disputed', amount, fee, refundedAmount: 0n });

  expect(transfersBetween(paid, disputed)).toEqual([
    { kind: 'loss', amount: amount + fee, debit: 'losses', credit: 'provider_balance' },
  ]);
});

test('whatever happens, the provider owes what came in less what went out', () => {
  const anyMove = fc.record({
    to: fc.constantFrom(...paymentStatuses),
    share: fc.bigInt({ min: 0n, max: 100n }),
    charged: fc.constantFrom(0n, 1n, fee),
  });
  fc.assert(
    fc.property(fc.array(anyMove, { maxLength: 20 }), (moves) => {
      let position = nothing;
      const transfers: Transfer[] = [];
      for (const { to, share, charged } of moves) {
        const refundedAmount = ((amount + charged) * share) / 100n;
        const moved = { to, amount, fee: charged, refundedAmount };
        const next = positionAfter(position, moved);
        transfers.push(...transfersBetween(position, next));
        position = next;
      }

      const kept = position.captured - position.refunded - position.lost;

      expect(balanceOf('provider_balance', transfers)).toBe(kept);
      expect(balanceOf('sales', transfers)).toBe(position.fee - position.captured);
      expect(balanceOf('refunds', transfers)).toBeLessThanOrEqual(amount);
      expect(transfers.every((transfer) => transfer.amount > 0n)).toBe(true);
    }),
  );
});
