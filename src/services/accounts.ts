import { v7 as uuidv7 } from 'uuid';
import type { Db, PlatformTx } from '../db/database.ts';
import { platformChain } from '../domain/audit.ts';
import { UserId } from '../domain/ids.ts';
import type { AccountMailKind } from '../domain/jobs.ts';
import { Problem } from '../domain/problems.ts';
import * as audit from '../repositories/audit-entries.ts';
import * as platformOutbox from '../repositories/platform-outbox.ts';
import * as sessions from '../repositories/sessions.ts';
import * as users from '../repositories/users.ts';
import { type Auth, attempt } from './better-auth.ts';
import { identifierOf } from './mailed-tokens.ts';
import { hashPassword, requireStrongPassword, verifyPassword } from './passwords.ts';
import type { RateLimits } from './rate-limits.ts';
import { passwordWrong, type SessionSteps, type Visitor } from './session-steps.ts';
import type { SignInGuard } from './sign-in-guard.ts';
import { by, type Visit, type WithCookies } from './visits.ts';

type Dependencies = {
  readonly db: Db;
  readonly auth: Auth;
  readonly guard: SignInGuard;
  readonly steps: SessionSteps;
  readonly limits: RateLimits;
};

type SignUp = {
  readonly name: string;
  readonly email: string;
  readonly password: string;
  readonly locale: string;
};
type Success = { readonly success: true };
const done: Success = { success: true };

export type Accounts = ReturnType<typeof createAccounts>;

