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
];
