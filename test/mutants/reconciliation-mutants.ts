import type { Mutant } from './mutant.ts';

/** Our books held against the provider's. */
export const reconciliationMutants: readonly Mutant[] = [
  {
    name: 'old-answer-believed',
    rule: 'I1 an answer from before the last change is asked for again',
    edits: [
      {
        file: 'src/services/reconciliation-questions.ts',
        text: 'if (isMoved(before.payment, now.payment)) return',
        replacement: 'if (run.batch < 0) return',
      },
    ],
    tests: ['test/gateway/reconciliation.test.ts'],
  },
  {
    name: 'version-not-held',
    rule: 'I12 who was overtaken mends nothing',
    edits: [
      {
        file: 'src/services/reconciliation-questions.ts',
        text: 'if (!(await reconciliations.hold(tx, run))) return',
        replacement: 'if (run.batch < 0) return',
      },
    ],
    tests: ['test/gateway/reconciliation-runs.test.ts'],
  },
  {
    name: 'version-not-locked',
    rule: 'I12 who was overtaken writes nothing into the run',
    edits: [
      {
        file: 'src/services/reconciliation-batches.ts',
        text: "if (!(await reconciliations.lock(tx, run))) return { progress: 'overtaken' };",
        replacement: '',
      },
    ],
    tests: ['test/gateway/reconciliation-runs.test.ts'],
  },
  {
    name: 'silence-is-agreement',
    rule: 'I17 a question without an answer is no agreement',
    edits: [
      {
        file: 'src/services/reconciliation-questions.ts',
        text: "if ('reason' in told) return silent(told.reason);",
        replacement: "if ('reason' in told) return { kind: 'agrees' };",
      },
    ],
    tests: ['test/gateway/reconciliation-runs.test.ts'],
  },
  {
    name: 'unanswered-is-done',
    rule: 'I17 a run with open questions is not called done',
    edits: [
      {
        file: 'src/services/reconciliation-batches.ts',
        text: "unanswered > 0 ? 'incomplete' : 'done'",
        replacement: "unanswered < 0 ? 'incomplete' : 'done'",
      },
    ],
    tests: ['test/gateway/reconciliation-runs.test.ts'],
  },
  {
    name: 'question-forgotten',
    rule: 'I17 what was not answered is asked again',
    edits: [
      {
        file: 'src/services/reconciliation-batches.ts',
        text: 'await questions.put(tx, run.id, left);',
        replacement: '',
      },
    ],
    tests: ['test/gateway/reconciliation-runs.test.ts'],
  },
  {
    name: 'open-difference-called-repaired',
    rule: 'I16 what the provider cannot mend is not called mended',
    edits: [
      {
        file: 'src/services/reconciliation-questions.ts',
        text: "differences: left, resolution: 'open' }",
        replacement: "differences: left, resolution: 'repaired' }",
      },
    ],
    tests: ['test/gateway/reconciliation.test.ts'],
  },
  {
    name: 'difference-without-a-person',
    rule: 'a difference that stays is put before a person',
    edits: [
      {
        file: 'src/services/reconciliation-questions.ts',
        text: 'await attentionItems.raise(tx, {\n      orderId: order.id,',
        replacement: 'await Promise.resolve({\n      orderId: order.id,',
      },
    ],
    tests: ['test/gateway/reconciliation.test.ts'],
  },
  {
    name: 'young-change-called-a-difference',
    rule: 'what changed a moment ago is asked again before anybody is told',
    edits: [
      {
        file: 'src/services/reconciliation-questions.ts',
        text: 'if (isSettling(now) && !isRefused) return',
        replacement: 'if (isRefused && !isRefused) return',
      },
    ],
    tests: ['test/gateway/reconciliation.test.ts'],
  },
  {
    name: 'revived-page-left-open',
    rule: 'I2 what can be paid there although it ended here is ended there',
    edits: [
      {
        file: 'src/services/reconciliation-questions.ts',
        text: "await queueEnd(tx, now.payment, { source: 'reconciliation' });",
        replacement: '',
      },
    ],
    tests: ['test/gateway/reconciliation.test.ts'],
  },
  {
    name: 'batch-repeated',
    rule: 'I12 a job that comes again after its batch does nothing',
    edits: [
      {
        file: 'src/services/reconciliation-batches.ts',
        text: ' || (batch ?? run.batch) !== run.batch',
        replacement: '',
      },
    ],
    tests: ['test/gateway/reconciliation-runs.test.ts'],
  },
  {
    name: 'run-beside-a-running-one',
    rule: 'I12 a merchant has one run at a time',
    edits: [
      {
        file: 'migrations/0011-reconciliation.ts',
        text: 'create unique index reconciliations_running_key',
        replacement: 'create index reconciliations_running_key',
      },
    ],
    tests: ['test/gateway/reconciliation-doors.test.ts'],
  },
  {
    name: 'night-begun-twice',
    rule: 'I12 a night has one run, however many workers look',
    edits: [
      {
        file: 'migrations/0011-reconciliation.ts',
        text: 'create unique index reconciliations_nightly_key',
        replacement: 'create index reconciliations_nightly_key',
      },
    ],
    tests: ['test/gateway/reconciliation-runs.test.ts'],
  },
  {
    name: 'captures-not-compared',
    rule: 'I3 money here that is not there is a difference',
    edits: [
      {
        file: 'src/domain/reconciliation.ts',
        text: "...amounts('captured', heldHere(ours), hasMoney(theirs.state) ? theirs.amount : 0n),",
        replacement: '',
      },
    ],
    tests: ['src/domain/reconciliation.test.ts'],
  },
  {
    name: 'refund-sums-not-compared',
    rule: 'I5 the sums that went back are compared',
    edits: [
      {
        file: 'src/domain/reconciliation.ts',
        text: "...amounts('refunded', ours.refunded, refundedThere(theirs) ?? ours.refunded),",
        replacement: '',
      },
    ],
    tests: ['src/domain/reconciliation.test.ts'],
  },
  {
    name: 'lost-money-never-was',
    rule: 'I3 money that a bank took back was there',
    edits: [
      {
        file: 'src/domain/reconciliation.ts',
        text: 'hasMoney(status) || captured > 0n || ',
        replacement: 'hasMoney(status) || ',
      },
    ],
    tests: ['src/domain/reconciliation.test.ts'],
  },
  {
    name: 'name-of-another-shop',
    rule: 'I3 a transaction that had the name before is not held against the order',
    edits: [
      {
        file: 'src/domain/reconciliation.ts',
        text: 'if (isForeign(ours, theirs, isSame)) return [];',
        replacement: '',
      },
    ],
    tests: ['src/domain/reconciliation.test.ts'],
  },
];
