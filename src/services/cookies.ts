import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../domain/secret.ts';

export type CookieNames = ReturnType<typeof cookieNames>;

/**
 * Over https the names have the prefix by which browsers hold a cookie to this host, to https and
 * to the root; on plain http, the demo's, no browser would take them.
 */
export function cookieNames(publicUrl: string) {
  const isSecure = publicUrl.startsWith('https://');
  const prefix = isSecure ? '__Host-' : '';
  return {
    isSecure,
    session: `${prefix}kassa_session`,
    secondFactor: `${prefix}kassa_second_factor`,
    device: `${prefix}kassa_device`,
  };
}

/** A cookie's value; of several by one name the first, as better-auth reads them. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const part of header?.split(';') ?? []) {
    const at = part.indexOf('=');
    if (at === -1 || part.slice(0, at).trim() !== name) continue;
    try {
      return decodeURIComponent(part.slice(at + 1).trim());
    } catch {
      return undefined;
    }
  }
  return undefined;
}

/**
 * What a signed cookie of better-auth's says, `value.signature`; nothing when we did not sign it.
 * Without the signature's key a token read from the database opens nothing.
 */
export function signedValue(cookie: string | undefined, secret: Secret): string | undefined {
  const at = cookie?.lastIndexOf('.') ?? -1;
  if (cookie === undefined || at < 1) return undefined;
  const value = cookie.slice(0, at);
  const signature = createHmac('sha256', secret.reveal()).update(value).digest('base64');
  const [given, expected] = [Buffer.from(cookie.slice(at + 1)), Buffer.from(signature)];
  return given.length === expected.length && timingSafeEqual(given, expected) ? value : undefined;
}
