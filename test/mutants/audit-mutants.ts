import type { Mutant } from './mutant.ts';

/** Who may do what, and the record of who did. */
export const auditMutants: readonly Mutant[] = [
  {
    name: 'audit-refund-left-out',
    rule: 'I16 every change of money is audited',
    edits: [
      {
        file: 'src/services/refund-intents.ts',
        text: "await auditEntries.append(tx, tx.tenantId, origin, {\n    action: 'refund.requested'",
        replacement: "void ({\n    action: 'refund.requested'",
      },
    ],
    tests: ['test/gateway/audit-money.test.ts'],
  },
  {
    name: 'audit-hash-misses-actor',
    rule: 'I16 whoever alters an entry is found',
    edits: [
      {
        file: 'src/repositories/audit-entries.ts',
        text: '[actor.kind, actor.id ?? null, actor.label],',
        replacement: '[actor.kind, actor.label],',
      },
    ],
    tests: ['test/gateway/audit-verification.test.ts'],
  },
  {
    name: 'audit-noted-end-forgotten',
    rule: 'I16 a tail that was cut off shows to who noted the end',
    edits: [
      {
        file: 'src/services/audit-verification.ts',
        text: 'if (!noted || noted.seq <= head.seq) return undefined;',
        replacement: 'if (!noted || head.seq > 0n) return undefined;',
      },
    ],
    tests: ['test/gateway/audit-verification.test.ts'],
  },
  {
    name: 'audit-entries-can-be-deleted',
    rule: 'I16 entries are only ever added',
    edits: [
      {
        file: 'migrations/0014-audit.ts',
        text: 'grant select, insert on audit_entries',
        replacement: 'grant select, insert, delete on audit_entries',
      },
    ],
    tests: ['test/database/audit-entries.test.ts'],
  },
  {
    name: 'audit-end-locked-early',
    rule: 'I18 nobody waits for a lock while holding the end of a chain',
    edits: [
      {
        file: 'src/repositories/audit-entries.ts',
        text: 'tx.beforeCommit(tenantId, () => appendNow(tx, tenantId, origin, event));',
        replacement: 'await appendNow(tx, tenantId, origin, event);',
      },
    ],
    tests: ['test/database/audit-entries.test.ts'],
  },
  {
    name: 'audit-chain-begun-twice',
    rule: 'I16 a chain has one end',
    edits: [
      {
        file: 'src/repositories/audit-entries.ts',
        text: 'select pg_advisory_xact_lock(hashtextextended(',
        replacement: 'select (hashtextextended(',
      },
    ],
    tests: ['test/database/audit-entries.test.ts'],
  },
  {
    name: 'history-sealed-too-early',
    rule: 'I16 a seal covers a part of the history that is over',
    edits: [
      {
        file: 'src/repositories/order-events.ts',
        text: 'select min(xact_start) from pg_stat_activity',
        replacement: 'select max(now()) from pg_stat_activity',
      },
    ],
    tests: ['test/gateway/history-seals.test.ts'],
  },
  {
    name: 'refusals-flood-the-chain',
    rule: 'I18 refusals do not fill the audit log',
    edits: [
      {
        file: 'src/services/refusals.ts',
        text: 'tally.listed >= listedPerMinute',
        replacement: 'tally.listed < 0',
      },
    ],
    tests: ['test/gateway/audit-refusals.test.ts'],
  },
  {
    name: 'refusal-hidden-by-a-key',
    rule: 'I16 a refusal is audited, also where its answer is kept',
    edits: [
      {
        file: 'src/middleware/idempotency.ts',
        text: 'if (answer.status >= 400) noteRefusal(',
        replacement: 'if (answer.status >= 600) noteRefusal(',
      },
    ],
    tests: ['test/gateway/audit-refusals.test.ts'],
  },
  {
    name: 'viewer-refunds',
    rule: 'I17 a role has the rights of the matrix',
    edits: [
      {
        file: 'src/domain/access.ts',
        text: '  viewer: reading,\n',
        replacement: "  viewer: [...reading, 'refunds:write'],\n",
      },
    ],
    tests: ['test/gateway/matrix.test.ts'],
  },
  {
    name: 'password-not-asked-again',
    rule: 'I17 what is hard to undo asks for the password again',
    edits: [
      {
        file: 'src/middleware/authorise.ts',
        text: 'if (access.isSensitive && !caller.isFresh) {',
        replacement: "if (access.isSensitive && caller.email === '') {",
      },
    ],
    tests: ['src/middleware/authorise.test.ts'],
  },
  {
    name: 'audit-new-key-left-out',
    rule: 'I16 a new key is audited',
    edits: [
      {
        file: 'src/services/issued-keys.ts',
        text: "await auditEntries.append(tx, tenantId, origin, {\n        action: 'key.created'",
        replacement: "void ({\n        action: 'key.created'",
      },
    ],
    tests: ['test/gateway/admin-keys.test.ts'],
  },
  {
    name: 'audit-revoked-key-left-out',
    rule: 'I16 a revoked key is audited',
    edits: [
      {
        file: 'src/services/issued-keys.ts',
        text: "await auditEntries.append(tx, tenantId, origin, {\n          action: 'key.revoked'",
        replacement: "void ({\n          action: 'key.revoked'",
      },
    ],
    tests: ['test/gateway/admin-keys.test.ts'],
  },
  {
    name: 'audit-settings-left-out',
    rule: 'I16 changed settings are audited',
    edits: [
      {
        file: 'src/services/settings.ts',
        text: 'await auditEntries.append(tx, tenantId, origin, {',
        replacement: 'void ({',
      },
    ],
    tests: ['test/gateway/settings.test.ts'],
  },
  {
    name: 'audit-role-left-out',
    rule: 'I16 a changed role is audited',
    edits: [
      {
        file: 'src/services/members.ts',
        text: "await auditEntries.append(tx, circle.tenantId, by.origin, {\n        action: 'member.role-changed'",
        replacement: "void ({\n        action: 'member.role-changed'",
      },
    ],
    tests: ['test/gateway/team.test.ts'],
  },
  {
    name: 'audit-grant-left-out',
    rule: 'I16 the tenant reads who of the staff looked in',
    edits: [
      {
        file: 'src/services/places.ts',
        text: "await auditEntries.append(tx, tenantId, origin, {\n          action: 'support-grant.used'",
        replacement: "void ({\n          action: 'support-grant.used'",
      },
    ],
    tests: ['test/gateway/support-grants.test.ts'],
  },
];
