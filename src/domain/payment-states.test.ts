import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decide,
  hasMoney,
  isOpen,
  observedStates,
  orderStandOf,
  paymentStatuses,
  paymentTransitions,
} from './payment-states.ts';

const capturedAmount = 0n;
const anyStatus = fc.constantFrom(...paymentStatuses);
const anyState = fc.constantFrom(...observedStates);
const anyTransaction = fc.constantFrom('T-1', 'T-2');

test('every status meets every observation with a decision', () => {
  for (const status of paymentStatuses) {
    for (const state of observedStates) {
      for (const transactionId of [undefined, 'T-1', 'T-2']) {
        const decision = decide(
          { status, transactionId, capturedAmount },
          { state, transactionId: 'T-1' },
        );
        expect(['move', 'stay', 'further', 'illegal']).toContain(decision.kind);
      }
    }
  }
});

test('a second copy of an observation never moves a payment again, but for a larger refund', () => {
  fc.assert(
    fc.property(anyStatus, anyState, anyTransaction, (status, state, transactionId) => {
      const first = decide({ status, transactionId, capturedAmount }, { state, transactionId });
      if (first.kind !== 'move') return;

      const second = decide(
        { status: first.to, transactionId, capturedAmount },
        { state, transactionId },
      );

      if (second.kind === 'move') expect(second.to).toBe(first.to);
    }),
  );
});

test('money that came in is never forgotten without a word from its own attempt', () => {
  fc.assert(
    fc.property(anyState, (state) => {
      const decision = decide(
        { status: 'paid', transactionId: 'T-1', capturedAmount },
        { state, transactionId: 'T-2' },
      );
      expect(decision.kind).toBe(hasMoney(state) ? 'further' : 'stay');
    }),
  );
});

test('a refunded payment never becomes paid again', () => {
  for (const status of ['refunded', 'partially_refunded', 'disputed'] as const) {
    const decision = decide(
      { status, transactionId: 'T', capturedAmount },
      { state: 'paid', transactionId: 'T' },
    );
    expect(decision.kind).toBe('illegal');
  }
});

test('nothing leads out of a chargeback, and what has money is waited for no more', () => {
  const waiting = paymentStatuses.filter((status) => isOpen(status) || status === 'expired');
  for (const status of paymentStatuses.filter(hasMoney)) {
    expect(paymentTransitions[status].filter((to) => waiting.includes(to))).toEqual([]);
  }
  expect(paymentTransitions.disputed).toEqual([]);
});

test('money after the end is taken, and flagged for a person', () => {
  for (const status of ['failed', 'expired', 'cancelled'] as const) {
    const decision = decide(
      { status, transactionId: 'A', capturedAmount },
      { state: 'paid', transactionId: 'B' },
    );
    expect(decision).toMatchObject({ kind: 'move', to: 'paid', attention: ['late-money'] });
  }
});

test('after money that was taken back another attempt is another payment', () => {
  for (const status of ['failed', 'cancelled'] as const) {
    const payment = { status, transactionId: 'A', capturedAmount: 1n };
    for (const state of ['paid', 'authorized', 'challenged', 'refunded'] as const) {
      expect(decide(payment, { state, transactionId: 'B' }).kind).toBe('further');
      expect(decide(payment, { state, transactionId: 'A' }).kind).toBe('move');
    }
    expect(decide(payment, { state: 'pending', transactionId: 'B' }).kind).toBe('stay');
  }
});

test('a denied attempt ends no page', () => {
  for (const status of ['creating', 'unknown', 'pending'] as const) {
    const decision = decide(
      { status, transactionId: undefined, capturedAmount },
      { state: 'denied', transactionId: 'T' },
    );
    expect(decision.kind).toBe('stay');
  }
});

const stand = (...statuses: (typeof paymentStatuses)[number][]) =>
  orderStandOf(statuses.map((status) => ({ status, capturedAmount: 0n }))).status;

test('an order without money is what its newest payment says', () => {
  expect(stand('pending', 'expired')).toBe('pending');
  expect(stand('creating', 'failed')).toBe('pending');
  expect(stand('expired', 'failed')).toBe('expired');
  expect(stand('expired', 'pending')).toBe('pending');
});

test('an order that has money is what became of it, whatever its other payments say', () => {
  fc.assert(
    fc.property(fc.array(anyStatus), anyStatus, (others, newest) => {
      expect(stand(newest, 'paid', ...others)).toBe('paid');
    }),
  );
  expect(stand('refunded', 'expired')).toBe('refunded');
  expect(stand('pending', 'disputed')).toBe('disputed');
});

test('an order whose money was taken back has failed, unless it can be paid again', () => {
  const reversed = { status: 'failed', capturedAmount: 1n } as const;

  const ended = orderStandOf([{ status: 'expired', capturedAmount: 0n }, reversed]);
  const open = orderStandOf([{ status: 'pending', capturedAmount: 0n }, reversed]);

  expect(ended.status).toBe('failed');
  expect(open.status).toBe('pending');
});
