import type { Access } from './access.ts';
import { networkOf } from './networks.ts';

/**
 * How often something may happen before it is refused with 429, and whom the count is kept for.
 *
 * `strict`: each time is counted in PostgreSQL, for all processes together. For what is rare and
 * worth guessing at.
 * `local-first`: a process counts in memory until `localShare` of the points are used there; then it
 * reports them and counts in PostgreSQL. Ordinary traffic costs no round trip, and a window lets
 * through at most (processes − 1) × `localShare` more than `points`.
 */
export type Limit = {
  readonly points: number;
  readonly seconds: number;
  readonly mode: 'strict' | 'local-first';
  /**
   * Whom the count is kept for, and so what the key is. An `address` is that of the client; of
   * IPv6 its /64 counts. An `account` is a mail address or a user's id.
   */
  readonly per: 'address' | 'account' | 'account at an address' | 'tenant' | 'key';
};

/** The share of a `local-first` limit that a process counts by itself. */
export const localShare = 0.2;

const minute = 60;
const hour = 3_600;
const day = 86_400;

export const limits = {
  // Sign-in. Nobody can lock an owner out: `sign-in-account` is for devices that the account has
  // not signed in from, and what is used up at one address is not at another.
  'sign-in-address': { points: 50, seconds: 15 * minute, mode: 'strict', per: 'address' },
  'sign-in-account-address': {
    points: 10,
    seconds: 15 * minute,
    mode: 'strict',
    per: 'account at an address',
  },
  'sign-in-account': { points: 50, seconds: hour, mode: 'strict', per: 'account' },
  // A code of six digits, of which three are valid at a time.
  'second-factor-account': { points: 5, seconds: 15 * minute, mode: 'strict', per: 'account' },
  'second-factor-account-day': { points: 20, seconds: day, mode: 'strict', per: 'account' },
  // Mails that somebody not signed in can have sent: verification, reset. The account's count is of
  // one kind of mail.
  'account-mail-account': { points: 3, seconds: hour, mode: 'strict', per: 'account' },
  'account-mail-address': { points: 10, seconds: hour, mode: 'strict', per: 'address' },
  'sign-up-address': { points: 10, seconds: hour, mode: 'strict', per: 'address' },
  'invitations-tenant': { points: 50, seconds: day, mode: 'strict', per: 'tenant' },
  // Keys that nobody has. Used up, no key from there is looked at until the window ends.
  'key-failures-address': { points: 60, seconds: 5 * minute, mode: 'local-first', per: 'address' },

  // Everything from one address but probes, so that not even a refusal is free. Room for a
  // merchant's own server, which speaks for all of its shoppers.
  'requests-address': { points: 30_000, seconds: minute, mode: 'local-first', per: 'address' },
  // A shopper tries a few times, but a mobile carrier shows thousands of them under one address. A
  // merchant's server that sends its secret key is held by key and tenant instead. Cards are typed
  // on the provider's page, which has its own guard against testers of stolen ones.
  'create-address': { points: 600, seconds: minute, mode: 'local-first', per: 'address' },
  'create-address-hour': { points: 6_000, seconds: hour, mode: 'local-first', per: 'address' },
  // Fifty orders a second: a flash sale passes.
  'create-tenant': { points: 3_000, seconds: minute, mode: 'local-first', per: 'tenant' },
  // A page that waits asks every other second; many of them stand behind one address.
  'storefront-address': { points: 6_000, seconds: minute, mode: 'local-first', per: 'address' },
  'storefront-tenant': { points: 12_000, seconds: minute, mode: 'local-first', per: 'tenant' },
  'back-office-address': { points: 3_000, seconds: minute, mode: 'local-first', per: 'address' },
  'back-office-tenant': { points: 3_000, seconds: minute, mode: 'local-first', per: 'tenant' },
  key: { points: 3_000, seconds: minute, mode: 'local-first', per: 'key' },
  'platform-address': { points: 3_000, seconds: minute, mode: 'local-first', per: 'address' },
  'account-address': { points: 600, seconds: minute, mode: 'local-first', per: 'address' },
  // Money news of all merchants come from a provider's few addresses. One that is refused comes
  // again, since a provider repeats what is not answered 2xx, and the sweep asks by itself.
  'notifications-address': { points: 12_000, seconds: minute, mode: 'local-first', per: 'address' },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof limits;

/**
 * What every route behind a door is held to; a route may have further limits of its own. Whoever
 * sends a secret key is held by that, where there is a limit for it, and not by the address.
 */
export const doorLimits: Readonly<Record<Access['door'], readonly LimitName[]>> = {
  open: [],
  storefront: ['storefront-address', 'key', 'storefront-tenant'],
  provider: ['notifications-address'],
  tenant: ['back-office-address', 'key', 'back-office-tenant'],
  'sign-in': ['account-address'],
  account: ['account-address'],
  platform: ['platform-address'],
};

/** The key of a limit `per: 'account at an address'`. */
export function accountAt(account: string, address: string): string {
  return `${account.trim()} ${networkOf(address)}`;
}
