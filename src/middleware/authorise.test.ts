import { randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import { expect, test } from 'vitest';
import type { Access } from '../domain/access.ts';
import type { Caller } from '../domain/caller.ts';
import { ApiKeyId, SessionId, TenantId, UserId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import { authorise } from './authorise.ts';

const nobody: Caller = { kind: 'anonymous' };

const key = (
  type: 'secret' | 'publishable',
  ...scopes: Extract<Caller, { kind: 'key' }>['scopes']
) =>
  ({
    kind: 'key',
    keyId: ApiKeyId.parse(randomUUID()),
    tenantId: TenantId.parse(randomUUID()),
    type,
    prefix: 'sk_test_1234',
    scopes,
  }) as const;

const user = (given: Partial<Extract<Caller, { kind: 'user' }>> = {}): Caller => ({
  kind: 'user',
  userId: UserId.parse(randomUUID()),
  email: 'rina@shop.example',
  sessionId: SessionId.parse(randomUUID()),
  activeTenantId: undefined,
  isFresh: true,
  hasSecondFactor: false,
  owesSecondFactor: false,
  platformRole: undefined,
  tenantRole: undefined,
  ...given,
});
const owes = { owesSecondFactor: true };
const stale = { isFresh: false };

const open: Access = { door: 'open' };
const provider: Access = { door: 'provider' };
const signIn: Access = { door: 'sign-in' };
const storefront: Access = { door: 'storefront', scope: 'payments:create' };
const tenant: Access = { door: 'tenant', scope: 'refunds:write', isSensitive: false };
const tenantSecret: Access = { door: 'tenant', scope: 'secrets:write', isSensitive: true };
const account: Access = { door: 'account', isSensitive: false };
const accountSecret: Access = { door: 'account', isSensitive: true };
const platform: Access = { door: 'platform', scope: 'grants:write', isSensitive: false };
const platformSecret: Access = { door: 'platform', scope: 'staff:write', isSensitive: true };

/** Undefined: let through. */
async function refusalOf(access: Access, caller: Caller | undefined) {
  let isThrough = false;
  const next = () => {
    isThrough = true;
  };
  const res = { locals: { caller, isOwnPage: true } } as unknown as Response;
  try {
    await authorise(access)({} as Request, res, next);
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
  return isThrough ? undefined : 'left hanging';
}

test.each<[string, Access, Caller, string | undefined]>([
  ['a probe by nobody', open, nobody, undefined],
  ['a provider’s message by nobody', provider, nobody, undefined],
  ['a sign-in by nobody', signIn, nobody, undefined],

  ['a shop by nobody', storefront, nobody, undefined],
  ['a shop by a publishable key', storefront, key('publishable', 'payments:create'), undefined],
  ['a shop by a key for something else', storefront, key('secret', 'orders:read'), 'not-allowed'],
  ['a shop by a user without rights', storefront, user(), undefined],

  ['a tenant by nobody', tenant, nobody, 'credentials-required'],
  [
    'a tenant by a publishable key',
    tenant,
    key('publishable', 'refunds:write'),
    'credentials-required',
  ],
  ['a tenant by a secret key', tenant, key('secret', 'refunds:write'), undefined],
  ['a tenant by a key for something else', tenant, key('secret', 'orders:write'), 'not-allowed'],
  ['a tenant by a key for nothing', tenant, key('secret'), 'not-allowed'],
  ['a tenant by a stranger', tenant, user(), 'not-allowed'],
  ['a tenant by its finance', tenant, user({ tenantRole: 'finance' }), undefined],
  ['a tenant by its viewer', tenant, user({ tenantRole: 'viewer' }), 'not-allowed'],
  ['a tenant by staff with a grant', tenant, user({ tenantRole: 'granted' }), 'not-allowed'],
  ['a tenant by staff without one', tenant, user({ platformRole: 'superadmin' }), 'not-allowed'],
  [
    'a tenant by who owes',
    tenant,
    user({ tenantRole: 'owner', ...owes }),
    'second-factor-required',
  ],
  ['a tenant by a stranger who owes', tenant, user(owes), 'not-allowed'],
  ['a tenant long after the password', tenant, user({ tenantRole: 'owner', ...stale }), undefined],
  ['a secret by its owner', tenantSecret, user({ tenantRole: 'owner' }), undefined],
  ['a secret by its viewer', tenantSecret, user({ tenantRole: 'viewer', ...stale }), 'not-allowed'],
  [
    'a secret long after the password',
    tenantSecret,
    user({ tenantRole: 'owner', ...stale }),
    'confirmation-required',
  ],
  [
    'a secret by who owes, long after the password',
    tenantSecret,
    user({ tenantRole: 'owner', ...owes, ...stale }),
    'second-factor-required',
  ],

  ['an account by nobody', account, nobody, 'credentials-required'],
  ['an account by a key', account, key('secret', 'orders:read'), 'credentials-required'],
  ['an account by its user', account, user(), undefined],
  ['an account by who owes', account, user(owes), undefined],
  ['an account long after the password', account, user(stale), undefined],
  ['a change of an account', accountSecret, user(), undefined],
  ['a change of an account by who owes', accountSecret, user(owes), undefined],
  ['a change of an account long after', accountSecret, user(stale), 'confirmation-required'],

  ['the platform by nobody', platform, nobody, 'credentials-required'],
  ['the platform by a key', platform, key('secret', 'orders:read'), 'credentials-required'],
  ['the platform by an owner', platform, user({ tenantRole: 'owner' }), 'not-allowed'],
  ['the platform by its support', platform, user({ platformRole: 'support' }), undefined],
  ['the platform by its viewer', platform, user({ platformRole: 'viewer' }), 'not-allowed'],
  [
    'the platform by who owes',
    platform,
    user({ platformRole: 'support', ...owes }),
    'second-factor-required',
  ],
  ['its staff by a superadmin', platformSecret, user({ platformRole: 'superadmin' }), undefined],
  ['its staff by support', platformSecret, user({ platformRole: 'support' }), 'not-allowed'],
  [
    'its staff long after the password',
    platformSecret,
    user({ platformRole: 'superadmin', ...stale }),
    'confirmation-required',
  ],
])('%s', async (_name, access, caller, refusal) => {
  expect(await refusalOf(access, caller)).toBe(refusal);
});

test('a route that is reached before anybody asked who sends the request lets nobody in', async () => {
  for (const access of [tenant, account, platform, storefront]) {
    await expect(refusalOf(access, undefined)).rejects.toThrow('Nobody has asked yet');
  }
});
