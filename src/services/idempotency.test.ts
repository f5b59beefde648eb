import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashOf } from './idempotency.ts';

const hex = (content: unknown) => hashOf(content).toString('hex');

const content = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

/** The same members in another order, at every depth. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([name, member]) => [name, turned(member)]));
}

test('the order of members does not tell requests apart', () => {
  fc.assert(fc.property(content, (value) => hex(turned(value)) === hex(value)));
});

test('two requests have one hash if and only if they are equal', () => {
  const pair = fc.oneof(
    fc.tuple(content, content),
    content.map((value) => [value, structuredClone(value)]),
  );
  fc.assert(
    fc.property(
      pair,
      ([one, other]) => (hex(one) === hex(other)) === isDeepStrictEqual(one, other),
    ),
  );
});

test.each([
  ['another value', { amount: 1n }, { amount: 2n }],
  ['another member', { name: 'A' }, { email: 'A' }],
  ['another order of a list', { items: [1, 2] }, { items: [2, 1] }],
  ['a member more', { name: 'A' }, { name: 'A', phone: '1' }],
  ['another depth', { a: { b: 1 } }, { a: 1, b: 1 }],
  ['nothing, and null', {}, { a: null }],
])('%s tells requests apart', (_, one, other) => {
  expect(hex(one)).not.toBe(hex(other));
});

test('an optional member that is missing is as one that is not there yet', () => {
  expect(hex({ name: 'A', phone: undefined })).toBe(hex({ name: 'A' }));
});

test('an amount beyond what a double holds is told apart to the last digit', () => {
  expect(hex({ amount: 9_007_199_254_740_993n })).not.toBe(hex({ amount: 9_007_199_254_740_992n }));
});
