import type { Mutant } from './mutant.ts';

/** What makes a write safe to repeat. */
export const idempotencyMutants: readonly Mutant[] = [
  {
    name: 'key-without-route',
    rule: 'I10 one key on two routes is two keys',
    edits: [
      {
        file: 'migrations/0006-idempotency-keys.ts',
        text: 'primary key (tenant_id, route, key)',
        replacement: 'primary key (tenant_id, key)',
      },
      {
        file: 'src/repositories/idempotency-keys.ts',
        text: 'on conflict (tenant_id, route, key) do update',
        replacement: 'on conflict (tenant_id, key) do update',
      },
    ],
    tests: ['test/gateway/idempotency-keys.test.ts'],
  },
  {
    name: 'key-without-body',
    rule: 'I10 one key with another body is refused',
    edits: [
      {
        file: 'src/services/idempotency.ts',
        text: 'if (!known.requestHash.equals(requestHash)) {',
        replacement: 'if (known.requestHash.length === 0) {',
      },
    ],
    tests: ['test/gateway/idempotency.test.ts'],
  },
  {
    name: 'key-not-leased',
    rule: 'I10 a copy does not run beside the first',
    edits: [
      {
        file: 'src/services/idempotency.ts',
        text: 'if (known.isLeased) throw inUse();',
        replacement: '',
      },
    ],
    tests: ['test/gateway/idempotency-work.test.ts'],
  },
  {
    name: 'answer-not-fenced',
    rule: 'I12 work that lost its lease does not answer for its successor',
    edits: [
      {
        file: 'src/repositories/idempotency-keys.ts',
        text: 'and lease_id = $4`,\n    [tx.tenantId, route, key, leaseId, status, body],',
        replacement:
          'and $4::uuid is not null`,\n    [tx.tenantId, route, key, leaseId, status, body],',
      },
    ],
    tests: ['test/gateway/idempotency-work.test.ts'],
  },
  {
    name: 'passing-refusal-kept',
    rule: 'I10 a failure that may pass is not the answer of a key',
    edits: [
      {
        file: 'src/services/idempotency.ts',
        text: 'if (!(error instanceof Problem) || error.mayPass) throw error;',
        replacement: 'if (!(error instanceof Problem)) throw error;',
      },
    ],
    tests: ['test/gateway/idempotency.test.ts'],
  },
  {
    name: 'work-begun-anew',
    rule: 'I10 unfinished work is continued under its own resource id',
    edits: [
      {
        file: 'src/services/idempotency.ts',
        text: 'return { resourceId: known.resourceId };',
        replacement: 'return { resourceId };',
      },
    ],
    tests: ['test/gateway/idempotency-work.test.ts'],
  },
  {
    name: 'key-forgotten-at-once',
    rule: 'I10 a key is known for 72 hours',
    edits: [
      {
        file: 'src/services/idempotency.ts',
        text: 'const keptHours = 72;',
        replacement: 'const keptHours = 71;',
      },
    ],
    tests: ['test/gateway/idempotency-keys.test.ts'],
  },
];
