import type { Mutant } from './mutant.ts';

/** What a merchant does to an order: cancels and captures. */
export const orderActionMutants: readonly Mutant[] = [
  {
    name: 'lag-of-action-forgotten',
    rule: 'I1 books that do not show a call deny it after a while only',
    edits: [
      {
        file: 'src/services/order-actions.ts',
        text: 'if (!isAnswered || mayLag) return',
        replacement: 'if (!isAnswered) return',
      },
    ],
    tests: ['test/gateway/order-action-doubts.test.ts'],
  },
  {
    name: 'silent-books-refuse-an-action',
    rule: 'I1 books that do not answer refuse nothing',
    edits: [
      {
        file: 'src/services/order-actions.ts',
        text: 'if (!isAnswered || mayLag) return',
        replacement: 'if (mayLag) return',
      },
    ],
    tests: ['test/gateway/order-actions.test.ts'],
  },
  {
    name: 'refusal-of-an-action-believed',
    rule: 'I1 the books decide, whatever the call answered',
    edits: [
      {
        file: 'src/services/order-actions.ts',
        text: "if (isDone(action.kind, after.status)) return { status: 'done' };",
        replacement: '',
      },
    ],
    tests: ['test/gateway/order-actions.test.ts'],
  },
  {
    name: 'unanswered-action-forgotten',
    rule: 'I9 a call without an answer is remembered by its row',
    edits: [
      {
        file: 'src/repositories/order-actions.ts',
        text: 'unclear_at = case when $6 then now() else',
        replacement: 'unclear_at = case when $6 then unclear_at else',
      },
    ],
    tests: ['test/gateway/order-action-doubts.test.ts'],
  },
  {
    name: 'dead-run-forgotten',
    rule: 'I9 who died with a lease may have called until its end',
    edits: [
      {
        file: 'src/repositories/order-actions.ts',
        text: 'unclear_at = greatest(unclear_at, lease_until),',
        replacement: '',
      },
    ],
    tests: ['test/gateway/order-action-doubts.test.ts'],
  },
  {
    name: 'action-chooses-anew',
    rule: 'I10 a repeated action acts on what its first run chose',
    edits: [
      {
        file: 'src/services/order-actions.ts',
        text: 'for (const id of run.action.paymentIds) {',
        replacement:
          'const all = await db.withTenant(run.tenant.id, (tx) => payments.listOfOrder(tx, run.action.orderId));\n    for (const { id } of all) {',
      },
    ],
    tests: ['test/gateway/order-action-repeats.test.ts'],
  },
  {
    name: 'request-is-another-action',
    rule: 'I10 the same id again is the same action',
    edits: [
      {
        file: 'src/services/order-action-intents.ts',
        text: 'if (own) return own;',
        replacement: '',
      },
    ],
    tests: ['test/gateway/order-action-repeats.test.ts'],
  },
  {
    name: 'action-beside-another',
    rule: 'I2 an order has one unfinished action',
    edits: [
      {
        file: 'src/services/order-action-intents.ts',
        text: 'const open = await orderActions.findOpen(tx, order.id);',
        replacement: 'const open = await Promise.resolve<OrderAction | undefined>(undefined);',
      },
      {
        file: 'migrations/0010-doubts.ts',
        text: 'create unique index order_actions_open_key',
        replacement: 'create index order_actions_open_key',
      },
    ],
    tests: ['test/gateway/order-action-repeats.test.ts'],
  },
  {
    name: 'open-action-key-dropped',
    rule: 'I2 the database has one unfinished action of an order',
    edits: [
      {
        file: 'migrations/0010-doubts.ts',
        text: 'create unique index order_actions_open_key',
        replacement: 'create index order_actions_open_key',
      },
    ],
    tests: ['test/database/money-rows.test.ts'],
  },
  {
    name: 'action-beside-a-running-one',
    rule: 'I12 one run of an action is on its way at a time',
    edits: [
      {
        file: 'src/repositories/order-actions.ts',
        text: 'and (lease_until is null or lease_until <= now())',
        replacement: '',
      },
    ],
    tests: ['test/gateway/order-action-repeats.test.ts'],
  },
  {
    name: 'action-not-fenced',
    rule: 'I12 a run that lost its lease does not overrule its successor',
    edits: [
      {
        file: 'src/repositories/order-actions.ts',
        text: 'and id = $2 and lease_id = $3`',
        replacement: 'and id = $2 and $3::uuid is not null`',
      },
    ],
    tests: ['test/gateway/order-action-repeats.test.ts'],
  },
  {
    name: 'action-not-resolved-later',
    rule: 'I9 an action whose server died is gone on with by the sweep',
    edits: [
      {
        file: 'src/services/sweep.ts',
        text: 'listDueActions(tx, looksPerTenant),',
        replacement: '[],',
      },
    ],
    tests: ['test/gateway/order-action-doubts.test.ts'],
  },
  {
    name: 'late-money-cancelled',
    rule: 'I1 a cancel of an open page takes no money back that came meanwhile',
    edits: [
      {
        file: 'src/domain/order-actions.ts',
        text: "hasMoney(target.status) ? 'The order was paid meanwhile.' : undefined",
        replacement: 'undefined',
      },
    ],
    tests: ['test/gateway/order-action-repeats.test.ts'],
  },
  {
    name: 'paid-order-captured',
    rule: 'I2 a card is not charged for an order that was paid another way',
    edits: [
      {
        file: 'src/domain/order-actions.ts',
        text: "return isPaid ? 'The order was paid by another payment.' : undefined;",
        replacement: 'return undefined;',
      },
    ],
    tests: ['test/gateway/order-action-repeats.test.ts'],
  },
  {
    name: 'twice-paid-order-cancelled',
    rule: 'I5 of two payments none is taken back by a guess',
    edits: [
      {
        file: 'src/services/order-action-intents.ts',
        text: "=== 'paid').length > 1",
        replacement: "=== 'paid').length > 2",
      },
    ],
    tests: ['test/gateway/second-attempts.test.ts'],
  },
  {
    name: 'stalled-action-unnoticed',
    rule: 'I13 an action that has had no end for long is put before a person',
    edits: [
      {
        file: 'src/services/order-actions.ts',
        text: 'if (!(await orderActions.alarm(tx, id, actionDoubtDays))) return;',
        replacement: 'if (id) return;',
      },
    ],
    tests: ['test/gateway/order-action-doubts.test.ts'],
  },
  {
    name: 'refused-action-unnoticed',
    rule: 'I11 a refusal that nobody waits for is put before a person',
    edits: [
      {
        file: 'src/services/order-actions.ts',
        text: "if (cause.source === 'api') return;",
        replacement: 'if (cause) return;',
      },
    ],
    tests: ['test/gateway/order-action-doubts.test.ts'],
  },
];
