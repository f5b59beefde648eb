import type { PlatformTx } from '../db/database.ts';
import { type AuditAction, platformChain } from '../domain/audit.ts';
import type { UserCaller } from '../domain/caller.ts';
import { Problem } from '../domain/problems.ts';
import type { Secret } from '../domain/secret.ts';
import * as audit from '../repositories/audit-entries.ts';
import * as sessions from '../repositories/sessions.ts';
import * as users from '../repositories/users.ts';
import { type Auth, attempt, type Outcome } from './better-auth.ts';
import { readCookie, signedValue } from './cookies.ts';
import type { SignInGuard } from './sign-in-guard.ts';
import { headersFor, keptCookies, type Visit } from './visits.ts';

type Dependencies = {
  readonly auth: Auth;
  readonly guard: SignInGuard;
  readonly sessionSecret: Secret;
};

/** Somebody signed in, and the request. */
export type Visitor = { readonly visit: Visit; readonly caller: UserCaller };

type Step<T, R> = {
  /** Asks better-auth, which refuses a wrong password or code. */
  readonly ask: (tx: PlatformTx, headers: Headers) => Promise<T>;
  /** What follows, in the same transaction. */
  readonly follow: (tx: PlatformTx, answer: T) => Promise<R>;
};

export type SessionSteps = ReturnType<typeof createSessionSteps>;

/** What somebody signed in does to the account, after the password or a code was given again. */
export function createSessionSteps({ auth, guard, sessionSecret }: Dependencies) {
  const { cookies } = auth;

  /** @throws Problem `password-wrong`, `second-factor-invalid`, `too-many-requests`, and others */
  async function run<T, R>({ visit, caller }: Visitor, { ask, follow }: Step<T, R>): Promise<R> {
    const counted = await guard.takeInSession(caller.sessionId);
    const outcome: Outcome<R> = await auth.transact(async (tx) => {
      // Two steps of one user come one after the other.
      await users.lock(tx, caller.userId);
      const tried = await attempt(() => ask(tx, headersFor(visit, cookies.session)));
      if ('value' in tried) return { value: await follow(tx, tried.value) };
      const action = actionOf(tried.refused);
      if (action) {
        const subject = { kind: 'user', id: caller.userId };
        await audit.append(tx, platformChain, visit.origin, { action, subject });
      }
      return tried;
    });
    if ('refused' in outcome) throw problemOf(outcome.refused);
    await counted.succeed();
    return outcome.value;
  }

  /**
   * Ends all sessions of the user but the one that better-auth has just made in this one's place:
   * whoever else may be signed in is not when the way of signing in changes.
   */
  async function moveOn(tx: PlatformTx, caller: UserCaller, headers: Headers): Promise<string[]> {
    const setCookies = keptCookies(headers, [cookies.session]);
    const token = signedValue(readCookie(setCookies[0], cookies.session), sessionSecret);
    if (token === undefined) throw new Error('better-auth has made no new session.');
    await sessions.endOthers(tx, caller.userId, { token });
    await sessions.chooseTenant(tx, token, caller.activeTenantId);
    return setCookies;
  }

  return { run, moveOn };
}

function actionOf(refused: string): AuditAction | undefined {
  if (refused === 'INVALID_PASSWORD') return 'user.password-refused';
  return refused === 'INVALID_CODE' ? 'user.second-factor-refused' : undefined;
}

function problemOf(refused: string): Problem {
  switch (refused) {
    case 'INVALID_PASSWORD':
      return passwordWrong();
    case 'INVALID_CODE':
      return new Problem('second-factor-invalid', 'Take the next code.');
    case 'TOTP_ALREADY_ENABLED':
      return new Problem('second-factor-on-already', 'Turn it off first to set up another one.');
    case 'TOTP_NOT_ENABLED':
    case 'TWO_FACTOR_NOT_ENABLED':
      return new Problem('second-factor-not-on', 'Set up a second factor first.');
    case 'UNAUTHORIZED':
      // Ended by another request, a moment ago.
      return new Problem('credentials-required', 'Sign in.');
    default:
      throw new Error(`better-auth refused with ${refused}.`);
  }
}

export function passwordWrong(): Problem {
  return new Problem('password-wrong', 'This is not the password of your account.');
}
