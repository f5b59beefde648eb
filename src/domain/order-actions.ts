import { hasMoney, mayStartAgain, type PaymentStatus } from './payment-states.ts';

/**
 * What a merchant may do to an order that is not a refund. A `cancel` ends what is not paid; a
 * `void`, which merchants ask for as a cancel, takes back a card's money that is not settled yet.
 */
export type OrderActionKind = 'cancel' | 'void' | 'capture';
export type OrderActionStatus = 'requested' | 'done' | 'refused';

/** When a person is told of an action that nobody knows the outcome of. */
export const actionDoubtDays = 2;

type Target = { readonly id: string; readonly status: PaymentStatus };

/** What a merchant calls it. */
export function wordOf(kind: OrderActionKind): 'cancel' | 'capture' {
  return kind === 'capture' ? 'capture' : 'cancel';
}

/** The payment is what the action was to make it, whoever did it. */
export function isDone(kind: OrderActionKind, status: PaymentStatus): boolean {
  // Fraud screening may hold a captured card; a person is told of that when it does.
  return kind === 'capture' ? hasMoney(status) || status === 'challenged' : mayStartAgain(status);
}

/**
 * Why an action that is run again must not be called for any more: its payment, or its order, has
 * become something else since it was chosen.
 */
export function obstacleTo(
  kind: OrderActionKind,
  target: Target,
  all: readonly Target[],
): string | undefined {
  switch (kind) {
    case 'cancel':
      return hasMoney(target.status) ? 'The order was paid meanwhile.' : undefined;
    case 'void':
      return target.status === 'paid' ? undefined : `The payment is ${target.status}.`;
    case 'capture': {
      if (target.status !== 'authorized') return 'The card is not reserved any more.';
      const isPaid = all.some(({ id, status }) => id !== target.id && hasMoney(status));
      return isPaid ? 'The order was paid by another payment.' : undefined;
    }
    default:
      return kind satisfies never;
  }
}
