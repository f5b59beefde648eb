import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { currencies, currencyOf, formatMoney, toDecimal } from './money.ts';

/** `Intl` writes spaces that do not break; people see spaces. */
const seen = (text: string) => text.replaceAll(/\s/g, ' ');

test.each([
  [150_000n, 'IDR', 'id', 'Rp 150.000'],
  [150_000n, 'IDR', 'en', 'IDR 150,000'],
  [150_000n, 'IDR', 'sv', '150 000 IDR'],
  [15_000_000n, 'SEK', 'sv', '150 000 kr'],
  [15_050n, 'SEK', 'sv', '150,50 kr'],
  [15_050n, 'USD', 'en', 'USD 150.50'],
  [9_007_199_254_740_993n, 'IDR', 'en', 'IDR 9,007,199,254,740,993'],
] as const)('%s minor units of %s read %s', (amount, currency, locale, text) => {
  expect(seen(formatMoney({ amount, currency }, locale))).toBe(text);
});

test('minor units become a decimal text without a float on the way', () => {
  expect(toDecimal({ amount: 5n, currency: 'SEK' })).toBe('0.05');
  expect(toDecimal({ amount: -150n, currency: 'SEK' })).toBe('-1.50');
  expect(toDecimal({ amount: 9_007_199_254_740_993n, currency: 'SEK' })).toBe('90071992547409.93');
});

test('a currency that Kassa does not know is refused', () => {
  expect(() => currencyOf('XXX')).toThrow('XXX');
});

test('the database knows the same currencies', async () => {
  const migration = await readFile('migrations/0002-plans-and-tenants.ts', 'utf8');

  const list = /tenants_currency_known check \(currency in\s+\(([^)]+)\)/.exec(migration)?.[1];

  expect(list?.match(/[A-Z]{3}/g)).toEqual([...currencies]);
});
