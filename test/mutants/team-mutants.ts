import type { Mutant } from './mutant.ts';

/** Who belongs to a tenant or to the staff, and who may look in. */
export const teamMutants: readonly Mutant[] = [
  {
    name: 'last-owner-leaves',
    rule: 'a tenant always has an owner, the platform a superadmin',
    edits: [
      {
        file: 'src/services/members.ts',
        text: 'if (!heads.some((head) => head !== userId)) throw circle.noHeadLeft();',
        replacement: '',
      },
    ],
    tests: ['test/gateway/team.test.ts', 'test/gateway/staff.test.ts'],
  },
  {
    name: 'team-not-locked',
    rule: 'of two owners who leave at once one stays',
    edits: [
      {
        file: 'src/repositories/memberships.ts',
        text: 'where id = $1 for no key update',
        replacement: 'where id = $1',
      },
    ],
    tests: ['test/gateway/team.test.ts'],
  },
  {
    name: 'manager-not-asked-again',
    rule: 'I17 who lost the right to change others changes nobody',
    edits: [
      {
        file: 'src/services/circles.ts',
        text: 'if (own && circle.mayManage(own) && roles.every',
        replacement: 'if (!own || roles.every((role) => role) || roles.every',
      },
    ],
    tests: ['test/gateway/team.test.ts'],
  },
  {
    name: 'role-of-another-tenant',
    rule: 'I8 a role counts in its own tenant',
    edits: [
      {
        file: 'src/repositories/memberships.ts',
        text: 'select role from memberships where tenant_id = $1 and user_id = $2',
        replacement:
          'select role from memberships where $1::uuid is not null and user_id = $2 order by role',
      },
    ],
    tests: ['test/gateway/places.test.ts'],
  },
  {
    name: 'inactive-tenant-entered',
    rule: 'the members of a tenant that is not active can do nothing',
    edits: [
      {
        file: 'src/middleware/membership.ts',
        text: 'res.locals.tenant = requireActive(tenant);',
        replacement: 'res.locals.tenant ??= requireActive({ ...tenant, status: "active" });',
      },
    ],
    tests: ['test/gateway/places.test.ts'],
  },
  {
    name: 'invitation-used-twice',
    rule: 'an invitation is used once',
    edits: [
      {
        file: 'src/repositories/invitations.ts',
        text: 'where tenant_id = $1 and id = $2 and token_hash = $3\n        and accepted_at is null and',
        replacement: 'where tenant_id = $1 and id = $2 and token_hash = $3\n        and',
      },
    ],
    tests: ['test/gateway/invitations.test.ts'],
  },
  {
    name: 'grant-outlives-its-time',
    rule: 'staff looks into a tenant for a limited time',
    edits: [
      {
        file: 'src/repositories/support-grants.ts',
        text: 'ended_at is null and expires_at > now()',
        replacement: 'ended_at is null',
      },
    ],
    tests: ['test/gateway/support-grants.test.ts'],
  },
  {
    name: 'grant-outlives-the-role',
    rule: 'who is no staff any more looks into no tenant',
    edits: [
      {
        file: 'src/services/places.ts',
        text: 'if (!mayUseGrants(user.platformRole)) return undefined;',
        replacement: '',
      },
    ],
    tests: ['test/gateway/support-grants.test.ts'],
  },
  {
    name: 'stranger-told-from-nothing',
    rule: 'I8 a tenant of others is answered as one that is not there',
    edits: [
      {
        file: 'src/middleware/membership.ts',
        text: 'if (!place) throw noSuchTenant();',
        replacement:
          "if (!place) throw new Problem('not-allowed', 'You do not work for this tenant.');",
      },
    ],
    tests: ['test/gateway/places.test.ts'],
  },
  {
    name: 'admin-makes-owners',
    rule: 'I17 nobody gives a right that he does not have',
    edits: [
      {
        file: 'src/domain/access.ts',
        text: 'return tenantRoles[role].every((scope) => own.includes(scope));',
        replacement:
          "return own.includes('team:read') || tenantRoles[role].every((scope) => own.includes(scope));",
      },
    ],
    tests: ['src/domain/access.test.ts'],
  },
  {
    name: 'staff-touches',
    rule: 'I17 staff with a grant looks and does not touch',
    edits: [
      {
        file: 'src/domain/access.ts',
        text: "export const grantScopes: readonly Scope[] = [...reading, 'keys:read', 'team:read'];",
        replacement:
          "export const grantScopes: readonly Scope[] = [...reading, 'keys:read', 'team:read', 'refunds:write'];",
      },
    ],
    tests: ['test/gateway/support-grants.test.ts'],
  },
  {
    name: 'invitation-of-another',
    rule: 'an invitation is for the address that it was sent to',
    edits: [
      {
        file: 'src/services/invited.ts',
        text: 'if (email === own) return;',
        replacement: 'if (email === own || own) return;',
      },
    ],
    tests: ['test/gateway/invitations.test.ts'],
  },
  {
    name: 'token-sets-a-password',
    rule: 'a token of an invitation opens nobody’s account',
    edits: [
      {
        file: 'src/services/invited.ts',
        text: 'if (known && !isUnclaimed(known)) throw signInFirst();',
        replacement: '',
      },
      {
        file: 'src/services/invited.ts',
        text: 'if (!isTheirs) throw signInFirst();',
        replacement: '',
      },
    ],
    tests: ['test/gateway/invitations.test.ts'],
  },
];
