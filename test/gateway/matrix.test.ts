import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { type RouteName, routes } from '../../src/contracts/routes.ts';
import {
  grantScopes,
  type PlatformRole,
  platformRoles,
  platformScopes,
  type Scope,
  scopes,
  type TenantRole,
  tenantRoles,
} from '../../src/domain/access.ts';
import type { Caller } from '../../src/domain/caller.ts';
import { TenantId } from '../../src/domain/ids.ts';
import { aKey, anonymous, aUser, type Key, startAppForCallers } from '../support/callers.ts';
import { startGateway } from '../support/gateway.ts';

// Written by hand and on purpose a second time: what the code says of itself proves nothing. A
// route, scope or role without a line here fails the last tests of this file.

/** What each route asks for: its door, its scope, and `sensitive` where the password is asked again. */
const needs: Readonly<Record<string, string>> = {
  'GET /livez': 'open',
  'GET /readyz': 'open',
  'GET /health': 'open',
  'POST /payment/create': 'storefront payments:create',
  'GET /orders/:orderId/status': 'storefront orders:status',
  'POST /webhooks/midtrans': 'provider',
  'GET /admin/stats': 'tenant reports:read',
  'GET /admin/stats/series': 'tenant reports:read',
  'GET /admin/ledger/balances': 'tenant reports:read',
  'GET /admin/ledger/days': 'tenant reports:read',
  'GET /admin/customers': 'tenant customers:read',
  'GET /admin/orders/:orderId/refunds': 'tenant orders:read',
  'POST /admin/orders/:orderId/refunds': 'tenant refunds:write',
  'POST /admin/orders/:orderId/cancel': 'tenant orders:write',
  'POST /admin/orders/:orderId/capture': 'tenant orders:write',
  'GET /admin/attention': 'tenant attention:read',
  'POST /admin/attention/:id/resolve': 'tenant attention:write',
  'GET /admin/reconciliations': 'tenant reconciliations:read',
  'POST /admin/reconciliations': 'tenant reconciliations:write',
  'GET /admin/reconciliations/:id': 'tenant reconciliations:read',
  'POST /admin/reconciliations/:id/differences/:differenceId/resolve':
    'tenant reconciliations:write',
  'GET /admin/audit': 'tenant audit:read',
  'GET /admin/keys': 'tenant keys:read',
  'POST /admin/keys': 'tenant keys:write sensitive',
  'POST /admin/keys/:id/rotate': 'tenant keys:write sensitive',
  'DELETE /admin/keys/:id': 'tenant keys:write sensitive',
  'GET /admin/settings': 'tenant settings:read',
  'PUT /admin/settings': 'tenant settings:write sensitive',
  'PUT /admin/settings/midtrans': 'tenant secrets:write sensitive',
  'GET /admin/team': 'tenant team:read',
  'PUT /admin/team/members/:userId': 'tenant team:write sensitive',
  'DELETE /admin/team/members/:userId': 'tenant team:write sensitive',
  'POST /admin/team/invitations': 'tenant team:write sensitive',
  'POST /admin/team/invitations/:id/resend': 'tenant team:write sensitive',
  'DELETE /admin/team/invitations/:id': 'tenant team:write sensitive',
  'POST /api/auth/tenant': 'account',
  'POST /api/auth/tenant/leave': 'account sensitive',
  'POST /api/auth/invitations/preview': 'sign-in',
  'POST /api/auth/invitations/accept': 'sign-in',
  'POST /api/auth/sign-up': 'sign-in',
  'POST /api/auth/verify-email': 'sign-in',
  'POST /api/auth/verify-email/send': 'sign-in',
  'POST /api/auth/sign-in': 'sign-in',
  'POST /api/auth/sign-in/second-factor': 'sign-in',
  'POST /api/auth/password/forgot': 'sign-in',
  'POST /api/auth/password/reset': 'sign-in',
  'POST /api/auth/sign-out': 'account',
  'GET /api/auth/session': 'account',
  'GET /api/auth/sessions': 'account',
  'DELETE /api/auth/sessions/:id': 'account',
  'DELETE /api/auth/sessions': 'account',
  'POST /api/auth/confirm': 'account',
  'POST /api/auth/password/change': 'account',
  'POST /api/auth/second-factor/begin': 'account',
  'POST /api/auth/second-factor/confirm': 'account',
  'POST /api/auth/second-factor/disable': 'account sensitive',
  'POST /api/auth/second-factor/recovery-codes': 'account',
  'GET /api/superadmin/staff': 'platform staff:read',
  'POST /api/superadmin/staff': 'platform staff:write sensitive',
  'PUT /api/superadmin/staff/members/:userId': 'platform staff:write sensitive',
  'DELETE /api/superadmin/staff/members/:userId': 'platform staff:write sensitive',
  'POST /api/superadmin/staff/invitations/:id/resend': 'platform staff:write sensitive',
  'DELETE /api/superadmin/staff/invitations/:id': 'platform staff:write sensitive',
  'GET /api/superadmin/support-grants': 'platform grants:read',
  'POST /api/superadmin/support-grants': 'platform grants:write sensitive',
  'DELETE /api/superadmin/support-grants/:id': 'platform grants:write',
  'GET /api/superadmin/audit': 'platform platform-audit:read',
};

