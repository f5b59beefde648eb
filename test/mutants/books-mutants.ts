import type { Mutant } from './mutant.ts';

/** Ledger, statistics, quota, outbox: what follows from a change of money. */
export const booksMutants: readonly Mutant[] = [
  {
    name: 'refund-debited-the-wrong-way',
    rule: 'I6 a refund takes from what the provider owes',
    edits: [
      {
        file: 'src/domain/ledger.ts',
        text: "'refunds', 'provider_balance'],",
        replacement: "'provider_balance', 'refunds'],",
      },
    ],
    tests: ['src/domain/ledger.test.ts'],
  },
  {
    name: 'money-back-posted-forwards',
    rule: 'I6 money that comes back goes the other way',
    edits: [
      {
        file: 'src/domain/ledger.ts',
        text: 'amount: -amount, debit: credit, credit: debit }',
        replacement: 'amount: -amount, debit, credit }',
      },
    ],
    tests: ['src/domain/ledger.test.ts'],
  },
  {
    name: 'day-totals-overwritten',
    rule: "I6 a day's totals are the sum of its transfers",
    edits: [
      {
        file: 'src/repositories/ledger.ts',
        text: 'set debits = d.debits + excluded.debits, credits = d.credits + excluded.credits',
        replacement: 'set debits = excluded.debits, credits = excluded.credits',
      },
    ],
    tests: ['test/gateway/ledger.test.ts'],
  },
  {
    name: 'ledger-can-be-rewritten',
    rule: 'I6 a transfer is never changed',
    edits: [
      {
        file: 'migrations/0007-ledger.ts',
        text: 'grant select, insert on ledger_transfers to kassa_app',
        replacement: 'grant select, insert, update, delete on ledger_transfers to kassa_app',
      },
    ],
    tests: ['test/gateway/ledger.test.ts'],
  },
  {
    name: 'history-can-be-rewritten',
    rule: 'I7 history is written once',
    edits: [
      {
        file: 'migrations/0003-orders-and-payments.ts',
        text: 'grant select, insert on order_events to kassa_app',
        replacement: 'grant select, insert, update, delete on order_events to kassa_app',
      },
    ],
    tests: ['test/database/money-rows.test.ts'],
  },
  {
    name: 'outgo-beyond-capture',
    rule: 'I5 the database takes no payment of which more went than came',
    edits: [
      {
        file: 'migrations/0007-ledger.ts',
        text: '(refunded_amount + lost_amount <= captured_amount)',
        replacement: '(refunded_amount + lost_amount <= captured_amount or captured_amount >= 0)',
      },
    ],
    tests: ['test/database/money-rows.test.ts'],
  },
  {
    name: 'ledger-check-blind',
    rule: 'I6 the check of the books finds what is off',
    edits: [
      {
        file: 'src/services/ledger.ts',
        text: 'await ledger.listDayDiscrepancies(tx, maxFindings)',
        replacement: '[] as ledger.Discrepancy[]',
      },
    ],
    tests: ['test/gateway/ledger.test.ts'],
  },
  {
    name: 'statistics-counted-twice',
    rule: 'an order is counted under what it is, and no longer under what it was',
    edits: [
      {
        file: 'src/repositories/daily-stats.ts',
        text: '{ ...before, sign: -1n }',
        replacement: '{ ...before, sign: 0n }',
      },
    ],
    tests: ['test/gateway/notifications.test.ts'],
  },
  {
    name: 'statistics-of-a-refund-lost',
    rule: 'a refund lowers the revenue',
    edits: [
      {
        file: 'src/services/order-changes.ts',
        text: 'refundedAmount !== order.refundedAmount || ',
        replacement: '',
      },
    ],
    tests: ['test/gateway/refunds.test.ts'],
  },
  {
    name: 'quota-not-guarded',
    rule: 'a month has as many orders as the plan says',
    edits: [
      {
        file: 'src/repositories/usage-counters.ts',
        text: 'where $4::int is null or u.used < $4',
        replacement: 'where $4::int is null or u.used is not null',
      },
    ],
    tests: ['test/gateway/quota.test.ts'],
  },
  {
    name: 'quota-not-given-back',
    rule: 'an order that came to nothing gives its place back',
    edits: [
      {
        file: 'src/services/order-changes.ts',
        text: 'if (givesBack) await usageCounters.giveBack(tx, givesBack);',
        replacement: '',
      },
    ],
    tests: ['test/gateway/quota.test.ts'],
  },
  {
    name: 'quota-given-back-twice',
    rule: 'a place in the quota is given back once',
    edits: [
      {
        file: 'src/services/order-changes.ts',
        text: 'quotaPeriod: givesBack ? undefined : order.quotaPeriod,',
        replacement: 'quotaPeriod: order.quotaPeriod,',
      },
    ],
    tests: ['test/gateway/quota.test.ts'],
  },
  {
    name: 'outbox-beside-the-transaction',
    rule: 'I11 what follows from a change is written in its transaction',
    edits: [
      {
        file: 'src/services/call-outcomes.ts',
        text: "await queueMail(tx, payment, 'created', cause);",
        replacement:
          "await db.withTenant(tenantId, (own) => queueMail(own, payment, 'created', cause));",
      },
    ],
    tests: ['test/gateway/order-mails.test.ts'],
  },
  {
    name: 'job-of-a-message-repeated',
    rule: 'I12 a message has one job, however many copies of it come',
    edits: [
      {
        file: 'src/services/notifications.ts',
        text: "await outbox.add(tx, { topic: 'notification-confirm', payload }, stored.id);",
        replacement: "await outbox.add(tx, { topic: 'notification-confirm', payload });",
      },
    ],
    tests: ['test/gateway/notifications.test.ts'],
  },
  {
    name: 'relay-deletes-first',
    rule: 'I12 a job leaves the outbox when the queue has it',
    edits: [
      {
        file: 'src/jobs/relay.ts',
        text: '    await queue.add(rows.map(({ tenant_id, ...row }) => ({ ...row, tenantId: tenant_id })));\n',
        replacement: '',
      },
      {
        file: 'src/jobs/relay.ts',
        text: 'rows.map((row) => row.id)],\n    );\n',
        replacement:
          'rows.map((row) => row.id)],\n    );\n    await queue.add(rows.map(({ tenant_id, ...row }) => ({ ...row, tenantId: tenant_id })));\n',
      },
    ],
    tests: ['test/database/relay.test.ts'],
  },
  {
    name: 'method-left-out',
    rule: 'an order is counted under the method that was chosen',
    edits: [
      {
        file: 'src/services/order-changes.ts',
        text: ' || method !== order.method;',
        replacement: ';',
      },
    ],
    tests: ['test/gateway/statistics.test.ts'],
  },
  {
    name: 'statistics-rewritten-not-added',
    rule: "a day's figures are those of all its orders",
    edits: [
      {
        file: 'src/repositories/daily-stats.ts',
        text: 'values ($1, $2, $3, $4, $5, $6, $7, $8)\n       on conflict (tenant_id, day, currency, status, method) do update\n         set orders = s.orders + excluded.orders,',
        replacement:
          'values ($1, $2, $3, $4, $5, $6, $7, $8)\n       on conflict (tenant_id, day, currency, status, method) do update\n         set orders = excluded.orders,',
      },
    ],
    tests: ['test/gateway/statistics.test.ts'],
  },
  {
    name: 'totals-not-counted',
    rule: "a customer's totals follow each order",
    edits: [
      {
        file: 'src/services/order-changes.ts',
        text: 'await customerTotals.recount(tx, change);',
        replacement: '',
      },
    ],
    tests: ['test/gateway/statistics.test.ts'],
  },
  {
    name: 'totals-counted-twice',
    rule: "a customer's order is no longer counted as what it was",
    edits: [
      {
        file: 'src/repositories/customer-totals.ts',
        text: 'is.spentAmount - was.spentAmount',
        replacement: 'is.spentAmount',
      },
    ],
    tests: ['test/gateway/statistics.test.ts'],
  },
  {
    name: 'chargeback-still-spent',
    rule: 'what was charged back is nothing that a customer spent',
    edits: [
      {
        file: 'src/repositories/customer-totals.ts',
        text: "['paid', 'partially_refunded', 'refunded'];",
        replacement: "['paid', 'partially_refunded', 'refunded', 'disputed'];",
      },
    ],
    tests: ['test/gateway/statistics.test.ts'],
  },
  {
    name: 'mended-without-the-lock',
    rule: 'two who mend the figures at once add the difference once',
    edits: [
      {
        file: 'src/services/stats.ts',
        text: "if (mode === 'mend') await dailyStats.lockAgainstRebuild(tx);",
        replacement: '',
      },
    ],
    tests: ['test/gateway/statistics.test.ts'],
  },
];
