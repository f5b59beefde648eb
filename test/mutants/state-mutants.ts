import type { Mutant } from './mutant.ts';

/** What may become of a payment, and of an order that has several. */
export const stateMutants: readonly Mutant[] = [
  {
    name: 'late-money-dropped',
    rule: 'I1 money that arrives after the end is paid, and flagged',
    edits: [
      {
        file: 'src/domain/payment-states.ts',
        text: 'return decideEnded(payment.status, observed.state);',
        replacement: "return { kind: 'stay', why: 'it has ended' };",
      },
    ],
    tests: ['test/gateway/notifications.test.ts', 'src/domain/payment-states.test.ts'],
  },
  {
    name: 'refunded-becomes-paid',
    rule: 'I7 what was refunded does not become paid again',
    edits: [
      {
        file: 'src/domain/payment-states.ts',
        text: "{ kind: 'illegal', why: `a ",
        replacement: "{ kind: 'move', to: 'paid', why: `a ",
      },
    ],
    tests: ['src/domain/payment-states.test.ts', 'test/gateway/vectors.test.ts'],
  },
  {
    name: 'denial-ends-the-page',
    rule: 'I1 a denied attempt ends no page: the shopper chooses again',
    edits: [
      {
        file: 'src/domain/payment-states.ts',
        text: ": { kind: 'stay', why: 'one attempt was denied' };",
        replacement: ": { kind: 'move', to: 'failed' };",
      },
    ],
    tests: ['src/domain/payment-states.test.ts', 'test/gateway/money-edges.test.ts'],
  },
  {
    name: 'second-attempt-not-flagged',
    rule: 'I2 a second attempt that paid, too, is put before a person',
    edits: [
      {
        file: 'src/domain/payment-states.ts',
        text: "return observed === 'paid'\n      ? { kind: 'stay', why: 'paid twice', attention: 'A second attempt paid the same order.' }",
        replacement: "return observed === 'paid'\n      ? { kind: 'stay', why: 'paid twice' }",
      },
    ],
    tests: ['test/gateway/notifications.test.ts'],
  },
  {
    name: 'second-payment-not-flagged',
    rule: 'I2 a second payment of one order is put before a person',
    edits: [
      {
        file: 'src/services/order-changes.ts',
        text: 'paid.length > 1',
        replacement: 'paid.length > 2',
      },
    ],
    tests: ['test/gateway/page-ends.test.ts'],
  },
];
