import type { Mutant } from './mutant.ts';

/** Odd money: what a person is told, and what shoppers paid on top. */
export const attentionMutants: readonly Mutant[] = [
  {
    name: 'fact-told-twice',
    rule: 'a fact is put before a person once',
    edits: [
      {
        file: 'src/repositories/attention-items.ts',
        text: 'and $6 = any (string_to_array(detail, chr(10))))',
        replacement: "and $6 = '')",
      },
    ],
    tests: ['test/gateway/attention.test.ts'],
  },
  {
    name: 'resolved-fact-comes-back',
    rule: 'what a person is done with stays so',
    edits: [
      {
        file: 'src/repositories/attention-items.ts',
        text: "and resolved_by is distinct from 'kassa'",
        replacement: 'and resolved_at is null',
      },
    ],
    tests: ['test/gateway/attention.test.ts'],
  },
  {
    name: 'resolution-overwritten',
    rule: 'I16 the first note of a person stays',
    edits: [
      {
        file: 'src/repositories/attention-items.ts',
        text: 'where tenant_id = $1 and id = $2 and resolved_at is null`',
        replacement: 'where tenant_id = $1 and id = $2`',
      },
    ],
    tests: ['test/gateway/attention.test.ts'],
  },
  {
    name: 'late-money-not-flagged',
    rule: 'I1 money that arrives after the end is put before a person',
    edits: [
      {
        file: 'src/domain/payment-states.ts',
        text: "if (mayStartAgain(status)) reasons.push('late-money');",
        replacement: '',
      },
    ],
    tests: ['test/gateway/odd-money.test.ts'],
  },
  {
    name: 'chargeback-not-flagged',
    rule: 'a chargeback is put before a person',
    edits: [
      {
        file: 'src/domain/payment-states.ts',
        text: "if (to === 'disputed') reasons.push('charged-back');",
        replacement: '',
      },
    ],
    tests: ['test/gateway/odd-money.test.ts'],
  },
  {
    name: 'reversal-not-flagged',
    rule: 'a settlement that is taken back is put before a person',
    edits: [
      {
        file: 'src/domain/payment-states.ts',
        text: "if (hasMoney(status) && to === 'failed') reasons.push('reversed');",
        replacement: '',
      },
    ],
    tests: ['test/gateway/odd-money.test.ts'],
  },
  {
    name: 'settled-double-payment-stays',
    rule: 'a double payment leaves the list once one was given back',
    edits: [
      {
        file: 'src/services/attention.ts',
        text: 'if (hadMoney && !hasMoneyNow && keeping.length < 2) {',
        replacement: 'if (keeping.length < 0) {',
      },
    ],
    tests: ['test/gateway/second-attempts.test.ts'],
  },
  {
    name: 'held-card-forgotten',
    rule: 'a held card stays before a person while another attempt pays',
    edits: [
      {
        file: 'src/services/observations.ts',
        text: 'if (isHeld && payment.transactionId === observation.transactionId) {',
        replacement: 'if (isHeld) {',
      },
    ],
    tests: ['test/gateway/second-attempts.test.ts'],
  },
  {
    name: 'further-attempt-under-the-first',
    rule: 'I3 each attempt that paid is refunded, and disputed, by its own row',
    edits: [
      {
        file: 'src/repositories/payments.ts',
        text: 'order by coalesce(provider_transaction_id = $4, false) desc, attempt limit 1',
        replacement: 'order by coalesce(provider_transaction_id = $4, false), attempt limit 1',
      },
    ],
    tests: ['test/gateway/second-attempts.test.ts'],
  },
  {
    name: 'fee-sum-not-checked',
    rule: 'I4 a fee on top adds up, or nothing is changed',
    edits: [
      {
        file: 'src/providers/midtrans/messages.ts',
        text: '=== gross && original + fee === gross;',
        replacement: '=== gross;',
      },
    ],
    tests: ['test/gateway/fees.test.ts'],
  },
  {
    name: 'fee-of-a-message-believed',
    rule: 'I3 what a message says of a fee is not signed',
    edits: [
      {
        file: 'src/providers/midtrans/messages.ts',
        text: 'signature_key: z.string().min(1).max(256),\n',
        replacement:
          'signature_key: z.string().min(1).max(256),\n  extra_info: z.any().optional(),\n  metadata: z.any().optional(),\n',
      },
      {
        file: 'src/providers/midtrans/messages.ts',
        text: 'customerFee: undefined,',
        replacement: 'customerFee: customerFeeIn(message),',
      },
      {
        file: 'src/services/notifications.ts',
        text: 'const { observation } = answer;',
        replacement:
          'const observation = { ...answer.observation, customerFee: claim.customerFee ?? answer.observation.customerFee };',
      },
    ],
    tests: ['test/gateway/fees.test.ts'],
  },
  {
    name: 'known-fee-forgotten',
    rule: 'later books without the fee are about the same payment',
    edits: [
      {
        file: 'src/services/observed-sums.ts',
        text: '(transactionId === payment.transactionId ? payment.customerFee : 0n)',
        replacement: '0n',
      },
    ],
    tests: ['test/gateway/fee-outcomes.test.ts'],
  },
  {
    name: 'fee-of-another-attempt',
    rule: 'a fee belongs to the attempt that it was charged for',
    edits: [
      {
        file: 'src/services/observed-sums.ts',
        text: '(transactionId === payment.transactionId ? payment.customerFee : 0n)',
        replacement: 'payment.customerFee',
      },
    ],
    tests: ['test/gateway/second-attempts.test.ts'],
  },
  {
    name: 'fee-not-flagged',
    rule: 'a fee on top is put before a person',
    edits: [
      {
        file: 'src/services/observations.ts',
        text: 'if (customerFee > 0n && hasMoney(to)) {',
        replacement: 'if (customerFee < 0n) {',
      },
    ],
    tests: ['test/gateway/fees.test.ts'],
  },
  {
    name: 'fee-sold',
    rule: 'I6 a fee on top is no sale',
    edits: [
      {
        file: 'src/domain/ledger.ts',
        text: "'provider_balance', 'customer_fees'],",
        replacement: "'provider_balance', 'sales'],",
      },
    ],
    tests: ['src/domain/ledger.test.ts'],
  },
  {
    name: 'fee-given-back-first',
    rule: 'I6 a refund gives the sale back first, then the fee',
    edits: [
      {
        file: 'src/domain/ledger.ts',
        text: 'const refundedSale = refunded < sold ? refunded : sold;',
        replacement: 'const refundedSale = refunded > fee ? refunded - fee : 0n;',
      },
    ],
    tests: ['src/domain/ledger.test.ts'],
  },
  {
    name: 'fee-in-the-refunds-of-orders',
    rule: 'a refunded fee does not lower the revenue',
    edits: [
      {
        file: 'src/services/order-changes.ts',
        text: 'return refundedAmount < money.amount ? refundedAmount : money.amount;',
        replacement: 'return money.amount < 0n ? 0n : refundedAmount;',
      },
    ],
    tests: ['test/gateway/fee-outcomes.test.ts'],
  },
  {
    name: 'fee-not-captured',
    rule: 'a reserved card is charged with its fee',
    edits: [
      {
        file: 'src/services/order-actions.ts',
        text: 'amount: amount + payment.customerFee',
        replacement: 'amount',
      },
    ],
    tests: ['test/gateway/fee-outcomes.test.ts'],
  },
];
