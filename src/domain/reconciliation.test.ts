import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decide,
  hasMoney,
  type ObservedState,
  observedStates,
  type PaymentStatus,
  paymentStatuses,
} from './payment-states.ts';
import { differencesOf, type OurRefund, type Ours, type Theirs } from './reconciliation.ts';

/** A row of ours as it is when all of its history went well. */
function ours(status: PaymentStatus, overrides: Partial<Ours> = {}): Ours {
  const refunded = { partially_refunded: 40n, refunded: 100n }[status as string] ?? 0n;
  return {
    status,
    transactionId: 'T1',
    amount: 100n,
    currency: 'IDR',
    captured: hasMoney(status) ? 100n : 0n,
    refunded,
    lost: status === 'disputed' ? 100n : 0n,
    isCallRunning: false,
    mayBeThere: true,
    refunds: [],
    ...overrides,
  };
}

function theirs(state: ObservedState, overrides: Partial<Theirs> = {}): Theirs {
  const refunded = { partially_refunded: 40n, refunded: 100n }[state as string];
  return {
    state,
    transactionId: 'T1',
    amount: 100n,
    currency: 'IDR',
    refunded,
    refunds: undefined,
    ...overrides,
  };
}

function aRefund(overrides: Partial<OurRefund> = {}): OurRefund {
  return { key: 'R1', amount: 40n, status: 'accepted', isSettling: false, ...overrides };
}

const whats = (...args: Parameters<typeof differencesOf>) =>
  differencesOf(...args).map(({ what }) => what);

// Every status against everything that the provider can say, in the order of `observedStates`, and
// last "nothing is known". S: the status differs, C: the money that came in, R: the refunds, M: they
// know nothing of it, -: both say the same.
const table: Record<PaymentStatus, string> = {
  //                  pending challenged authorized paid denied expired cancelled part.ref. refunded disputed nothing
  creating:
    '           S      S          S         SC   -      S       S         SCR       SCR      SC       -',
  unknown:
    '            S      S          S         SC   -      S       S         SCR       SCR      SC       -',
  pending:
    '            -      S          S         SC   -      S       S         SCR       SCR      SC       M',
  challenged:
    '         S      -          S         SC   S      S       S         SCR       SCR      SC       M',
  authorized:
    '         S      S          -         SC   S      S       S         SCR       SCR      SC       M',
  paid: '               SC     SC         SC        -    SC     SC      SC        SR        SR       S        M',
  failed:
    '             S      S          S         SC   -      -       -         SCR       SCR      SC       -',
  expired:
    '            S      S          S         SC   -      -       -         SCR       SCR      SC       -',
  cancelled:
    '          S      S          S         SC   -      -       -         SCR       SCR      SC       -',
  partially_refunded:
    ' SC     SC         SC        SR   SC     SC      SC        -         SR       S        M',
  refunded:
    '           SC     SC         SC        SR   SC     SC      SC        SR        -        S        M',
  disputed:
    '           SC     SC         SC        S    SC     SC      SC        SR        SR       -        M',
};
const letters = { status: 'S', captured: 'C', refunded: 'R', missing: 'M' } as const;

const cells = paymentStatuses.flatMap((status) => {
  const expected = table[status].trim().split(/ +/);
  return [...observedStates, undefined].map((state, index) => [status, state, expected[index]]);
}) as [PaymentStatus, ObservedState | undefined, string][];

test.each(cells)('%s here, %s there: %s', (status, state, expected) => {
  const found = whats(ours(status), { about: state && theirs(state) });

  const text = found.map((what) => letters[what as keyof typeof letters]).join('');
  expect(text || '-').toBe(expected);
});

test('whatever news would move is a difference, and none once it has moved', () => {
  for (const status of paymentStatuses) {
    for (const state of observedStates) {
      const known = ours(status);
      const payment = { ...known, capturedAmount: known.captured };
      const decision = decide(payment, { state, transactionId: 'T1' });
      if (decision.kind !== 'move' || decision.to === status) continue;
      expect(whats(known, { about: theirs(state) }), `${status}, ${state}`).toContain('status');
      const moved = whats(ours(decision.to), { about: theirs(state) });
      expect(moved, `${decision.to}, ${state}`).toEqual([]);
    }
  }
});

test('while a call is running nobody can say what should be there', () => {
  for (const state of observedStates) {
    const calling = ours('creating', { isCallRunning: true });
    expect(whats(calling, { about: theirs(state) })).toEqual([]);
  }
});

test('a page on which nobody chose a method is not known there', () => {
  const page = ours('pending', { transactionId: undefined });

  expect(whats(page, { about: undefined })).toEqual([]);
});