/** What each role may do with its tenant's things; `granted`: platform staff that was let in. */
const tenantTable = `
                        owner  admin  finance  viewer  granted
  payments:create       yes    yes    yes      yes     yes
  orders:status         yes    yes    yes      yes     yes
  orders:read           yes    yes    yes      yes     yes
  orders:write          yes    yes    yes      no      no
  refunds:write         yes    yes    yes      no      no
  customers:read        yes    yes    yes      yes     yes
  reports:read          yes    yes    yes      yes     yes
  attention:read        yes    yes    yes      yes     yes
  attention:write       yes    yes    yes      no      no
  reconciliations:read  yes    yes    yes      yes     yes
  reconciliations:write yes    yes    yes      no      no
  settings:read         yes    yes    yes      yes     yes
  settings:write        yes    yes    no       no      no
  secrets:write         yes    yes    no       no      no
  keys:read             yes    yes    no       no      yes
  keys:write            yes    yes    no       no      no
  team:read             yes    yes    no       no      yes
  team:write            yes    no     no       no      no
  audit:read            yes    no     no       no      no
`;

const platformTable = `
                        superadmin  support  viewer
  tenants:read          yes         yes      yes
  grants:read           yes         yes      yes
  grants:write          yes         yes      no
  staff:read            yes         no       no
  staff:write           yes         no       no
  platform-audit:read   yes         yes      no
`;

type Table = ReadonlyMap<string, ReadonlyMap<string, boolean>>;

function read(table: string): Table {
  const [head = [], ...lines] = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return new Map(
    lines.map(([scope = '', ...cells]) => [
      scope,
      new Map(head.map((role, at) => [role, cells[at] === 'yes'])),
    ]),
  );
}

const tenantRights = read(tenantTable);
const platformRights = read(platformTable);

const gateway = await startGateway();
const merchant = await gateway.merchant();
const app = await startAppForCallers(gateway.services);
afterAll(async () => {
  await app.close();
  await gateway.close();
});

const tenantId = TenantId.parse(merchant.id);
const tenantRoleNames = Object.keys(tenantRoles);
const users = ['owner', 'admin', 'finance', 'viewer', 'granted'] as const;
const staff = ['superadmin', 'support', 'viewer'] as const;

type Who = {
  readonly name: string;
  readonly caller: Caller;
  /** In the words of the tables. */
  readonly tenantRole?: string;
  readonly platformRole?: string;
  readonly scopes?: readonly string[];
};

const secret = (given: readonly Scope[]): Who => ({
  name: `a secret key for ${given.length === 1 ? given[0] : `${given.length} scopes`}`,
  caller: aKey({ tenantId, scopes: given }),
  scopes: given,
});

const people: readonly Who[] = [
  { name: 'a stranger, who is a member elsewhere', caller: aUser() },
  ...users.map((role) => ({
    name: `a tenant's ${role}`,
    caller: aUser({ tenantRole: role }),
    tenantRole: role,
  })),
  ...staff.map((role) => ({
    name: `the platform's ${role}`,
    caller: aUser({ platformRole: role }),
    platformRole: role,
  })),
  {
    name: 'a superadmin who owns the tenant',
    caller: aUser({ tenantRole: 'owner', platformRole: 'superadmin' }),
    tenantRole: 'owner',
    platformRole: 'superadmin',
  },
];

/** Whoever changes what others may do is asked again behind the door, by what is stored. */
for (const { caller, tenantRole, platformRole } of people) {
  if (caller.kind !== 'user') continue;
  const { userId, email } = caller;
  await gateway.admin.query(
    `insert into identity.users (id, name, email, email_verified) values ($1, 'A', $2, true)`,
    [userId, email],
  );
  if (tenantRole && tenantRole !== 'granted') {
    await gateway.admin.query(
      'insert into memberships (tenant_id, user_id, role) values ($1, $2, $3)',
      [tenantId, userId, tenantRole],
    );
  }
  if (platformRole) {
    await gateway.admin.query(
      'insert into identity.platform_members (user_id, role) values ($1, $2)',
      [userId, platformRole],
    );
    // The requests name the tenant, of which staff sees nothing without.
    await gateway.admin.query(
      `insert into support_grants (tenant_id, user_id, reason, expires_at)
       values ($1, $2, 'The matrix is tried.', now() + interval '1 hour')`,
      [tenantId, userId],
    );
  }
}

/** The same people, who owe a second factor, or have not given their password for a while. */
const weaker = (word: string, lack: object): Who[] =>
  people.map((who) => ({
    ...who,
    name: `${who.name}, ${word}`,
    caller: { ...who.caller, ...lack } as Caller,
  }));

