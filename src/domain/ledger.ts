import { hasMoney, isOpen, type PaymentStatus } from './payment-states.ts';

/**
 * The accounts of every tenant. What the provider owes the merchant is an asset; sales, refunds
 * and losses explain where it came from and where it went.
 */
export const ledgerAccounts = ['provider_balance', 'sales', 'refunds', 'losses'] as const;
export type LedgerAccount = (typeof ledgerAccounts)[number];

export const transferKinds = ['payment', 'refund', 'loss'] as const;
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
  readonly refunded: bigint;
  /** Charged back, reversed or voided: gone without a refund of ours. */
  readonly lost: bigint;
};

type Moved = {
  readonly to: PaymentStatus;
  readonly amount: bigint;
  readonly refundedAmount: bigint;
};

/** The position of a payment once it has moved. */
export function positionAfter(before: Position, { to, amount, refundedAmount }: Moved): Position {
  if (isOpen(to)) return before;
  if (hasMoney(to)) {
    const lost = to === 'disputed' ? amount - refundedAmount : 0n;
    return { captured: amount, refunded: refundedAmount, lost };
  }
  // It ended without money: what had come in was taken back.
  return { ...before, lost: before.captured - before.refunded };
}

/** The transfers that lead from one position to the next; money that comes back goes the other way. */
export function transfersBetween(before: Position, after: Position): Transfer[] {
  const steps: [TransferKind, bigint, LedgerAccount, LedgerAccount][] = [
    ['payment', after.captured - before.captured, 'provider_balance', 'sales'],
    ['refund', after.refunded - before.refunded, 'refunds', 'provider_balance'],
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