/** How somebody gets an account, proves the address, and keeps the password. */
export function createAccounts({ db, auth, guard, steps, limits }: Dependencies) {
  /**
   * Answers the same, after the same work, whether the address has an account or not; the mail
   * tells its owner.
   *
   * @throws Problem `password-weak`, `too-many-requests`
   */
  async function signUp(visit: Visit, given: SignUp): Promise<Success> {
    await limits.take('sign-up-address', visit.origin.address ?? '');
    await takeMail('sign-up', given.email);
    requireStrongPassword('password', given.password, given);
    const hash = await auth.inTurn(() => hashPassword(given.password));
    await db.withPlatform(async (tx) => {
      const id = UserId.parse(uuidv7());
      const isNew = await users.insert(tx, { ...given, id, isVerified: false });
      // Locked: whoever proves the address at this moment comes before or after, not in between.
      const user = await users.lockByEmail(tx, given.email);
      if (!user) throw new Error('A user who was just made or met is not there.');
      if (!user.isVerified) await settle(tx, user, { ...given, hash });
      await mail(tx, visit, user.id, user.isVerified ? 'address-known' : 'verify-email');
      await audit.append(tx, platformChain, visit.origin, {
        action: isNew ? 'user.signed-up' : 'user.sign-up-repeated',
        subject: { kind: 'user', id: user.id },
      });
    });
    return done;
  }

  /**
   * Whoever signed up with this address before has not proven that it is theirs: the last one's
   * password counts, and the links that were mailed until now do not.
   */
  async function settle(tx: PlatformTx, { id }: users.User, given: SignUp & { hash: string }) {
    await users.rename(tx, id, given);
    await users.setPassword(tx, { id: uuidv7(), userId: id, hash: given.hash });
    await users.forgetPending(tx, id);
  }

  type AddressProof = { readonly token: string; readonly password: string };

  /**
   * Asks for the password as well: whoever only reads the mail may not have made the account, and
   * would open it to whoever did. The way of the rightful reader is a new password, which also
   * proves the address.
   *
   * @throws Problem `token-invalid`, `password-wrong`
   */
  async function verifyEmail(visit: Visit, { token, password }: AddressProof): Promise<Success> {
    await limits.take('sign-in-address', visit.origin.address ?? '');
    const { internalAdapter } = await auth.context;
    const identifier = identifierOf('verify', token);
    const isProved = await auth.transact(async (tx) => {
      const found = await internalAdapter.findVerificationValue(identifier);
      const user = found && (await users.find(tx, UserId.parse(found.value)));
      if (!user) throw tokenInvalid();
      await users.lock(tx, user.id);
      const hash = await users.findPassword(tx, user.id);
      const isRight = hash !== undefined && (await verifyPassword(hash, password));
      if (isRight && !(await internalAdapter.consumeVerificationValue(identifier))) {
        throw tokenInvalid();
      }
      if (isRight) await users.markVerified(tx, user.id);
      await audit.append(tx, platformChain, isRight ? by(visit.origin, user) : visit.origin, {
        action: isRight ? 'user.email-verified' : 'user.password-refused',
        subject: { kind: 'user', id: user.id },
      });
      return isRight;
    });
    if (!isProved) {
      throw new Problem(
        'password-wrong',
        'This is not the password that the account was made with. Have a link for a new one mailed.',
      );
    }
    return done;
  }

  /** Has a link mailed to whoever has this address; the answer says nothing of that. */
  async function requestMail(
    visit: Visit,
    email: string,
    kind: 'verify-email' | 'reset-password',
  ): Promise<Success> {
    await limits.take('account-mail-address', visit.origin.address ?? '');
    await takeMail(kind, email);
    await db.withPlatform(async (tx) => {
      const user = await users.findByEmail(tx, email);
      // A mail to nobody is the same work as one to somebody.
      await mail(tx, visit, user?.id ?? UserId.parse(uuidv7()), kind);
    });
    return done;
  }

  /** Each kind by itself: nobody uses up what the owner needs for a new password by asking for others. */
  async function takeMail(kind: 'sign-up' | 'verify-email' | 'reset-password', email: string) {
    await limits.take('account-mail-account', `${kind} ${email}`);
  }

  type NewPassword = { readonly token: string; readonly newPassword: string };

  /**
   * Ends every session. Whoever has the mail has the address, so it counts as proven, and this
   * browser as the owner's: guesses from elsewhere do not keep it from signing in.
   *
   * @throws Problem `token-invalid`, `password-weak`
   */
  async function resetPassword(
    visit: Visit,
    { token, newPassword }: NewPassword,
  ): Promise<WithCookies<Success>> {
    await limits.take('sign-in-address', visit.origin.address ?? '');
    const { internalAdapter } = await auth.context;
    const email = await auth.transact(async (tx) => {
      const found = await internalAdapter.findVerificationValue(identifierOf('reset', token));
      const user = found && (await users.find(tx, UserId.parse(found.value)));
      if (!user || user.isDisabled) throw tokenInvalid();
      // A sign-in that is under way comes before, and its session is ended with the others.
      await users.lock(tx, user.id);
      requireStrongPassword('newPassword', newPassword, user);
      const tried = await attempt(() => auth.api.resetPassword({ body: { token, newPassword } }));
      if ('refused' in tried) throw tokenInvalid();
      await users.markVerified(tx, user.id);
      await users.forgetPending(tx, user.id);
      await mail(tx, visit, user.id, 'password-changed');
      await audit.append(tx, platformChain, by(visit.origin, user), {
        action: 'user.password-reset',
        subject: { kind: 'user', id: user.id },
      });
      return user.email;
    });
    return { reply: done, setCookies: [guard.remember(visit, email)] };
  }

  type PasswordChange = { readonly currentPassword: string; readonly newPassword: string };

  /**
   * Ends every other session; this one goes on under a new token.
   *
   * @throws Problem `password-wrong`, `password-weak`
   */
  async function changePassword(
    { visit, caller }: Visitor,
    given: PasswordChange,
  ): Promise<WithCookies<Success>> {
    const body = { ...given, revokeOtherSessions: true };
    return steps.run(
      { visit, caller },
      {
        ask: async (tx, headers) => {
          const user = await users.find(tx, caller.userId);
          if (user) requireStrongPassword('newPassword', given.newPassword, user);
          return auth.api.changePassword({ body, headers, returnHeaders: true });
        },
        follow: async (tx, { headers }) => {
          const setCookies = await steps.moveOn(tx, caller, headers);
          await users.forgetPending(tx, caller.userId);
          await mail(tx, visit, caller.userId, 'password-changed');
          await audit.append(tx, platformChain, visit.origin, {
            action: 'user.password-changed',
            subject: { kind: 'user', id: caller.userId },
          });
          return { reply: done, setCookies };
        },
      },
    );
  }

  /**
   * The password once more, for what is hard to undo.
   *
   * @throws Problem `password-wrong`
   */
  async function confirm({ visit, caller }: Visitor, password: string): Promise<Success> {
    const counted = await guard.takeInSession(caller.sessionId);
    const hash = await db.withPlatformOnce((tx) => users.findPassword(tx, caller.userId));
    const isRight = hash !== undefined && (await auth.inTurn(() => verifyPassword(hash, password)));
    await db.withPlatform(async (tx) => {
      if (isRight) await sessions.confirm(tx, caller.sessionId);
      await audit.append(tx, platformChain, visit.origin, {
        action: isRight ? 'user.password-confirmed' : 'user.password-refused',
        subject: { kind: 'user', id: caller.userId },
      });
    });
    if (!isRight) throw passwordWrong();
    await counted.succeed();
    return done;
  }

  return { signUp, verifyEmail, requestMail, resetPassword, changePassword, confirm };
}

async function mail(
  tx: PlatformTx,
  { origin }: Visit,
  userId: UserId,
  kind: AccountMailKind,
): Promise<void> {
  const payload = { userId, kind, requestId: origin.requestId };
  await platformOutbox.add(tx, { topic: 'account-mail', payload });
}

function tokenInvalid(): Problem {
  return new Problem('token-invalid', 'This link was used, or is too old. Ask for a new one.');
}
