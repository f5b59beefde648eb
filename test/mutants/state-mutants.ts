import type { Mutant } from './mutant.ts';

/** What may become of a payment, and of an order that has several. */
export const stateMutants: readonly Mutant[] = [
  {
    name: 'late-money-dropped',
    rule: 'I1 money that arrives after the end is paid, and flagged',
    edits: [
      {
        file: 'src/domain/payment-states.ts',
        text: ': decideEnded(payment.status, observed.state);',
        replacement: ": { kind: 'stay', why: 'it has ended' };",
      },
    ],
    tests: ['src/domain/payment-states.test.ts'],
  },
  {
    name: 'row-of-lost-money-taken-over',
    rule: 'after money that was taken back another attempt is another payment',
    edits: [
      {
        file: 'src/domain/payment-states.ts',
        text: 'payment.capturedAmount > 0n && !isSameAttempt',
        replacement: 'payment.capturedAmount < 0n && !isSameAttempt',
      },
    ],
    tests: ['test/gateway/second-attempts.test.ts'],
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
    tests: ['src/domain/payment-states.test.ts'],
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
    tests: ['src/domain/payment-states.test.ts'],
  },
  {
    name: 'second-attempt-not-a-payment',
    rule: 'I2 a second attempt that paid, too, is a payment of its own',
    edits: [
      {
        file: 'src/domain/payment-states.ts',
        text: "{ kind: 'further' } : {",
        replacement: "{ kind: 'stay', why: 'another attempt paid' } : {",
      },
    ],
    tests: ['test/gateway/second-attempts.test.ts'],
  },
  {
    name: 'second-payment-not-flagged',
    rule: 'I2 a second payment of one order is put before a person',
    edits: [
      {
        file: 'src/services/attention.ts',
        text: 'took.length > 1',
        replacement: 'took.length > 2',
      },
    ],
    tests: ['test/gateway/page-ends.test.ts'],
  },
  {
    name: 'edge-not-checked',
    rule: 'I7 no payment leaves the table, whatever its mover decided',
    edits: [
      {
        file: 'src/services/order-changes.ts',
        text: '!paymentTransitions[payment.status].includes(status)',
        replacement: "payment.id === ''",
      },
    ],
    tests: ['test/gateway/history.test.ts'],
  },
  {
    name: 'edge-forgotten',
    rule: 'I1 the table has a way for money that comes late',
    edits: [
      {
        file: 'src/domain/payment-states.ts',
        text: 'expired: [...heldStatuses, ...moneyStatuses],',
        replacement: 'expired: [...heldStatuses],',
      },
    ],
    tests: ['src/services/observations.test.ts'],
  },
  {
    name: 'end-with-a-way-out',
    rule: 'I7 a chargeback is the end',
    edits: [
      {
        file: 'src/domain/payment-states.ts',
        text: 'disputed: [],\n};',
        replacement: "disputed: ['paid'],\n};",
      },
    ],
    tests: ['src/domain/payment-states.test.ts'],
  },
  {
    name: 'held-card-expires-quietly',
    rule: 'I7 a denied card leaves its page to be paid on',
    edits: [
      {
        file: 'src/domain/payment-states.ts',
        text: "challenged: ['pending', 'authorized',",
        replacement: "challenged: ['authorized',",
      },
    ],
    tests: ['src/services/observations.test.ts'],
  },
  {
    name: 'history-in-the-order-of-beginnings',
    rule: 'I7 the history has things in the order in which they happened',
    edits: [
      {
        file: 'migrations/0009-statistics-by-method.ts',
        text: 'set default clock_timestamp()',
        replacement: 'set default now()',
      },
    ],
    tests: ['test/gateway/history.test.ts'],
  },
];
