import type { Mutant } from './mutant.ts';

/** The keys of programs, the pages of shops, and what a tenant decides for itself. */
export const keyMutants: readonly Mutant[] = [
  {
    name: 'expired-key-opens',
    rule: 'I17 an expired key is nobody’s',
    edits: [
      {
        file: 'src/repositories/tenants.ts',
        text: 'and (k.expires_at is null or k.expires_at > now())',
        replacement: '',
      },
    ],
    tests: ['test/gateway/api-keys.test.ts'],
  },
  {
    name: 'test-key-on-real-money',
    rule: 'I17 a key of the other mode is unknown',
    edits: [
      {
        file: 'src/repositories/tenants.ts',
        text: 'and t.midtrans_environment = $3',
        replacement: 'and $3::text is not null',
      },
    ],
    tests: ['test/gateway/api-keys.test.ts'],
  },
  {
    name: 'public-key-taken-for-secret',
    rule: 'I17 a key is of the kind that it says',
    edits: [
      {
        file: 'src/repositories/tenants.ts',
        text: 'and k.kind = $2',
        replacement: 'and $2::text is not null',
      },
    ],
    tests: ['test/gateway/api-keys.test.ts'],
  },
  {
    name: 'new-key-kept-with-its-answer',
    rule: 'I15 a secret is in no stored answer',
    edits: [
      {
        file: 'src/middleware/idempotency.ts',
        text: 'JSON.stringify(keep(reply))',
        replacement: 'JSON.stringify(reply)',
      },
    ],
    tests: ['test/gateway/admin-keys.test.ts'],
  },
  {
    name: 'key-of-another-tenant-handled',
    rule: 'I8 the platform’s statements about keys name the tenant',
    edits: [
      {
        file: 'src/repositories/api-keys.ts',
        text: 'where k.tenant_id = $1`;',
        replacement: 'where $1::uuid is not null`;',
      },
    ],
    tests: ['test/gateway/key-rights.test.ts'],
  },
  {
    name: 'keys-counted-without-lock',
    rule: 'I18 a tenant’s keys are bounded, also when all are asked for at once',
    edits: [
      {
        file: 'src/repositories/api-keys.ts',
        text: 'from tenants where id = $1 for no key update',
        replacement: 'from tenants where id = $1',
      },
    ],
    tests: ['test/gateway/admin-keys.test.ts'],
  },
  {
    name: 'page-of-anybody',
    rule: 'I17 only pages on the tenant’s list ask for its shoppers',
    edits: [
      {
        file: 'src/middleware/storefront-door.ts',
        text: "tenant.allowedOrigins.includes(origin) ? 'shared' : 'refused'",
        replacement: "'shared'",
      },
    ],
    tests: ['test/gateway/shop-pages.test.ts'],
  },
  {
    name: 'public-key-where-secret-is-demanded',
    rule: 'I17 a shop that demands a key is opened by a secret one only',
    edits: [
      {
        file: 'src/middleware/storefront-door.ts',
        text: "caller.kind === 'key' && caller.type === 'secret'",
        replacement: "caller.kind === 'key'",
      },
    ],
    tests: ['test/gateway/shop-pages.test.ts'],
  },
  {
    name: 'shoppers-sent-inside',
    rule: 'I17 a shop is at an address on the internet',
    edits: [
      {
        file: 'src/services/public-hosts.ts',
        text: "return isPublicAddress(name) ? 'public' : 'special';",
        replacement: "return 'public';",
      },
    ],
    tests: ['test/gateway/settings.test.ts'],
  },
  {
    name: 'public-key-in-the-back-office',
    rule: 'I17 a publishable key opens no back office',
    edits: [
      {
        file: 'src/middleware/authorise.ts',
        text: "if (caller.kind === 'key' && caller.type === 'secret') {",
        replacement: "if (caller.kind === 'key') {",
      },
    ],
    tests: ['src/middleware/authorise.test.ts'],
  },
  {
    name: 'no-key-where-one-is-demanded',
    rule: 'I17 a shop that demands a key starts nothing without',
    edits: [
      {
        file: 'src/middleware/storefront-door.ts',
        text: 'tenantIn(res)?.createRequiresKey && !hasSecretKey',
        replacement: "tenantIn(res)?.createRequiresKey && caller.kind === 'key' && !hasSecretKey",
      },
    ],
    tests: ['test/gateway/shop-pages.test.ts'],
  },
  {
    name: 'no-origin-is-any-origin',
    rule: 'I17 a page that hides where it is from is refused',
    edits: [
      {
        file: 'src/middleware/storefront-door.ts',
        text: "if (toWebOrigin(origin) !== origin) return 'refused';",
        replacement: "if (toWebOrigin(origin) !== origin) return 'open';",
      },
    ],
    tests: ['test/gateway/shop-pages.test.ts'],
  },
];
