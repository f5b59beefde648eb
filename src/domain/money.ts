/**
 * Money is an integer of minor units and an ISO 4217 currency; never a float, never a bare number.
 *
 * The exponent says how many decimals one unit of the currency has HERE. For the rupiah that is 0
 * although ISO 4217 lists 2: the sen has not been in circulation for decades, storefronts and
 * Midtrans count whole rupiah. Only a provider's adapter converts to that provider's own units.
 */
const exponents = {
  IDR: 0,
  JPY: 0,
  SEK: 2,
  NOK: 2,
  DKK: 2,
  EUR: 2,
  USD: 2,
  GBP: 2,
  SGD: 2,
} as const;

export type Currency = keyof typeof exponents;
export type Money = { readonly amount: bigint; readonly currency: Currency };

export const currencies = Object.keys(exponents) as readonly Currency[];

/** Reads a currency code from the database or a provider; throws on one that Kassa does not know. */
export function currencyOf(code: string): Currency {
  const known = currencies.find((currency) => currency === code);
  if (!known) throw new Error(`Kassa does not know the currency ${code}.`);
  return known;
}

/** Minor units as a decimal text with the currency's decimals: 15000 SEK minor units → "150.00". */
export function toDecimal({ amount, currency }: Money): string {
  const exponent = exponents[currency];
  if (exponent === 0) return amount.toString();
  const sign = amount < 0n ? '-' : '';
  const digits = (amount < 0n ? -amount : amount).toString().padStart(exponent + 1, '0');
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/**
 * The amount as a person of that language reads it: `Rp 150.000` (id), `150 000 kr` (sv),
 * `IDR 150,000` (en). Decimals appear only where there are some.
 */
export function formatMoney({ amount, currency }: Money, locale: string): string {
  const unit = 10n ** BigInt(exponents[currency]);
  const format = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    currencyDisplay: locale === 'en' ? 'code' : 'symbol',
    minimumFractionDigits: amount % unit === 0n ? 0 : exponents[currency],
    maximumFractionDigits: exponents[currency],
  });
  // Intl takes a decimal text as it is, so that no amount passes through a float; TypeScript's
  // library knows this only as a template type.
  return format.format(toDecimal({ amount, currency }) as `${number}`);
}
