import type { Mutant } from './mutant.ts';

/** The walls between tenants, and the transaction that stands in them. */
export const tenancyMutants: readonly Mutant[] = [
  {
    name: 'policy-lets-all-through',
    rule: "I8 a tenant sees no other tenant's rows",
    edits: [
      {
        file: 'migrations/0008-refunds.ts',
        text: 'using (tenant_id = app.current_tenant())',
        replacement: 'using (tenant_id is not null)',
      },
    ],
    tests: ['test/database/isolation-reads.test.ts'],
  },
  {
    name: 'policy-takes-all-rows',
    rule: 'I8 a tenant writes no row of another tenant',
    edits: [
      {
        file: 'migrations/0008-refunds.ts',
        text: 'with check (tenant_id = app.current_tenant())',
        replacement: 'with check (tenant_id is not null)',
      },
    ],
    tests: ['test/database/isolation-writes.test.ts'],
  },
  {
    name: 'owner-not-forced',
    rule: "I8 the owner's own statements meet the policies",
    edits: [
      {
        file: 'migrations/0006-idempotency-keys.ts',
        text: 'alter table idempotency_keys force row level security',
        replacement: 'alter table idempotency_keys no force row level security',
      },
    ],
    tests: ['test/database/catalogue.test.ts'],
  },
  {
    name: 'tenant-can-be-changed',
    rule: 'I8 a transaction belongs to one tenant',
    edits: [
      {
        file: 'migrations/0001-roles-and-tenant-context.ts',
        text: 'if app.current_tenant() is not null and app.current_tenant() <> tenant then',
        replacement: 'if false then',
      },
    ],
    tests: ['test/database/transactions.test.ts'],
  },
  {
    name: 'tenant-outlives-transaction',
    rule: 'I8 nothing of a tenant is left on a connection',
    edits: [
      {
        file: 'migrations/0001-roles-and-tenant-context.ts',
        text: "'set local app.tenant_id = %L'",
        replacement: "'set app.tenant_id = %L'",
      },
      {
        file: 'migrations/0001-roles-and-tenant-context.ts',
        text: 'if app.current_tenant() is not null and app.current_tenant() <> tenant then',
        replacement: 'if false then',
      },
    ],
    tests: ['test/database/connections.test.ts'],
  },
  {
    name: 'predicate-dropped',
    rule: 'I8 a statement names its tenant, besides the policy',
    edits: [
      {
        file: 'src/repositories/payments.ts',
        text: 'where tenant_id = $1 and provider = $2 and provider_reference = $3',
        replacement: 'where $1::uuid is not null and provider = $2 and provider_reference = $3',
      },
    ],
    tests: ['test/database/tenant-predicate.test.ts'],
  },
  {
    name: 'commit-not-checked',
    rule: 'I9 a transaction that PostgreSQL rolled back is an error',
    edits: [
      {
        file: 'src/db/database.ts',
        text: "if (command !== 'COMMIT') throw",
        replacement: "if (command === '') throw",
      },
    ],
    tests: ['test/database/transactions.test.ts'],
  },
  {
    name: 'statement-after-the-end',
    rule: "I8 nobody speaks in the next tenant's transaction",
    edits: [
      {
        file: 'src/db/database.ts',
        text: 'if (isOver) throw over();\n      opened ??=',
        replacement: 'opened ??=',
      },
    ],
    tests: ['test/database/transactions.test.ts'],
  },
  {
    name: 'revoked-key-opens',
    rule: 'I17 a revoked secret key is nobody’s',
    edits: [
      {
        file: 'src/repositories/tenants.ts',
        text: 'and k.revoked_at is null and',
        replacement: 'and',
      },
    ],
    tests: ['test/gateway/api-keys.test.ts'],
  },
  {
    name: 'secret-key-not-asked-for',
    rule: 'I17 what a merchant does needs the secret key',
    edits: [
      {
        file: 'src/middleware/authorise.ts',
        text: "if (caller.kind !== 'user') {",
        replacement: "if (caller.kind === 'key') {",
      },
    ],
    tests: ['test/gateway/refunds.test.ts'],
  },
  {
    name: 'key-of-another-tenant',
    rule: 'I8 key and name say the same tenant',
    edits: [
      {
        file: 'src/middleware/tenant-resolver.ts',
        text: 'if (named && owner && named.id !== owner.id) throw conflict();',
        replacement: '',
      },
    ],
    tests: ['src/middleware/tenant-resolver.test.ts'],
  },
  {
    name: 'header-believed-from-anybody',
    rule: 'I8 X-Tenant-Slug is believed only from a trusted proxy',
    edits: [
      {
        file: 'src/middleware/tenant-resolver.ts',
        text: 'const headers = trust(req) ? ',
        replacement: 'const headers = trust ? ',
      },
    ],
    tests: ['src/middleware/tenant-resolver.test.ts'],
  },
  {
    name: 'predicate-of-a-part-dropped',
    rule: 'I8 the parts that statements are made of name the tenant',
    edits: [
      {
        file: 'src/repositories/daily-stats.ts',
        text: '`tenant_id = $1 and currency = $2',
        replacement: '`$1::uuid is not null and currency = $2',
      },
    ],
    tests: ['test/database/tenant-predicate.test.ts'],
  },
];
