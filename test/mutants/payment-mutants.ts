import type { Mutant } from './mutant.ts';

/** How a payment is made and ended: keys, locks, leases, pages. */
export const paymentMutants: readonly Mutant[] = [
  {
    name: 'order-lock-dropped',
    rule: 'I7 news about one order queues up at its row',
    edits: [
      {
        file: 'src/repositories/orders.ts',
        text: 'where tenant_id = $1 and id = $2 for update',
        replacement: 'where tenant_id = $1 and id = $2',
      },
    ],
    tests: ['test/gateway/notifications.test.ts'],
  },
  {
    name: 'order-key-dropped',
    rule: "I2 the merchant's id is one order",
    edits: [
      {
        file: 'migrations/0003-orders-and-payments.ts',
        text: 'constraint orders_order_id_key unique (tenant_id, order_id),',
        replacement: '',
      },
      {
        file: 'src/repositories/orders.ts',
        text: 'on conflict (tenant_id, order_id) do nothing',
        replacement: 'on conflict (tenant_id, id) do nothing',
      },
    ],
    tests: ['test/gateway/create.test.ts'],
  },
  {
    name: 'reference-key-dropped',
    rule: "I2 the provider's reference is one page",
    edits: [
      {
        file: 'migrations/0012-attention.ts',
        text: 'pgm.sql(`alter table payments add constraint payments_attempt_key\n    unique (tenant_id, provider, provider_reference, attempt)`);',
        replacement: '',
      },
      {
        file: 'src/repositories/payments.ts',
        text: 'on conflict (tenant_id, provider, provider_reference, attempt) do nothing',
        replacement: 'on conflict (tenant_id, id) do nothing',
      },
    ],
    tests: ['test/gateway/create.test.ts'],
  },
  {
    name: 'shared-account-reference',
    rule: 'I3 two merchants on one account never share a reference',
    edits: [
      {
        file: 'src/services/payment-intents.ts',
        text: '!intent.tenant.midtrans?.isShared &&',
        replacement: '',
      },
    ],
    tests: ['test/gateway/money-edges.test.ts'],
  },
  {
    name: 'order-content-not-compared',
    rule: 'I10 the same order id with other content is refused',
    edits: [
      {
        file: 'src/services/payment-intents.ts',
        text: 'if (!order.contentHash.equals(intent.contentHash)) {',
        replacement: 'if (order.contentHash.length === 0) {',
      },
    ],
    tests: ['test/gateway/create.test.ts'],
  },
  {
    name: 'paid-order-sold-again',
    rule: 'I2 an order that has money gets no new page',
    edits: [
      {
        file: 'src/services/payment-intents.ts',
        text: 'if (hasMoney(order.status)) return showPaid(order, all);',
        replacement: '',
      },
    ],
    tests: ['test/gateway/money-edges.test.ts'],
  },
  {
    name: 'call-lease-ignored',
    rule: 'I2 one call to the provider runs for a payment at a time',
    edits: [
      {
        file: 'src/repositories/payments.ts',
        text: 'coalesce(lease_until > now(), false) as is_leased',
        replacement: 'false as is_leased',
      },
      {
        file: 'src/repositories/payment-calls.ts',
        text: "(status = 'creating' and lease_until <= now())",
        replacement: "status = 'creating'",
      },
    ],
    tests: ['test/gateway/create.test.ts'],
  },
  {
    name: 'page-not-fenced',
    rule: 'I12 a call that lost its lease does not overwrite the page that counts',
    edits: [
      {
        file: 'src/repositories/payment-calls.ts',
        text: 'and (lease_id = $3\n',
        replacement: 'and ($3::uuid is not null\n',
      },
    ],
    tests: ['test/gateway/provider-faults.test.ts'],
  },
  {
    name: 'refusal-not-fenced',
    rule: 'I12 a call that lost its lease does not fail a payment that has money',
    edits: [
      {
        file: 'src/repositories/payment-calls.ts',
        text: 'and lease_id = $3`,\n    [tx.tenantId, id, leaseId]',
        replacement: 'and $3::uuid is not null`,\n    [tx.tenantId, id, leaseId]',
      },
    ],
    tests: ['test/gateway/second-pages.test.ts'],
  },
  {
    name: 'silence-not-fenced',
    rule: 'I12 a call that lost its lease does not put a page in doubt',
    edits: [
      {
        file: 'src/repositories/payment-calls.ts',
        text: 'and lease_id = $3`,\n    [tx.tenantId, id, end.leaseId,',
        replacement: 'and $3::uuid is not null`,\n    [tx.tenantId, id, end.leaseId,',
      },
    ],
    tests: ['test/gateway/second-pages.test.ts'],
  },
  {
    name: 'late-page-shown',
    rule: 'I2 a page that was made while its order was paid is not shown',
    edits: [
      {
        file: 'src/services/call-outcomes.ts',
        text: 'if (hasMoney(order.status) || mayStartAgain(status)) {',
        replacement: "if (page.token === '') {",
      },
    ],
    tests: ['test/gateway/second-pages.test.ts'],
  },
  {
    name: 'other-pages-left-open',
    rule: 'I2 what still can be paid of a paid order is ended',
    edits: [
      {
        file: 'src/services/order-changes.ts',
        text: 'if (hasMoney(status)) await endOpenPages(tx, all, cause);',
        replacement: '',
      },
    ],
    tests: ['test/gateway/second-pages.test.ts'],
  },
  {
    name: 'open-page-given-up',
    rule: 'I1 a payment is given up only when its page is closed',
    edits: [
      {
        file: 'src/services/payment-checks.ts',
        text: "if (page !== 'closed') return 'open';",
        replacement: '',
      },
    ],
    tests: ['test/gateway/page-ends.test.ts'],
  },
  {
    name: 'newer-page-given-up',
    rule: 'I1 a page that was made since the provider was asked is not given up',
    edits: [
      {
        file: 'src/services/order-changes.ts',
        text: ' || current.isLeased || current.token !== payment.token',
        replacement: '',
      },
    ],
    tests: ['test/gateway/page-ends.test.ts'],
  },
  {
    name: 'outcome-guessed',
    rule: 'I2 an answer of 500 leaves the outcome unknown',
    edits: [
      {
        file: 'src/providers/midtrans/adapter.ts',
        text: "if (code < 400 || code === 408 || code >= 500) return { kind: 'unknown' };",
        replacement: "if (code < 400 || code === 408) return { kind: 'unknown' };",
      },
    ],
    tests: ['test/gateway/provider-faults.test.ts'],
  },
];
