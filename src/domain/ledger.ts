import { hasMoney, isOpen, type PaymentStatus } from './payment-states.ts';

/**
 * The accounts of every tenant. What the provider owes the merchant is an asset; sales, fees that
 * shoppers paid on top, refunds and losses explain where it came from and where it went.
 */
export const ledgerAccounts = [
  'provider_balance',
  'sales',
  'customer_fees',
  'refunds',
  'losses',
] as const;
export type LedgerAccount = (typeof ledgerAccounts)[number];

export const transferKinds = ['payment', 'fee', 'refund', 'loss'] as const;
export type TransferKind = (typeof transferKinds)[number];

/** One row names both sides, so that the books cannot be out of balance. */
export type Transfer = {
  readonly kind: TransferKind;
  readonly debit: LedgerAccount;
  readonly credit: LedgerAccount;
  readonly amount: bigint; // minor units, above zero
};

/** What became of a payment's money so far, in minor units. */
export type Position = {
  readonly captured: bigint;
  /** The part of what was captured that the shopper paid on top of the order. */
  readonly fee: bigint;
  readonly refunded: bigint;
  /** Charged back, reversed or voided: gone without a refund of ours. */
  readonly lost: bigint;
};

type Moved = {
  readonly to: PaymentStatus;
  readonly amount: bigint;
  readonly fee: bigint;
  readonly refundedAmount: bigint;
};

/** The position of a payment once it has moved. */
export function positionAfter(before: Position, moved: Moved): Position {
  const { to, amount, fee, refundedAmount: refunded } = moved;
  if (isOpen(to)) return before;
  if (hasMoney(to)) {
    const captured = amount + fee;
    return { captured, fee, refunded, lost: to === 'disputed' ? captured - refunded : 0n };
  }
  // It ended without money: what had come in was taken back.
  return { ...before, lost: before.captured - before.refunded };
}

/** The transfers that lead from one position to the next; money that comes back goes the other way. */
export function transfersBetween(before: Position, after: Position): Transfer[] {
  const was = partsOf(before);
  const is = partsOf(after);
  const steps: [TransferKind, bigint, LedgerAccount, LedgerAccount][] = [
    ['payment', is.sold - was.sold, 'provider_balance', 'sales'],
    ['fee', is.keptFee - was.keptFee, 'provider_balance', 'customer_fees'],
    ['refund', is.refundedSale - was.refundedSale, 'refunds', 'provider_balance'],
    ['loss', after.lost - before.lost, 'losses', 'provider_balance'],
  ];
  return steps
    .filter(([, amount]) => amount !== 0n)
    .map(([kind, amount, debit, credit]) =>
      amount > 0n
        ? { kind, amount, debit, credit }
        : { kind, amount: -amount, debit: credit, credit: debit },
    );
}

/** A refund gives the sale back first, then the fee: sales and refunds stay those of the orders. */
function partsOf({ captured, fee, refunded }: Position) {
  const sold = captured - fee;
  const refundedSale = refunded < sold ? refunded : sold;
  return { sold, refundedSale, keptFee: fee - (refunded - refundedSale) };
}