const everybody: readonly Who[] = [
  { name: 'nobody known', caller: anonymous },
  {
    name: 'a publishable key',
    caller: aKey({
      tenantId,
      type: 'publishable',
      prefix: 'pk_test_1',
      scopes: ['payments:create', 'orders:status'],
    }),
    scopes: ['payments:create', 'orders:status'],
  },
  {
    name: 'a publishable key that was given everything',
    caller: aKey({ tenantId, type: 'publishable', prefix: 'pk_test_2', scopes }),
    scopes,
  },
  secret([]),
  secret(scopes),
  ...scopes.map((scope) => secret([scope])),
  ...people,
  ...weaker('who owes a second factor', { owesSecondFactor: true }),
  ...weaker('whose password is long ago', { isFresh: false }),
  ...weaker('who owes one and whose password is long ago', {
    owesSecondFactor: true,
    isFresh: false,
  }),
];

/** The refusal that is right, or `passes`. */
function expected(name: string, who: Who): string {
  const [door = '', ...words] = (needs[name] ?? '').split(' ');
  const scope = words.find((word) => word.includes(':')) ?? '';
  const { caller } = who;
  if (['open', 'provider', 'sign-in'].includes(door)) return 'passes';
  if (caller.kind === 'key' && (door === 'storefront' || isProgramsDoor(door, caller))) {
    return who.scopes?.includes(scope) && !isPeoplesOnly(name, scope) ? 'passes' : 'not-allowed';
  }
  if (door === 'storefront') return 'passes';
  if (caller.kind !== 'user') return 'credentials-required';
  // Who does not belong to it is told the same as where there is no tenant.
  if (door === 'tenant' && !who.tenantRole) return 'tenant-not-found';
  const hasRight = door === 'account' || rightsOf(door, who).has(scope);
  if (!hasRight) return 'not-allowed';
  if (door !== 'account' && caller.owesSecondFactor) return 'second-factor-required';
  return words.includes('sensitive') && !caller.isFresh ? 'confirmation-required' : 'passes';
}

/**
 * Should a key have that scope all the same: who may do what is said by people. What has a body is
 * refused for that before.
 */
function isPeoplesOnly(name: string, scope: string): boolean {
  return scope === 'team:write' && !('body' in routes[name as RouteName]);
}

function isProgramsDoor(door: string, { type }: Key): boolean {
  return door === 'tenant' && type === 'secret';
}

function rightsOf(door: string, { tenantRole = 'none', platformRole = 'none' }: Who) {
  const [table, role] =
    door === 'platform' ? [platformRights, platformRole] : [tenantRights, tenantRole];
  return new Set([...table].filter(([, byRole]) => byRole.get(role)).map(([scope]) => scope));
}

const refusals = [
  'credentials-required',
  'tenant-not-found',
  'not-allowed',
  'second-factor-required',
  'confirmation-required',
];

/** Which refusal it is; whatever else is answered comes from behind the authorisation. */
async function outcome(name: string, { caller }: Who): Promise<string> {
  const [method = '', path = ''] = name.split(' ');
  const query = caller.kind === 'key' ? '' : `?tenant=${merchant.slug}`;
  const answer = await app.send(caller, `${path.replaceAll(/:\w+/g, randomUUID())}${query}`, {
    method,
    // Refused by every schema, so that nothing is changed.
    ...(method !== 'GET' && { body: { matrix: true } }),
  });
  const code = String(answer.body.code);
  if (code === 'not-found' || code === 'method-not-allowed' || code === 'internal-error')
    return code;
  return refusals.includes(code) ? code : 'passes';
}

describe.each(Object.keys(routes))('%s', (name) => {
  test.each(everybody)('$name', async (who) => {
    expect(await outcome(name, who)).toBe(expected(name, who));
  });
});

test('every route, scope and role has its line in the tables of this test', () => {
  expect(Object.keys(needs).sort()).toEqual(Object.keys(routes).sort());
  expect([...tenantRights.keys()].sort()).toEqual([...scopes].sort());
  expect([...platformRights.keys()].sort()).toEqual([...platformScopes].sort());
  expect([...tenantRoleNames, 'granted'].sort()).toEqual([...users].sort());
  expect(Object.keys(platformRoles).sort()).toEqual([...staff].sort());
});

test('the list of routes says what the table says', () => {
  for (const [name, { access }] of Object.entries(routes)) {
    const scope = 'scope' in access ? access.scope : undefined;
    const isSensitive = 'isSensitive' in access && (access.isSensitive as boolean);
    const words = [access.door, scope, isSensitive ? 'sensitive' : undefined];
    expect([name, words.filter(Boolean).join(' ')]).toEqual([name, needs[name]]);
  }
});

test('roles that no route of today asks about have the rights of the table, too', () => {
  for (const [scope, byRole] of tenantRights) {
    for (const [role, isAllowed] of byRole) {
      const given: readonly string[] =
        role === 'granted' ? grantScopes : tenantRoles[role as TenantRole];
      expect([scope, role, given.includes(scope)]).toEqual([scope, role, isAllowed]);
    }
  }
  for (const [scope, byRole] of platformRights) {
    for (const [role, isAllowed] of byRole) {
      const given: readonly string[] = platformRoles[role as PlatformRole];
      expect([scope, role, given.includes(scope)]).toEqual([scope, role, isAllowed]);
    }
  }
});
