import type { Mutant } from './mutant.ts';

/** How money goes back. */
export const refundMutants: readonly Mutant[] = [
  {
    name: 'refund-without-lock',
    rule: "I5 what is left is read under the order's lock",
    edits: [
      {
        file: 'src/repositories/orders.ts',
        text: 'where tenant_id = $1 and order_id = $2 for update',
        replacement: 'where tenant_id = $1 and order_id = $2',
      },
    ],
    tests: ['test/gateway/refunds.test.ts'],
  },
  {
    name: 'refund-sum-not-checked',
    rule: 'I5 refunds never exceed what was captured',
    edits: [
      {
        file: 'src/domain/refunds.ts',
        text: 'capturedAmount - lostAmount - (told > standing ? told : standing)',
        replacement: 'capturedAmount - lostAmount',
      },
    ],
    tests: ['test/gateway/refunds.test.ts'],
  },
  {
    name: 'refund-in-doubt-not-counted',
    rule: 'I5 a refund in doubt leaves less to refund',
    edits: [
      {
        file: 'src/domain/refunds.ts',
        text: 'sumOf(refunds.filter(({ status }) => isInDoubt(status)))',
        replacement: '0n',
      },
    ],
    tests: ['src/domain/refunds.test.ts'],
  },
  {
    name: 'refund-key-changes',
    rule: 'I5 a repeated call carries the key of the first one',
    edits: [
      {
        file: 'src/services/refunds.ts',
        text: 'key: refund.providerKey,',
        replacement: 'key: refund.providerKey + refund.providerCalls,',
      },
    ],
    tests: ['test/gateway/refund-doubts.test.ts'],
  },
  {
    name: 'refund-key-forgotten',
    rule: 'I5 a key that the provider may have forgotten is not sent again',
    edits: [
      {
        file: 'src/repositories/refunds.ts',
        text: "created_at > now() - interval '6 days' as is_repeatable",
        replacement: 'true as is_repeatable',
      },
    ],
    tests: ['test/gateway/refund-doubts.test.ts'],
  },
  {
    name: 'later-refusal-believed',
    rule: 'I5 a refusal of a later call can be the doing of the first one',
    edits: [
      {
        file: 'src/services/refunds.ts',
        text: 'call.refund.providerCalls === 1',
        replacement: 'call.refund.providerCalls > 0',
      },
    ],
    tests: ['test/gateway/refund-doubts.test.ts'],
  },
  {
    name: 'refund-beside-a-running-one',
    rule: 'I12 one call runs for a refund at a time',
    edits: [
      {
        file: 'src/repositories/refunds.ts',
        text: 'and (lease_until is null or lease_until <= now())',
        replacement: '',
      },
    ],
    tests: ['test/gateway/refund-doubts.test.ts'],
  },
  {
    name: 'refund-not-fenced',
    rule: 'I12 a call that lost its lease does not overrule its successor',
    edits: [
      {
        file: 'src/repositories/refunds.ts',
        text: 'and lease_id = $3`',
        replacement: 'and $3::uuid is not null`',
      },
    ],
    tests: ['test/gateway/refund-doubts.test.ts'],
  },
  {
    name: 'keyed-refund-joins-another',
    rule: 'I10 another key is another refund',
    edits: [
      {
        file: 'src/services/refund-intents.ts',
        text: 'if (isKeyed) return undefined;',
        replacement: '',
      },
    ],
    tests: ['test/gateway/refund-doubts.test.ts'],
  },
  {
    name: 'refund-not-resolved-later',
    rule: 'I9 a refund whose server died is finished by a job',
    edits: [
      {
        file: 'src/services/refund-intents.ts',
        text: "await outbox.add(tx, { topic: 'refund-resolve', payload });",
        replacement: '',
      },
    ],
    tests: ['test/gateway/refund-doubts.test.ts'],
  },
  {
    name: 'refund-key-dropped',
    rule: 'I5 a refund at the provider is one row here',
    edits: [
      {
        file: 'migrations/0008-refunds.ts',
        text: 'constraint refunds_provider_key_key unique (tenant_id, payment_id, provider_key),',
        replacement: '',
      },
    ],
    tests: ['test/database/money-rows.test.ts'],
  },
  {
    name: 'smaller-sum-believed',
    rule: 'I5 a smaller sum of refunds that comes late takes nothing back',
    edits: [
      {
        file: 'src/services/observations.ts',
        text: 'return observed > payment.refundedAmount ? observed : payment.refundedAmount;',
        replacement: 'return observed;',
      },
    ],
    tests: ['test/gateway/notifications.test.ts'],
  },
  {
    name: 'young-books-believed',
    rule: 'I5 books that lag behind a refund do not take it back',
    edits: [
      {
        file: 'src/services/refund-tracking.ts',
        text: 'const graceMs = 30 * 60_000;',
        replacement: 'const graceMs = -60_000;',
      },
    ],
    tests: ['test/gateway/refund-books.test.ts'],
  },
  {
    name: 'impossible-refund-adopted',
    rule: 'I5 a listed refund of more than was paid is not believed',
    edits: [
      {
        file: 'src/services/refund-tracking.ts',
        text: 'if (amount > money.amount) return;',
        replacement: '',
      },
    ],
    tests: ['test/gateway/refund-books.test.ts'],
  },
];
