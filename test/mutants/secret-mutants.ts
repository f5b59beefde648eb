import type { Mutant } from './mutant.ts';

/** Secrets at rest, and the keys that they are sealed with. */
export const secretMutants: readonly Mutant[] = [
  {
    name: 'sealed-for-any-row',
    rule: 'I15 a sealed text opens in its own row and nowhere else',
    edits: [
      {
        file: 'src/services/vault.ts',
        text: "['v1', tenantId, table, column, rowId, String(keyVersion), kekId]",
        replacement: "['v1', tenantId, table, column, String(keyVersion), kekId]",
      },
    ],
    tests: ['test/database/vault.test.ts'],
  },
  {
    name: 'data-key-for-any-tenant',
    rule: 'I8 a wrapped data key is of one tenant',
    edits: [
      {
        file: 'src/providers/keys/local.ts',
        text: "contextOf(['v1', tenantId, String(version), kekId])",
        replacement: "contextOf(['v1', String(version), kekId])",
      },
    ],
    tests: ['src/providers/keys/local.test.ts'],
  },
  {
    name: 'parts-run-together',
    rule: 'I15 the parts of a place are told apart',
    edits: [
      {
        file: 'src/providers/keys/aead.ts',
        text: 'return [length, bytes];',
        replacement: 'return [bytes];',
      },
    ],
    tests: ['test/database/vault.test.ts'],
  },
  {
    name: 'lengths-tell',
    rule: 'I15 the length of a short secret cannot be told',
    edits: [
      {
        file: 'src/services/sealed-text.ts',
        text: 'const blockLength = 64;',
        replacement: 'const blockLength = 1;',
      },
    ],
    tests: ['test/database/vault.test.ts'],
  },
  {
    name: 'plain-stays-plain',
    rule: 'I15 a dump of the database opens no account',
    edits: [
      {
        file: 'src/services/midtrans-accounts.ts',
        text: 'if (wasPlain) {',
        replacement: "if (text === '') {",
      },
    ],
    tests: ['test/gateway/stolen-dump.test.ts'],
  },
  {
    name: 'ciphertext-as-key',
    rule: 'I17 a key that does not open is no key',
    edits: [
      {
        file: 'src/services/midtrans-accounts.ts',
        text: 'return { ...stored, midtrans: undefined };\n    }\n  }\n\n  async function unsealed',
        replacement: 'return stored;\n    }\n  }\n\n  async function unsealed',
      },
    ],
    tests: ['test/database/sealing.test.ts'],
  },
  {
    name: 'retired-key-seals',
    rule: 'I15 after a rotation nothing is sealed with an older key',
    edits: [
      {
        file: 'src/repositories/data-keys.ts',
        text: 'update data_keys set seals = seals + 1\n      where tenant_id = $1 and retired_at is null\n        and version = (select max(k.version) from data_keys k where k.tenant_id = $1)',
        replacement:
          'update data_keys set seals = seals + 1\n      where tenant_id = $1\n        and version = (select min(k.version) from data_keys k where k.tenant_id = $1)',
      },
    ],
    tests: ['test/database/vault.test.ts'],
  },
  {
    name: 'used-key-destroyed',
    rule: 'I9 a data key lives as long as something needs it',
    edits: [
      {
        file: 'src/services/sealing.ts',
        text: 'if (await isInUse(tenantId, version)) continue;',
        replacement: 'await isInUse(tenantId, version);',
      },
    ],
    tests: ['test/database/sealing.test.ts'],
  },
  {
    name: 'wrong-master-key-starts',
    rule: 'I17 no process runs without the master keys of its database',
    edits: [
      {
        file: 'src/services/vault.ts',
        text: 'if (failures.length < tries.length) continue;',
        replacement: 'if (failures.length <= tries.length) continue;',
      },
    ],
    tests: ['test/database/vault.test.ts'],
  },
  {
    name: 'key-file-open-to-all',
    rule: 'I15 a key file that others can read is refused',
    edits: [
      {
        file: 'src/providers/keys/local.ts',
        text: 'if (!soundModes.includes(mode)) {',
        replacement: 'if (mode === 0) {',
      },
    ],
    tests: ['src/providers/keys/local.test.ts'],
  },
  {
    name: 'sealed-for-any-tenant',
    rule: 'I8 a sealed text opens for its own tenant, whatever the keys',
    edits: [
      {
        file: 'src/services/vault.ts',
        text: "['v1', tenantId, table, column, rowId, String(keyVersion), kekId]",
        replacement: "['v1', table, column, rowId, String(keyVersion), kekId]",
      },
    ],
    tests: ['test/database/vault.test.ts'],
  },
  {
    name: 'sealed-for-any-table',
    rule: 'I15 a sealed text opens in its own table',
    edits: [
      {
        file: 'src/services/vault.ts',
        text: "['v1', tenantId, table, column, rowId, String(keyVersion), kekId]",
        replacement: "['v1', tenantId, column, rowId, String(keyVersion), kekId]",
      },
    ],
    tests: ['test/database/vault.test.ts'],
  },
  {
    name: 'sealed-for-any-column',
    rule: 'I15 a sealed text opens in its own column',
    edits: [
      {
        file: 'src/services/vault.ts',
        text: "['v1', tenantId, table, column, rowId, String(keyVersion), kekId]",
        replacement: "['v1', tenantId, table, rowId, String(keyVersion), kekId]",
      },
    ],
    tests: ['test/database/vault.test.ts'],
  },
  {
    name: 'tag-cut-short',
    rule: 'I15 a tag has 16 bytes, and no fewer are taken',
    edits: [
      {
        file: 'src/providers/keys/aead.ts',
        text: 'const authTagLength = 16;',
        replacement: 'const authTagLength = 4;',
      },
    ],
    tests: ['src/providers/keys/aead.test.ts'],
  },
  {
    name: 'audit-new-account-left-out',
    rule: 'I16 a changed account at a provider is audited',
    edits: [
      {
        file: 'src/services/midtrans-accounts.ts',
        text: 'await auditEntries.append(tx, tenant.id, origin, {',
        replacement: 'void ({',
      },
    ],
    tests: ['test/gateway/midtrans-account.test.ts'],
  },
];