test('money that a bank took back was there: the provider has to know it', () => {
  const reversed = ours('failed', { captured: 100n, lost: 100n });

  expect(whats(reversed, { about: undefined })).toEqual(['missing']);
  expect(whats(reversed, { about: theirs('denied') })).toEqual([]);
});

test('the end of an older attempt is not the end of the page', () => {
  const older = { transactionId: 'T0' };

  expect(whats(ours('pending'), { about: theirs('expired', older) })).toEqual([]);
  expect(whats(ours('pending'), { about: theirs('paid', older) })).toContain('status');
});

test('another amount or another currency is all that there is to say', () => {
  expect(differencesOf(ours('pending'), { about: theirs('paid', { amount: 99n }) })).toEqual([
    { what: 'amount', subject: '', ours: '100', theirs: '99' },
  ]);
  expect(differencesOf(ours('pending'), { about: theirs('paid', { currency: 'SEK' }) })).toEqual([
    { what: 'currency', subject: '', ours: 'IDR', theirs: 'SEK' },
  ]);
});

test('a transaction that had the name before our create is not of this order', () => {
  const refused = ours('failed', { mayBeThere: false, transactionId: undefined });

  expect(whats(refused, { about: theirs('paid', { amount: 99n }) })).toEqual([]);
  expect(whats(refused, { about: theirs('pending') })).toEqual([]);
  expect(whats(refused, { about: theirs('paid') })).toEqual(['status', 'captured']);
});

test.each([
  ['paid', ['paid-twice']],
  ['partially_refunded', ['paid-twice']],
  ['disputed', ['paid-twice']],
  ['refunded', []],
  ['pending', []],
  ['denied', []],
] as const)('a second attempt that is %s: %j', (state, expected) => {
  const another = theirs(state, { transactionId: 'T2' });

  expect(whats(ours('paid'), { about: theirs('paid'), another })).toEqual(expected);
});

test('a sum that goes back without a word about the sum is compared by its status alone', () => {
  const part = theirs('partially_refunded', { refunded: undefined });

  expect(whats(ours('partially_refunded'), { about: part })).toEqual([]);
  expect(whats(ours('paid'), { about: theirs('refunded', { refunded: undefined }) })).toEqual([
    'status',
    'refunded',
  ]);
});

test.each<[string, OurRefund[], { amount?: bigint; isConfirmed?: boolean }[], string[]]>([
  ['a refund that is not known here', [], [{}], ['nothing|accepted 40']],
  ['the same refund', [aRefund()], [{}], []],
  [
    'one that the bank confirmed',
    [aRefund()],
    [{ isConfirmed: true }],
    ['accepted 40|confirmed 40'],
  ],
  ['an older copy of the books', [aRefund({ status: 'confirmed' })], [{}], []],
  ['another amount', [aRefund()], [{ amount: 39n }], ['accepted 40|accepted 39']],
  ['one that they do not list', [aRefund()], [], ['accepted 40|nothing']],
  ['one that they do not list yet', [aRefund({ isSettling: true })], [], []],
  ['one that was refused', [aRefund({ status: 'refused' })], [], []],
  [
    'one that was refused, and made',
    [aRefund({ status: 'refused' })],
    [{}],
    ['refused 40|accepted 40'],
  ],
  ['one in doubt that was not made', [aRefund({ status: 'unknown' })], [], []],
  [
    'one in doubt that was made',
    [aRefund({ status: 'unknown' })],
    [{}],
    ['unknown 40|accepted 40'],
  ],
  ['one whose call is running', [aRefund({ status: 'requested', isSettling: true })], [{}], []],
])('%s', (_name, refunds, listed, expected) => {
  const about = theirs('partially_refunded', {
    refunds: listed.map((refund) => ({ key: 'R1', amount: 40n, isConfirmed: false, ...refund })),
  });

  const found = differencesOf(ours('partially_refunded', { refunds }), { about });

  expect(found.map((each) => `${each.ours}|${each.theirs}`)).toEqual(expected);
  for (const { what, subject } of found) expect([what, subject]).toEqual(['refund', 'R1']);
});

test('money in our books that is not in theirs is never in agreement', () => {
  const amount = fc.bigInt({ min: 0n, max: 100n });
  const row = fc.record({ captured: amount, refunded: amount, lost: amount });
  const status = fc.constantFrom(...paymentStatuses);
  const state = fc.constantFrom(...observedStates);
  fc.assert(
    fc.property(status, state, row, (known, said, sums) => {
      if (sums.refunded + sums.lost > sums.captured) return;
      const found = whats(ours(known, sums), { about: theirs(said) });
      const held = sums.captured - (hasMoney(known) ? 0n : sums.refunded + sums.lost);
      const isSame = held === (hasMoney(said) ? 100n : 0n);
      expect(found.includes('captured')).toBe(!isSame);
    }),
  );
});
