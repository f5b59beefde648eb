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
        text: 'return call.refund.unclearAt',
        replacement: 'return call.refund.providerCalls < 0',
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
    rule: 'I9 a refund whose server died is finished by the sweep',
    edits: [
      {
        file: 'src/services/sweep.ts',
        text: 'listDueRefunds(tx, looksPerTenant),',
        replacement: '[],',
      },
    ],
    tests: ['test/gateway/refund-looks.test.ts'],
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
        file: 'src/services/observed-sums.ts',
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
        text: 'books.askedAt.getTime() - booksLagMs',
        replacement: 'books.askedAt.getTime() + booksLagMs',
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
  {
    name: 'lag-of-refund-forgotten',
    rule: 'I5 books that lack a refund deny it after a while only',
    edits: [
      {
        file: 'src/services/refunds.ts',
        text: "if (listing === 'unsure' || mayLag) return",
        replacement: "if (listing === 'unsure') return",
      },
    ],
    tests: ['test/gateway/refund-lag.test.ts'],
  },
  {
    name: 'silent-books-deny-a-refund',
    rule: 'I5 books that do not answer deny no refund',
    edits: [
      {
        file: 'src/services/refunds.ts',
        text: "if (listing === 'unsure' || mayLag) return",
        replacement: 'if (mayLag) return',
      },
    ],
    tests: ['test/gateway/refund-doubts.test.ts'],
  },
  {
    name: 'part-of-a-list-denies-a-refund',
    rule: 'I5 a list that does not come to its sum denies no refund',
    edits: [
      {
        file: 'src/services/refund-tracking.ts',
        text: '+ amount, 0n) >= refundedAmount;',
        replacement: '+ amount, 0n) >= 0n;',
      },
    ],
    tests: ['test/gateway/refund-take-backs.test.ts'],
  },
  {
    name: 'unanswered-refund-forgotten',
    rule: 'I5 a call without an answer is remembered by its row',
    edits: [
      {
        file: 'src/repositories/refunds.ts',
        text: 'unclear_at = case when $6 then now() else',
        replacement: 'unclear_at = case when $6 then unclear_at else',
      },
    ],
    tests: ['test/gateway/refund-lag.test.ts'],
  },
  {
    name: 'dead-refund-call-forgotten',
    rule: 'I9 who died with a lease may have called until its end',
    edits: [
      {
        file: 'src/repositories/refunds.ts',
        text: 'unclear_at = greatest(unclear_at, lease_until),',
        replacement: '',
      },
    ],
    tests: ['test/gateway/refund-lag.test.ts'],
  },
  {
    name: 'refund-of-gone-money-sent',
    rule: 'I5 nothing is sent for money that is gone by now',
    edits: [
      {
        file: 'src/services/refunds.ts',
        text: 'refund.isRepeatable && isRefundable(payment.status)',
        replacement: 'refund.isRepeatable',
      },
    ],
    tests: ['test/gateway/refund-doubts.test.ts'],
  },
  {
    name: 'accepted-refund-not-followed',
    rule: 'I13 an accepted refund is followed until the bank has spoken',
    edits: [
      {
        file: 'src/services/refunds.ts',
        text: '(await refunds.claim(tx, id, { leaseId, leaseMs })) ?? (await refunds.planFollow(tx, id))',
        replacement: 'await refunds.claim(tx, id, { leaseId, leaseMs })',
      },
    ],
    tests: ['test/gateway/refund-looks.test.ts'],
  },
  {
    name: 'confirmed-refund-taken-back',
    rule: 'I5 what the bank has confirmed stays so',
    edits: [
      {
        file: 'src/services/refund-tracking.ts',
        text: "refund.status === 'confirmed' || refund.status === status",
        replacement: 'refund.status === status',
      },
    ],
    tests: ['test/gateway/refund-books.test.ts'],
  },
  {
    name: 'stalled-refund-unnoticed',
    rule: 'I13 a refund that has had no end for long is put before a person',
    edits: [
      {
        file: 'src/services/refunds.ts',
        text: "await attentionItems.raise(tx, { orderId, paymentId, reason: 'refund-stalled', detail });",
        replacement: '',
      },
    ],
    tests: ['test/gateway/refund-looks.test.ts'],
  },
  {
    name: 'refusal-by-the-bank-unnoticed',
    rule: 'I5 a refund that its bank refused is put before a person',
    edits: [
      {
        file: 'src/services/refund-tracking.ts',
        text: "await flagRefusal(tx, refund, { reason: 'refund-refused-by-bank', words: 'by its bank' });",
        replacement: '',
      },
    ],
    tests: ['test/gateway/refund-books.test.ts'],
  },
];
