import { hasMoney, type ObservedState, type PaymentStatus } from './payment-states.ts';
import { isInDoubt, type RefundStatus } from './refunds.ts';

/** What can differ between our row of a payment and the provider's books. */
export const differenceKinds = [
  'missing', // they know nothing of it
  'currency',
  'amount', // of the payment itself
  'status',
  'captured', // the money that came in, and was not taken back by a bank
  'refunded', // the sum that went back
  'refund', // a single one
  'paid-twice', // by another attempt on the same page
] as const;
export type DifferenceKind = (typeof differenceKinds)[number];

/** Amounts are texts of minor units. */
export type Difference = {
  readonly what: DifferenceKind;
  /** Which refund, by the provider's key, or which other attempt; empty for all else. */
  readonly subject: string;
  readonly ours: string;
  readonly theirs: string;
};

export type OurRefund = {
  readonly key: string;
  readonly amount: bigint;
  readonly status: RefundStatus;
  /** So young that the provider's answer may be from before it, or a call for it is running. */
  readonly isSettling: boolean;
};

export type Ours = {
  readonly status: PaymentStatus;
  readonly transactionId: string | undefined;
  readonly amount: bigint;
  readonly currency: string;
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly lost: bigint;
  /** A call to the provider is under way: nobody can say yet what should be there. */
  readonly isCallRunning: boolean;
  /** A page or a transaction of ours is there, or may be. */
  readonly mayBeThere: boolean;
  readonly refunds: readonly OurRefund[];
};

export type Theirs = {
  readonly state: ObservedState;
  readonly transactionId: string;
  readonly amount: bigint;
  readonly currency: string;
  /** Undefined when they do not say. */
  readonly refunded: bigint | undefined;
  readonly refunds: readonly ListedRefund[] | undefined;
};
type ListedRefund = {
  readonly key: string;
  readonly amount: bigint;
  readonly isConfirmed: boolean;
};

export type Said = {
  /** The transaction that our row goes by, or else the one that counts; undefined: none is known. */
  readonly about: Theirs | undefined;
  /** A second one of the same page. */
  readonly another?: Theirs | undefined;
};

const over = ['denied', 'expired', 'cancelled'] as const;

/** The states that say nothing new of a payment. A denied attempt leaves its page open. */
const agreeing: Readonly<Record<PaymentStatus, readonly ObservedState[]>> = {
  creating: ['denied'],
  unknown: ['denied'],
  pending: ['pending', 'denied'],
  challenged: ['challenged'],
  authorized: ['authorized'],
  paid: ['paid'],
  failed: over,
  expired: over,
  cancelled: over,
  partially_refunded: ['partially_refunded'],
  refunded: ['refunded'],
  disputed: ['disputed'],
};

/** Where our row and the provider's books disagree; nothing when they say the same. */
export function differencesOf(ours: Ours, { about, another }: Said): Difference[] {
  if (ours.isCallRunning) return [];
  const found = about ? differencesFrom(ours, about) : missingIn(ours);
  const isPaidTwice = another && hasMoney(another.state) && another.state !== 'refunded';
  if (!isPaidTwice) return found;
  const { transactionId = 'none' } = ours;
  const second = difference('paid-twice', transactionId, another.transactionId);
  return [...found, { ...second, subject: another.transactionId }];
}

/** Until a method is chosen the provider knows nothing, and of an ended page it need not. */
function missingIn(ours: Ours): Difference[] {
  const { status, transactionId, captured } = ours;
  const isReserved = status === 'challenged' || status === 'authorized';
  const isWaiting = status === 'pending' && transactionId !== undefined;
  const isMissing = hasMoney(status) || captured > 0n || isReserved || isWaiting;
  return isMissing ? [difference('missing', status, 'nothing')] : [];
}

function differencesFrom(ours: Ours, theirs: Theirs): Difference[] {
  const isSame = theirs.amount === ours.amount && theirs.currency === ours.currency;
  if (isForeign(ours, theirs, isSame)) return [];
  if (theirs.currency !== ours.currency) {
    return [difference('currency', ours.currency, theirs.currency)];
  }
  if (!isSame) return amounts('amount', ours.amount, theirs.amount);
  return [
    ...(agree(ours, theirs) ? [] : [difference('status', ours.status, theirs.state)]),
    ...amounts('captured', heldHere(ours), hasMoney(theirs.state) ? theirs.amount : 0n),
    ...amounts('refunded', ours.refunded, refundedThere(theirs) ?? ours.refunded),
    ...refundDifferences(ours, theirs),
  ];
}

/**
 * Our create was refused, because the name was taken by a transaction that is not this order's. If
 * money of the order's own amount comes in under that name, it counts as the order's after all.
 */
function isForeign({ status, mayBeThere }: Ours, { state }: Theirs, isSame: boolean): boolean {
  const hasEnded = status === 'failed' || status === 'expired' || status === 'cancelled';
  return hasEnded && !mayBeThere && !(isSame && hasMoney(state));
}

function agree({ status, transactionId }: Ours, theirs: Theirs): boolean {
  if (agreeing[status].includes(theirs.state)) return true;
  // The end of an older attempt is not the end of the one that the shopper is at.
  const isOther = transactionId !== undefined && transactionId !== theirs.transactionId;
  return status === 'pending' && isOther && ['expired', 'cancelled'].includes(theirs.state);
}

function heldHere({ status, captured, refunded, lost }: Ours): bigint {
  return hasMoney(status) ? captured : captured - refunded - lost;
}

function refundedThere({ state, refunded, amount }: Theirs): bigint | undefined {
  if (state === 'paid') return refunded ?? 0n;
  return state === 'refunded' ? (refunded ?? amount) : refunded;
}

function refundDifferences(ours: Ours, { refunds: listed }: Theirs): Difference[] {
  if (!listed) return [];
  const here = new Map(ours.refunds.map((refund) => [refund.key, refund]));
  const there = new Set(listed.map(({ key }) => key));
  const unlisted = ours.refunds.filter(
    ({ key, status, isSettling }) =>
      !there.has(key) && !isSettling && !isInDoubt(status) && status !== 'refused',
  );
  return [
    ...listed.flatMap((refund) => listedDifference(here.get(refund.key), refund)),
    ...unlisted.map((refund) => ({
      ...difference('refund', `${refund.status} ${refund.amount}`, 'nothing'),
      subject: refund.key,
    })),
  ];
}

function listedDifference(ours: OurRefund | undefined, theirs: ListedRefund): Difference[] {
  const status = theirs.isConfirmed ? 'confirmed' : 'accepted';
  // What the bank has confirmed stays so, whatever an older copy of the books says.
  const isKnown = ours && (ours.status === status || ours.status === 'confirmed');
  if (ours && ((isKnown && ours.amount === theirs.amount) || ours.isSettling)) return [];
  const here = ours ? `${ours.status} ${ours.amount}` : 'nothing';
  return [{ ...difference('refund', here, `${status} ${theirs.amount}`), subject: theirs.key }];
}

function amounts(what: DifferenceKind, ours: bigint, theirs: bigint): Difference[] {
  return ours === theirs ? [] : [difference(what, `${ours}`, `${theirs}`)];
}

function difference(what: DifferenceKind, ours: string, theirs: string): Difference {
  return { what, subject: '', ours, theirs };
}
