import type { Actor, Origin } from '../domain/caller.ts';
import type { User } from '../repositories/users.ts';
import { addressHeader } from './better-auth.ts';
import { readCookie } from './cookies.ts';

/** A request of somebody's browser, as far as accounts are concerned. */
export type Visit = {
  /** The header, as it came. */
  readonly cookies: string | undefined;
  readonly userAgent: string | undefined;
  readonly origin: Origin;
};

/** What a step answers, and the `Set-Cookie` lines that go with it. */
export type WithCookies<T> = { readonly reply: T; readonly setCookies: readonly string[] };

const maxUserAgent = 300;

/**
 * What better-auth reads of a visit. Of the cookies only the one that the step is about: with a
 * session beside it, a second factor would be held against the wrong user.
 */
export function headersFor(visit: Visit, cookie: string): Headers {
  const headers = new Headers({ 'user-agent': (visit.userAgent ?? '').slice(0, maxUserAgent) });
  if (visit.origin.address) headers.set(addressHeader, visit.origin.address);
  const value = readCookie(visit.cookies, cookie);
  if (value !== undefined) headers.set('cookie', `${cookie}=${encodeURIComponent(value)}`);
  return headers;
}

/** Of the cookies that better-auth sets, those that we know. */
export function keptCookies(headers: Headers, names: readonly string[]): string[] {
  return headers.getSetCookie().filter((line) => names.some((name) => line.startsWith(`${name}=`)));
}

/** The same request, done by this user: who signs in is not known before. */
export function by(origin: Origin, user: Pick<User, 'id' | 'email'>): Origin {
  const actor: Actor = { kind: 'user', id: user.id, label: user.email };
  return { ...origin, actor };
}
