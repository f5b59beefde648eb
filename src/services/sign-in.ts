import { createHmac } from 'node:crypto';
import type { SignInReply } from '../contracts/accounts.ts';
import type { PlatformTx } from '../db/database.ts';
import { platformChain } from '../domain/audit.ts';
import type { UserCaller } from '../domain/caller.ts';
import { UserId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import type { Secret } from '../domain/secret.ts';
import * as audit from '../repositories/audit-entries.ts';
import * as sessions from '../repositories/sessions.ts';
import * as users from '../repositories/users.ts';
import { type Auth, attempt, type Outcome } from './better-auth.ts';
import { readCookie, signedValue } from './cookies.ts';
import type { SecondFactors } from './second-factors.ts';
import type { SignInGuard } from './sign-in-guard.ts';
import { by, headersFor, keptCookies, type Visit, type WithCookies } from './visits.ts';

type Dependencies = {
  readonly auth: Auth;
  readonly guard: SignInGuard;
  readonly secondFactors: SecondFactors;
  readonly sessionSecret: Secret;
};

type Credentials = { readonly email: string; readonly password: string };
type SecondFactorProof = { readonly code: string } | { readonly recoveryCode: string };

/** The password was right; halfway when a second factor is asked for. */
type Passed = { readonly isHalfway: boolean; readonly headers: Headers };

export type SignIn = ReturnType<typeof createSignIn>;

/** From a stranger to a session, and back. */
export function createSignIn({ auth, guard, secondFactors, sessionSecret }: Dependencies) {
  const { cookies } = auth;

  /**
   * One answer, after the same work, for an address that nobody has, a wrong password and a user
   * who may not sign in.
   *
   * @throws Problem `sign-in-failed`, `email-not-verified`, `too-many-requests`
   */
  async function signIn(visit: Visit, given: Credentials): Promise<WithCookies<SignInReply>> {
    const counted = await guard.takePassword(visit, given.email);
    const outcome = await auth.transact(async (tx): Promise<Outcome<Passed>> => {
      // A password that is being changed is read after that, or its change ends this session.
      const user = await users.lockByEmail(tx, given.email);
      const headers = headersFor(visit, cookies.session);
      const tried = await attempt(() =>
        auth.api.signInEmail({ body: given, headers, returnHeaders: true }),
      );
      if ('refused' in tried || !user) {
        await noteRefusal(tx, visit, { email: given.email, userId: user?.id });
        return { refused: 'refused' in tried ? tried.refused : 'nobody' };
      }
      const isHalfway = 'twoFactorRedirect' in tried.value.response;
      if (!isHalfway) await noteSignIn(tx, visit, user, 'password');
      return { value: { isHalfway, headers: tried.value.headers } };
    });
    if ('refused' in outcome) throw refusal(outcome.refused);
    await counted.succeed();
    const { isHalfway, headers } = outcome.value;
    // Only who has passed everything is known as the owner from now on.
    const device = isHalfway ? [] : [guard.remember(visit, given.email)];
    return {
      reply: { success: true, secondFactorRequired: isHalfway },
      setCookies: [
        ...keptCookies(headers, [isHalfway ? cookies.secondFactor : cookies.session]),
        ...device,
      ],
    };
  }

  /**
   * The second half of a sign-in.
   *
   * @throws Problem `second-factor-expired`, `second-factor-invalid`, `too-many-requests`
   */
  async function passSecondFactor(
    visit: Visit,
    proof: SecondFactorProof,
  ): Promise<WithCookies<SignInReply>> {
    const user = await findHalfway(visit);
    if (!user) throw expired();
    const counted = await guard.takeSecondFactor(visit, user.email);
    const outcome = await auth.transact(async (tx) => {
      // As above: a new password has ended this half, or ends what comes of it.
      await users.lock(tx, user.id);
      const headers = headersFor(visit, cookies.secondFactor);
      const tried = await attempt(() =>
        secondFactors.verify(tx, { userId: user.id, proof, headers }),
      );
      if ('refused' in tried) {
        await audit.append(tx, platformChain, visit.origin, {
          action: 'user.second-factor-refused',
          subject: { kind: 'user', id: user.id },
        });
        return tried;
      }
      await noteSignIn(tx, visit, user, 'code' in proof ? 'code' : 'recovery code');
      return tried;
    });
    if ('refused' in outcome) {
      const isOver = !['INVALID_CODE', 'INVALID_BACKUP_CODE'].includes(outcome.refused);
      throw isOver ? expired() : new Problem('second-factor-invalid', 'Take the next code.');
    }
    await counted.succeed();
    return {
      reply: { success: true, secondFactorRequired: false },
      setCookies: [
        ...keptCookies(outcome.value.headers, [cookies.session, cookies.secondFactor]),
        guard.remember(visit, user.email),
      ],
    };
  }

  async function signOut(visit: Visit, caller: UserCaller): Promise<WithCookies<unknown>> {
    await auth.transact(async (tx) => {
      await sessions.end(tx, caller.userId, caller.sessionId);
      await audit.append(tx, platformChain, visit.origin, {
        action: 'user.signed-out',
        subject: { kind: 'user', id: caller.userId },
      });
    });
    const attributes = `Max-Age=0; Path=/; HttpOnly; SameSite=Lax${cookies.isSecure ? '; Secure' : ''}`;
    return { reply: { success: true }, setCookies: [`${cookies.session}=; ${attributes}`] };
  }

  /** Who has given the password in this browser, a short while ago. */
  async function findHalfway(visit: Visit) {
    const cookie = readCookie(visit.cookies, cookies.secondFactor);
    const challenge = signedValue(cookie, sessionSecret);
    if (challenge === undefined) return undefined;
    const { internalAdapter } = await auth.context;
    return auth.transact(async (tx) => {
      const found = await internalAdapter.findVerificationValue(challenge);
      const id = UserId.safeParse(found?.value);
      if (!found || found.expiresAt < new Date() || !id.success) return undefined;
      return users.find(tx, id.data);
    });
  }

  async function noteSignIn(tx: PlatformTx, visit: Visit, user: users.User, how: string) {
    await endReplaced(tx, visit);
    await audit.append(tx, platformChain, by(visit.origin, user), {
      action: 'user.signed-in',
      subject: { kind: 'user', id: user.id },
      after: { how },
    });
  }

  /** The session that this browser had until now: its cookie is gone, so nobody would end it. */
  async function endReplaced(tx: PlatformTx, visit: Visit): Promise<void> {
    const token = signedValue(readCookie(visit.cookies, cookies.session), sessionSecret);
    if (token !== undefined) await sessions.endByToken(tx, token);
  }

  async function noteRefusal(
    tx: PlatformTx,
    visit: Visit,
    { email, userId }: { readonly email: string; readonly userId: UserId | undefined },
  ): Promise<void> {
    await audit.append(tx, platformChain, visit.origin, {
      action: 'user.sign-in-refused',
      // Whoever mistypes may type another secret: what is no user's address is not written down,
      // but one that is tried again and again can be told from others.
      subject: userId
        ? { kind: 'user', id: userId }
        : { kind: 'unknown-address', id: pseudonymOf(email) },
    });
  }

  function pseudonymOf(email: string): string {
    const hmac = createHmac('sha256', sessionSecret.reveal()).update(`address ${email}`);
    return hmac.digest('hex').slice(0, 16);
  }

  return { signIn, passSecondFactor, signOut };
}

function refusal(code: string): Problem {
  return code === 'EMAIL_NOT_VERIFIED'
    ? new Problem('email-not-verified', 'Follow the link in the mail that we sent you first.')
    : new Problem('sign-in-failed', 'The address or the password is not right.');
}

function expired(): Problem {
  return new Problem('second-factor-expired', 'Sign in with your password again.');
}
