import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SessionId } from '../domain/ids.ts';
import { accountAt } from '../domain/limits.ts';
import type { Secret } from '../domain/secret.ts';
import { sessionTimes } from '../domain/sessions.ts';
import { type CookieNames, readCookie } from './cookies.ts';
import type { RateLimits } from './rate-limits.ts';
import type { Visit } from './visits.ts';

type Dependencies = {
  readonly limits: RateLimits;
  readonly cookies: CookieNames;
  readonly sessionSecret: Secret;
};

/** A try that was counted; a success takes it back. */
type Try = { succeed(): Promise<void> };

type Device = { readonly id: string; readonly signatures: readonly string[] };

/** Accounts that one browser is known to; further ones push the first out. */
const maxAccounts = 5;

export type SignInGuard = ReturnType<typeof createSignInGuard>;

/**
 * Slows guessing down without keeping owners out: a browser that has signed in to an account before
 * carries a signed cookie, and its tries are counted apart from everybody else's.
 */
export function createSignInGuard({ limits, cookies, sessionSecret }: Dependencies) {
  /** @throws Problem `too-many-requests` */
  async function takePassword(visit: Visit, email: string): Promise<Try> {
    const device = knownDevice(visit, email);
    const address = visit.origin.address ?? '';
    const own = device ? deviceKey(email, device) : accountAt(email, address);
    if (!device) await limits.take('sign-in-address', address);
    await limits.take('sign-in-account-address', own);
    if (!device) await limits.take('sign-in-account', email);
    // The other two stay counted: a guesser who also has an account here must not empty them.
    return { succeed: () => limits.forgive('sign-in-account-address', own) };
  }

  /** @throws Problem `too-many-requests` */
  async function takeSecondFactor(visit: Visit, email: string): Promise<Try> {
    const device = knownDevice(visit, email);
    const key = device ? deviceKey(email, device) : email;
    await limits.take('second-factor-account', key);
    await limits.take('second-factor-account-day', key);
    return {
      succeed: async () => {
        await limits.forgive('second-factor-account', key);
        await limits.forgive('second-factor-account-day', key);
      },
    };
  }

  /**
   * For a password or a code that somebody signed in gives again: a stolen session is no place to
   * guess from.
   *
   * @throws Problem `too-many-requests`
   */
  async function takeInSession(sessionId: SessionId): Promise<Try> {
    const key = `session ${sessionId}`;
    await limits.take('sign-in-account-address', key);
    return { succeed: () => limits.forgive('sign-in-account-address', key) };
  }

  /** The `Set-Cookie` line by which this browser is known to the account from now on. */
  function remember(visit: Visit, email: string): string {
    const known = readDevice(visit);
    const id = known?.id ?? randomBytes(16).toString('base64url');
    const signature = signatureOf(id, email);
    const others = known?.signatures.filter((other) => other !== signature) ?? [];
    const value = [id, signature, ...others.slice(0, maxAccounts - 1)].join('.');
    const attributes = `Max-Age=${sessionTimes.device}; Path=/; HttpOnly; SameSite=Lax`;
    return `${cookies.device}=${value}; ${attributes}${cookies.isSecure ? '; Secure' : ''}`;
  }

  function knownDevice(visit: Visit, email: string): Device | undefined {
    const device = readDevice(visit);
    if (!device) return undefined;
    const expected = Buffer.from(signatureOf(device.id, email));
    const isKnown = device.signatures.some((signature) => {
      const given = Buffer.from(signature);
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
    return isKnown ? device : undefined;
  }

  function readDevice(visit: Visit): Device | undefined {
    const value = readCookie(visit.cookies, cookies.device) ?? '';
    if (!/^[\w-]{22}(\.[\w-]{43}){1,5}$/.test(value)) return undefined;
    const [id = '', ...signatures] = value.split('.');
    return { id, signatures };
  }

  function signatureOf(id: string, email: string): string {
    // Named, so that no other signature of ours can stand here, nor this one elsewhere.
    const text = `device ${id} ${email}`;
    return createHmac('sha256', sessionSecret.reveal()).update(text).digest('base64url');
  }

  return { takePassword, takeSecondFactor, takeInSession, remember };
}

function deviceKey(email: string, { id }: Device): string {
  return `${email} device ${id}`;
}
