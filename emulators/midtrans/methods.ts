import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { jakartaTime } from './clock.ts';

export type Device = 'phone' | 'desktop';
export type Details = Record<string, unknown>;
type Group = 'card' | 'bank' | 'wallet' | 'shop' | 'credit' | 'legacy';

/** What a method may look at when it makes the fields that identify a transaction. */
type Choice = { device: Device; customNumber?: string | undefined; phone?: string | undefined };
type Receipt = { amount: string; at: number };

export type Method = {
  readonly code: string;
  readonly name: string;
  readonly group: Group;
  readonly lifeMs: number;
  /** False where the provider sets the deadline itself and the merchant's `expiry` is ignored. */
  readonly takesExpiry: boolean;
  readonly paymentType: (device: Device) => string;
  readonly details: (choice: Choice) => Details;
  readonly paidDetails: (paymentType: string, receipt: Receipt) => Details;
};

const minute = 60_000;
const day = 24 * 60 * minute;
const base = {
  lifeMs: day,
  takesExpiry: true,
  details: () => ({}),
  paidDetails: () => ({}),
};

export const methods: readonly Method[] = [
  method('credit_card', 'Credit or debit card', 'card', {
    lifeMs: 10 * minute,
    takesExpiry: false,
  }),
  bank('bca', 'BCA virtual account', { prefix: '12608', digits: 11 }),
  bank('bni', 'BNI virtual account', { prefix: '98812608', digits: 8 }, (receipt) => [
    { paid_at: jakartaTime(receipt.at), amount: receipt.amount },
  ]),
  bank('bri', 'BRI virtual account', { prefix: '12608', digits: 13 }),
  method('echannel', 'Mandiri Bill Payment', 'bank', {
    details: () => ({ biller_code: '70012', bill_key: digits(12) }),
  }),
  method('permata_va', 'Permata virtual account', 'bank', {
    paymentType: () => 'bank_transfer',
    details: ({ customNumber }) => ({ permata_va_number: `856200${customNumber ?? digits(10)}` }),
  }),
  bank('cimb', 'CIMB Niaga virtual account', { prefix: '7810', digits: 12 }),
  bank('danamon', 'Danamon virtual account', { prefix: '7815', digits: 12 }),
  bank('bsi', 'BSI virtual account', { prefix: '9347', digits: 12 }),
  bank('seabank', 'SeaBank virtual account', { prefix: '', digits: 19 }),
  bank('saqu', 'Bank Saqu virtual account', { prefix: '1260', digits: 12 }),
  // The page calls it "other banks"; the number behind it is one of BNI's.
  { ...bank('bni', 'Other banks', { prefix: '98812608', digits: 8 }), code: 'other_va' },
  method('gopay', 'GoPay', 'wallet', {
    lifeMs: 15 * minute,
    paymentType: (device) => (device === 'phone' ? 'gopay' : 'qris'),
    details: ({ device }) => (device === 'phone' ? {} : { acquirer: 'gopay' }),
    paidDetails: (paymentType) =>
      paymentType === 'qris' ? paidByQris('gopay') : { payment_option_type: 'GOPAY_WALLET' },
  }),
  method('shopeepay', 'ShopeePay', 'wallet', {
    lifeMs: 15 * minute,
    paymentType: (device) => (device === 'phone' ? 'shopeepay' : 'qris'),
    details: ({ device }) => ({
      ...(device === 'phone' ? {} : { acquirer: 'airpay shopee' }),
      shopeepay_reference_number: digits(18),
      reference_id: `DL-${randomBytes(11).toString('hex')}`,
    }),
    paidDetails: (paymentType) => (paymentType === 'qris' ? paidByQris('shopeepay') : {}),
  }),
  method('other_qris', 'QRIS', 'wallet', {
    lifeMs: 15 * minute,
    paymentType: () => 'qris',
    details: () => ({ acquirer: 'gopay' }),
    paidDetails: () => paidByQris('gopay'),
  }),
  method('dana', 'DANA', 'wallet', { lifeMs: 15 * minute }),
  method('ovo', 'OVO', 'wallet', {
    lifeMs: 65_000,
    takesExpiry: false,
    details: ({ phone }) => ({
      payer_phone_number: phone ?? '081111111111',
      merchant_invoice: `INV-${digits(10)}`,
    }),
  }),
  shop('indomaret', 'Indomaret', () => ({
    approval_code: randomBytes(6).toString('hex').toUpperCase(),
  })),
  shop('alfamart', 'Alfamart'),
  method('akulaku', 'Akulaku PayLater', 'credit', { lifeMs: 120 * minute }),
  method('kredivo', 'Kredivo', 'credit', { lifeMs: 120 * minute }),
  method('cimb_clicks', 'OCTO Clicks', 'legacy'),
  method('bca_klikbca', 'KlikBCA', 'legacy'),
  method('bca_klikpay', 'BCA KlikPay', 'legacy'),
  method('bri_epay', 'BRImo', 'legacy'),
  method('danamon_online', 'Danamon Online Banking', 'legacy'),
  method('uob_ezpay', 'UOB EZ Pay', 'legacy'),
  { ...shop('kioson', 'Kioson'), group: 'legacy' },
];

