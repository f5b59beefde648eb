import { keyScopes, publishableScopes, type Scope } from './access.ts';
import type { MidtransAccount } from './tenant.ts';

/** `publishable`: may stand in a page that everybody can read. */
export const apiKeyKinds = ['secret', 'publishable'] as const;
export type ApiKeyKind = (typeof apiKeyKinds)[number];

/** Where a key is good: with real money, or with the provider's play money. */
type Environment = MidtransAccount['environment'];

/** What the first words of a key say about it. */
export type ApiKeyForm = { readonly kind: ApiKeyKind; readonly environment: Environment };

export const apiKeyStatuses = ['active', 'expired', 'revoked'] as const;
export type ApiKeyStatus = (typeof apiKeyStatuses)[number];

/** Of one tenant, in force at once. */
export const maxActiveKeys = 50;

/** `sk_test_4f2a`: enough for a person to tell keys apart. */
const prefixLength = 12;

/** Undefined for a text that cannot be a key of Kassa's. */
export function readApiKeyForm(text: string): ApiKeyForm | undefined {
  const [, kind, mode] = /^([sp]k)_(live|test)_[A-Za-z0-9_]{16,200}$/.exec(text) ?? [];
  if (!kind || !mode) return undefined;
  return {
    kind: kind === 'sk' ? 'secret' : 'publishable',
    environment: mode === 'live' ? 'production' : 'sandbox',
  };
}

/** @param random hexadecimal digits, which nobody can guess */
export function writeApiKey({ kind, environment }: ApiKeyForm, random: string): string {
  const word = kind === 'secret' ? 'sk' : 'pk';
  const mode = environment === 'production' ? 'live' : 'test';
  return `${word}_${mode}_${random}`;
}

/** What may be shown of a key again. */
export function prefixOf(key: string): string {
  return key.slice(0, prefixLength);
}

/** All that a key of this kind can be given. */
export function scopesOfKind(kind: ApiKeyKind): readonly Scope[] {
  return kind === 'secret' ? keyScopes : publishableScopes;
}

/** What a key may do; a scope that its kind cannot have, or that nobody knows, gives nothing. */
export function effectiveScopes(
  kind: ApiKeyKind,
  given: readonly string[] | undefined,
): readonly Scope[] {
  const possible = scopesOfKind(kind);
  return given ? possible.filter((scope) => given.includes(scope)) : possible;
}
