import type { RequestHandler, Response } from 'express';
import {
  type Access,
  grantScopes,
  type PlatformScope,
  platformRoles,
  type Scope,
  tenantRoles,
} from '../domain/access.ts';
import type { Caller, UserCaller } from '../domain/caller.ts';
import { Problem } from '../domain/problems.ts';
import { requireOwnPage } from './own-pages.ts';

export function callerOf(res: Response): Caller {
  const caller: Caller | undefined = res.locals.caller;
  if (!caller) throw new Error('Nobody has asked yet who sends this request.');
  return caller;
}

/**
 * Lets through who may use a route.
 *
 * @throws Problem `origin-not-allowed`, `credentials-required`, `not-allowed`, `second-factor-required`, `confirmation-required`,
 *   and of a user in a tenant `tenant-missing`, `tenant-not-found`, `tenant-inactive`
 */
export function authorise(access: Access): RequestHandler {
  return async (req, res, next) => {
    // Probes are answered before anybody has asked who sends them.
    if (access.door !== 'open') {
      const caller = callerOf(res);
      // What a browser does by itself with a session, and what gives it one, has to come from a
      // page of ours. Keys are sent on purpose, and at a shop's door a session says nothing.
      const usesSession = caller.kind === 'user' && 'isSensitive' in access;
      if (usesSession || access.door === 'sign-in') requireOwnPage(req, res);
      // Of a signed-in user: `middleware/membership.ts`. Without it nobody has a role here.
      if (access.door === 'tenant') await res.locals.enterTenant?.();
      check(access, callerOf(res));
    }
    next();
  };
}

/** The user whom an account door has let in. */
export function userOf(res: Response): UserCaller {
  const caller = callerOf(res);
  if (caller.kind !== 'user') throw new Error('This door was opened for somebody not signed in.');
  return caller;
}

/**
 * For a part of what a route takes that needs more than the route itself.
 *
 * @throws Problem `not-allowed`
 */
export function requireTenantScope(res: Response, scope: Scope): void {
  const caller = callerOf(res);
  if (caller.kind === 'user') requireScope(tenantScopesOf(caller), scope);
  else requireScope(caller.kind === 'key' ? caller.scopes : [], scope);
}

function check(access: Exclude<Access, { door: 'open' }>, caller: Caller): void {
  switch (access.door) {
    case 'provider':
    case 'sign-in':
      break;
    case 'storefront':
      // A session says nothing here: a shopper who also is a merchant is a shopper.
      if (caller.kind === 'key') requireScope(caller.scopes, access.scope);
      break;
    case 'tenant':
      if (caller.kind === 'key' && caller.type === 'secret') {
        requireScope(caller.scopes, access.scope);
      } else {
        checkUser(access, caller, (user) => requireScope(tenantScopesOf(user), access.scope));
      }
      break;
    case 'account':
      checkUser(access, caller, () => undefined);
      break;
    case 'platform':
      checkUser(access, caller, (user) => requireScope(platformScopesOf(user), access.scope));
      break;
    default:
      access satisfies never;
  }
}

type UserAccess = Extract<Access, { isSensitive: boolean }>;

function checkUser(
  access: UserAccess,
  caller: Caller,
  checkScope: (user: UserCaller) => void,
): void {
  if (caller.kind !== 'user') {
    throw new Problem(
      'credentials-required',
      access.door === 'tenant'
        ? 'Sign in, or send Authorization: Bearer with a secret key (sk_…).'
        : 'Sign in.',
    );
  }
  checkScope(caller);
  // One's own account stays open, or nobody could set the factor up.
  if (caller.owesSecondFactor && access.door !== 'account') {
    throw new Problem('second-factor-required', 'Set up a second factor in your account first.');
  }
  if (access.isSensitive && !caller.isFresh) {
    throw new Problem('confirmation-required', 'Confirm your password, then repeat this.');
  }
}

function tenantScopesOf({ tenantRole }: UserCaller): readonly Scope[] {
  if (!tenantRole) return [];
  return tenantRole === 'granted' ? grantScopes : tenantRoles[tenantRole];
}

function platformScopesOf({ platformRole }: UserCaller): readonly PlatformScope[] {
  return platformRole ? platformRoles[platformRole] : [];
}

function requireScope<S extends Scope | PlatformScope>(given: readonly S[], wanted: S): void {
  if (given.includes(wanted)) return;
  throw new Problem('not-allowed', `This needs the right ${wanted}, which you do not have here.`);
}