const byCode = new Map(methods.map((entry) => [entry.code, entry]));
const shops = ['indomaret', 'alfamart'];
const aliases: Record<string, readonly string[]> = {
  bank_transfer: methods.filter(isVirtualAccount).map(({ code }) => code),
  cstore: shops,
  store: shops,
};
/** The older codes still work, but only where a merchant asks for them by name. */
const offeredByDefault = methods.filter(({ group }) => group !== 'legacy').map(({ code }) => code);

export function findMethod(code: string): Method | undefined {
  return byCode.get(code);
}

export function getMethod(code: string): Method {
  const found = byCode.get(code);
  if (!found) throw new Error(`The books name a payment method ${code} that does not exist.`);
  return found;
}

/** What a page offers: aliases spelled out, unknown codes left out; nothing known means everything. */
export function expandMethods(enabled: readonly string[] | undefined): string[] {
  const expanded = (enabled ?? []).flatMap((code) => aliases[code] ?? [code]);
  const known = [...new Set(expanded)].filter((code) => byCode.has(code));
  return known.length > 0 ? known : offeredByDefault;
}

/** How long after the payment, and in what amounts, it can be refunded. */
type RefundPolicy = { readonly days?: number; readonly isWholeOnly?: true };

/** Whatever is not here has no refunds: virtual accounts, Mandiri Bill, shops, online banking. */
const refundPolicies: Readonly<Record<string, RefundPolicy>> = {
  credit_card: {},
  gopay: { days: 45 },
  qris: { days: 45 },
  shopeepay: { days: 365, isWholeOnly: true },
  dana: { days: 45 },
  ovo: { days: 7, isWholeOnly: true },
  akulaku: {},
  kredivo: { days: 14 },
};

export function refundPolicyOf(paymentType: string): RefundPolicy | undefined {
  return refundPolicies[paymentType];
}

/** The three channels whose bank can take a settled payment back within minutes. */
export function allowsReversal(method: string): boolean {
  return ['permata_va', 'echannel', 'indomaret'].includes(method);
}

function method(code: string, name: string, group: Group, special: Partial<Method> = {}): Method {
  return { ...base, paymentType: () => code, ...special, code, name, group };
}

function bank(
  word: string,
  name: string,
  number: { prefix: string; digits: number },
  payments: (receipt: Receipt) => unknown[] = () => [],
): Method {
  return method(`${word}_va`, name, 'bank', {
    paymentType: () => 'bank_transfer',
    details: ({ customNumber }) => ({
      va_numbers: [
        { bank: word, va_number: number.prefix + (customNumber ?? digits(number.digits)) },
      ],
      payment_amounts: [],
    }),
    paidDetails: (_paymentType, receipt) => ({ payment_amounts: payments(receipt) }),
  });
}

function shop(store: string, name: string, paidDetails: () => Details = () => ({})): Method {
  return method(store, name, 'shop', {
    paymentType: () => 'cstore',
    details: () => ({ store, payment_code: digits(18) }),
    paidDetails,
  });
}

function paidByQris(issuer: string): Details {
  return { transaction_type: 'on-us', issuer, merchant_cross_reference_id: randomUUID() };
}

function isVirtualAccount(entry: Method): boolean {
  return entry.group === 'bank';
}

function digits(count: number): string {
  // Never a leading zero: a person reads these numbers aloud and types them in.
  const rest = Array.from({ length: count - 1 }, () => randomInt(10)).join('');
  return `${randomInt(1, 10)}${rest}`;
}
