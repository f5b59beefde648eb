import { expect, test } from 'vitest';
import { fastestMs } from '../../test/support/fastest.ts';
import { findCardNumbers, holdsCardNumber } from './card-numbers.ts';

const holds = (value: string | number, name = 'note') => holdsCardNumber(value, { name });

test.each([
  ['Visa', '4911111111111113'],
  ['Visa of 13 digits', '4222222222222'],
  ['Visa of 19 digits', '4000000000000000006'],
  ['Mastercard', '5555555555554444'],
  ['Mastercard that begins with 2', '2223003122003222'],
  ['American Express', '378282246310005'],
  ['Diners Club', '30569309025904'],
  ['JCB', '3530111333300000'],
  ['Discover', '6011111111111117'],
  ['UnionPay', '6200000000000005'],
  ['Maestro', '6304000000000000'],
  ['a number', 4_911_111_111_111_113],
  ['spaces', '4911 1111 1111 1113'],
  ['dashes', '4911-1111-1111-1113'],
  ['an en dash', '4911–1111–1111–1113'],
  ['hard spaces', '4911\u00a01111\u00a01111\u00a01113'],
  ['groups of American Express', '3782 822463 10005'],
  ['groups of Diners Club', '3056-930902-5904'],
  ['a text around', 'please charge 4911111111111113, thanks'],
  ['a number before', '2026 4911 1111 1111 1113'],
  ['what stands on its back', '4911 1111 1111 1113 123'],
  ['its end', '4911111111111113 12/27'],
  ['full-width digits', '４９１１１１１１１１１１１１１３'],
  ['a mark before', '#4911111111111113'],
  ['a plus before', '+4911111111111113'],
  ['two pluses before', '++4911111111111113'],
])('%s is found: %s', (_, text) => {
  expect(holds(text)).toBe(true);
});

test.each([
  ['an order id of digits', '4911111111111112'],
  ['an order id of a date', '2026112000000017'],
  ['an order id of an unknown issuer', '1234567890123452'],
  ['twelve digits', '491111111111'],
  ['twenty digits', '49111111111111130000'],
  ['a UUID that could be grouped', '40000000-0000-4000-8000-000000000006'],
  ['a UUID that ends in one', '00000000-0000-4000-8000-491111111113'],
  ['digits among letters', 'a4911111111111113f'],
  ['an order id with letters', 'ORDER4911111111111113'],
  ['milliseconds', '1763660000000'],
  ['an amount', 150_000],
  ['a masked one', '491111-1113'],
  ['a telephone number', '+4915123456787'],
  ['a telephone number of Indonesia', '+62 812 3456 7890'],
  ['nothing', ''],
])('%s passes: %s', (_, text) => {
  expect(holds(text)).toBe(false);
});

test.each([
  ['4915123456787', false],
  ['49 151 2345 6787', false],
  ['4911 1111 1111 1113', true],
])('of a telephone: %s is found: %s', (text, expected) => {
  expect(holds(text, 'phone')).toBe(expected);
});

test('a German telephone number that is a Visa of old passes as telephone only', () => {
  expect(holds('4915123456787')).toBe(true);
});

test('each is found where it stands', () => {
  const text = 'one 4911 1111 1111 1113, two 5555555555554444';

  const found = findCardNumbers(text).map(({ index, text: number }) => [index, number]);

  expect(found.sort()).toEqual([
    [29, '5555555555554444'],
    [4, '4911 1111 1111 1113'],
  ]);
});

test.each([
  ['digits', '4'.repeat(65_000)],
  ['groups', '4911 '.repeat(13_000)],
  ['gaps', `4911${' '.repeat(64_000)}`],
  ['dashes', '4-'.repeat(32_000)],
])('a long text of %s takes no long time', async (_, text) => {
  expect(await fastestMs(() => holds(text))).toBeLessThan(50);
});
