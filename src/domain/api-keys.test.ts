import { expect, test } from 'vitest';
import { keyScopes, publishableScopes, tenantRoles } from './access.ts';
import {
  effectiveScopes,
  prefixOf,
  readApiKeyForm,
  scopesOfKind,
  writeApiKey,
} from './api-keys.ts';

const random = '0123456789abcdef'.repeat(4);

test.each([
  ['secret', 'sandbox', `sk_test_${random}`],
  ['secret', 'production', `sk_live_${random}`],
  ['publishable', 'sandbox', `pk_test_${random}`],
  ['publishable', 'production', `pk_live_${random}`],
] as const)('a %s key of the %s is read as it is written', (kind, environment, key) => {
  expect(writeApiKey({ kind, environment }, random)).toBe(key);
  expect(readApiKeyForm(key)).toEqual({ kind, environment });
  expect(prefixOf(key)).toBe(key.slice(0, 12));
});

test.each([
  ['of no mode', `sk_${random}`],
  ['of another mode', `sk_prod_${random}`],
  ['of another kind', `rk_live_${random}`],
  ['in another case', `SK_LIVE_${random}`],
  ['too short', 'sk_live_0123456789abcde'],
  ['too long', `sk_live_${'a'.repeat(201)}`],
  ['with something before it', ` sk_live_${random}`],
  ['with something after it', `sk_live_${random}\n`],
  ['with a strange character', `sk_live_${random}é`],
  ['empty', ''],
])('a text %s is no key', (_, text) => {
  expect(readApiKeyForm(text)).toBeUndefined();
});

test('a key that is not limited may do all that its kind may', () => {
  expect(effectiveScopes('secret', undefined)).toEqual(keyScopes);
  expect(effectiveScopes('publishable', undefined)).toEqual(publishableScopes);
});

test('a key has no scope that its kind cannot have', () => {
  const given = ['orders:status', 'orders:read', 'keys:write', 'no:such', 'orders:status'];

  expect(effectiveScopes('secret', given)).toEqual(['orders:status', 'orders:read']);
  expect(effectiveScopes('publishable', given)).toEqual(['orders:status']);
  expect(effectiveScopes('secret', [])).toEqual([]);
});

test('no key can make keys, read secrets or change rights', () => {
  for (const scope of ['keys:read', 'keys:write', 'secrets:write', 'team:write', 'audit:read']) {
    expect(scopesOfKind('secret')).not.toContain(scope);
    expect(scopesOfKind('publishable')).not.toContain(scope);
  }
});

test('whoever may make keys gives away nothing that they do not have', () => {
  const makers = Object.values(tenantRoles).filter((scopes) =>
    (scopes as readonly string[]).includes('keys:write'),
  );

  expect(makers.length).toBeGreaterThan(0);
  for (const scopes of makers) expect(scopes).toEqual(expect.arrayContaining([...keyScopes]));
});
