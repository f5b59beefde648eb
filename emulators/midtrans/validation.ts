import { parseOffsetTime } from './clock.ts';

type Json = Record<string, unknown>;
export type Item = { name: string; price: number; quantity: number };
type FeeShare = { readonly code: string; readonly percentage: number };
type Span = { readonly durationMs: number; readonly startsAt?: number | undefined };

/** The part of a create request that this emulator acts on; unknown members are left behind. */
export type CheckoutRequest = {
  readonly orderId: string;
  readonly grossAmount: number;
  readonly items: readonly Item[];
  readonly enabledPayments?: readonly string[] | undefined;
  readonly expiry?: Span | undefined;
  readonly pageExpiry?: Span | undefined;
  readonly finishUrl?: string | undefined;
  readonly customFields: Readonly<Record<string, string>>;
  /** A card is only reserved, and captured by a later call. */
  readonly isAuthorizeOnly: boolean;
  /** How much of whose fee the shopper bears; undefined when the request says nothing of it. */
  readonly feeShares?: readonly FeeShare[] | undefined;
  /** Account numbers that the merchant chose, by method code. */
  readonly customNumbers: Readonly<Record<string, string>>;
  readonly phone?: string | undefined;
};
type Outcome = { problems: string[] } | { problems?: undefined; request: CheckoutRequest };
type Rules = { now: number; strictOrderIds: boolean };

const hourMs = 3600_000;
const defaultLifeMs = 24 * hourMs;
const longestLifeMs = 7 * 24 * hourMs;
const shortestLifeMs = 20_000;
const units: Readonly<Record<string, number>> = { minute: 60_000, hour: hourMs, day: 24 * hourMs };
const numberLengths: Readonly<Record<string, readonly [number, number]>> = {
  bca_va: [6, 11],
  permata_va: [10, 10],
  bni_va: [1, 8],
  bri_va: [1, 13],
  cimb_va: [1, 12],
  danamon_va: [1, 12],
  bsi_va: [1, 12],
  seabank_va: [1, 19],
};

/** Reads the body of a create as Midtrans would; every problem is named, not only the first. */
export function validateCheckout(body: unknown, rules: Rules): Outcome {
  const root = asObject(body);
  const order = asObject(root.transaction_details);
  const problems: string[] = [];
  const grossAmount = readAmount(order.gross_amount, problems);
  const orderId = readOrderId(order.order_id, rules, problems);
  const items = readItems(root.item_details, grossAmount, problems);
  const expiry = readSpan('expiry', root.expiry, rules.now, problems);
  const pageExpiry = readSpan('page_expiry', root.page_expiry, rules.now, problems);
  const customNumbers = readCustomNumbers(root, problems);
  const isAuthorizeOnly = readCardType(root.credit_card, problems) === 'authorize';
  const feeShares = readFeeShares(root.customer_imposed_payment_fee, problems);
  checkCustomer(root.customer_details, problems);
  const customFields = readCustomFields(root, problems);
  const finishUrl = readText('callbacks.finish', asObject(root.callbacks).finish, 255, problems);
  if (problems.length > 0 || grossAmount === undefined || orderId === undefined) {
    return { problems };
  }
  const request = {
    orderId,
    grossAmount,
    items,
    expiry,
    pageExpiry,
    customFields,
    customNumbers,
    isAuthorizeOnly,
    feeShares,
    enabledPayments: readCodes(root.enabled_payments),
    finishUrl: isWebAddress(finishUrl) ? finishUrl : undefined,
    phone: phoneOf(root.customer_details),
  };
  return { request };
}

/** The page's own deadline: `page_expiry`, or else `expiry`, or else a day; never over a week. */
export function pageExpiresAt(request: CheckoutRequest, now: number): number {
  const span = request.pageExpiry ?? request.expiry;
  const end = (span?.startsAt ?? now) + (span?.durationMs ?? defaultLifeMs);
  return Math.min(end, now + longestLifeMs);
}

export function isWebAddress(text: string | undefined): text is string {
  return text !== undefined && /^https?:\/\//i.test(text) && URL.canParse(text);
}

function readAmount(value: unknown, problems: string[]): number | undefined {
  const name = 'transaction_details.gross_amount';
  if (value === undefined || value === null || value === '') {
    // Midtrans itself reports both for one that is missing.
    problems.push(`${name} is required`, `${name} is not a number`);
    return undefined;
  }
  const amount = typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  if (typeof amount !== 'number') {
    problems.push(`${name} is not a number`);
    return undefined;
  }
  const hasFraction = !Number.isSafeInteger(amount) || String(value).includes('.');
  if (hasFraction) problems.push(`${name} must be a whole number of rupiah`);
  if (amount <= 0) problems.push(`${name} must be greater than or equal to 1`);
  return amount;
}

function readOrderId(value: unknown, rules: Rules, problems: string[]): string | undefined {
  const name = 'transaction_details.order_id';
  if (typeof value !== 'string' || value === '') {
    problems.push(`${name} is required`);
    return undefined;
  }
  if (value.length > 50) problems.push(`${name} must be at most 50 characters`);
  if (rules.strictOrderIds && !/^[A-Za-z0-9\-_~.]*$/.test(value)) {
    problems.push(`${name} has characters other than letters, digits, dash, underscore, ~ and .`);
  }
  return value;
}

function readItems(value: unknown, grossAmount: number | undefined, problems: string[]): Item[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    problems.push('item_details must be a list');
    return [];
  }
  const found = problems.length;
  const items = value.map((entry, index) => readItem(asObject(entry), index, problems));
  const sum = items.reduce((total, item) => total + BigInt(item.price) * BigInt(item.quantity), 0n);
  const isComparable = problems.length === found && Number.isSafeInteger(grossAmount);
  if (isComparable && sum !== BigInt(grossAmount ?? 0)) {
    problems.push('transaction_details.gross_amount is not equal to the sum of item_details');
  }
  return items;
}

function readItem(item: Json, index: number, problems: string[]): Item {
  const name = `item_details[${index}]`;
  const text = readText(`${name}.name`, item.name, 50, problems);
  if (text === undefined || text === '') problems.push(`${name}.name is required`);
  for (const member of ['id', 'brand', 'category', 'merchant_name']) {
    const value = typeof item[member] === 'number' ? String(item[member]) : item[member];
    readText(`${name}.${member}`, value, 50, problems);
  }
  const price = readWhole(`${name}.price`, item.price, problems);
  const quantity = readWhole(`${name}.quantity`, item.quantity, problems);
  if (quantity < 1) problems.push(`${name}.quantity must be greater than or equal to 1`);
  return { name: text ?? '', price, quantity };
}

function readWhole(name: string, value: unknown, problems: string[]): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  problems.push(value === undefined ? `${name} is required` : `${name} is not a whole number`);
  return 1;
}

function readSpan(name: string, value: unknown, now: number, problems: string[]): Span | undefined {
  if (value === undefined || value === null) return undefined;
  const { duration, unit, start_time: start } = asObject(value);
  const unitMs = typeof unit === 'string' ? units[unit.replace(/s$/, '')] : undefined;
  if (unitMs === undefined) problems.push(`${name}.unit must be minute, hour or day`);
  if (!Number.isSafeInteger(duration)) problems.push(`${name}.duration is not a whole number`);
  const startsAt = typeof start === 'string' ? parseOffsetTime(start) : undefined;
  if (start !== undefined && startsAt === undefined) {
    problems.push(`${name}.start_time must look like 2026-01-15 18:11:08 +0700`);
  }
  if (unitMs === undefined || typeof duration !== 'number') return undefined;
  const durationMs = duration * unitMs;
  if ((startsAt ?? now) + durationMs < now + shortestLifeMs) {
    problems.push(`${name}.duration must end at least 20 seconds from now`);
  }
  return { durationMs, startsAt };
}

function readCustomNumbers(root: Json, problems: string[]): Record<string, string> {
  const numbers: Record<string, string> = {};
  for (const [code, [shortest, longest]] of Object.entries(numberLengths)) {
    const value = asObject(root[code]).va_number;
    if (value === undefined || value === null) continue;
    const isFitting =
      typeof value === 'string' &&
      /^\d+$/.test(value) &&
      value.length >= shortest &&
      value.length <= longest;
    if (isFitting) numbers[code] = value;
    else problems.push(`${code}.va_number must have ${shortest} to ${longest} digits`);
  }
  return numbers;
}

function readCardType(value: unknown, problems: string[]): unknown {
  const { type = 'authorize_capture' } = asObject(value);
  const isKnown = type === 'authorize' || type === 'authorize_capture' || type === null;
  if (!isKnown) problems.push('credit_card.type must be authorize or authorize_capture');
  return type;
}

function readFeeShares(value: unknown, problems: string[]): FeeShare[] | undefined {
  const { enable, payment_fee_configs: configs } = asObject(value);
  if (enable !== true) return undefined;
  const name = 'customer_imposed_payment_fee.payment_fee_configs';
  if (!Array.isArray(configs)) {
    problems.push(`${name} is required`);
    return undefined;
  }
  return configs.map((entry, index) => {
    const { payment_type: code, customer_percentage: percentage } = asObject(entry);
    if (typeof code !== 'string') problems.push(`${name}[${index}].payment_type is required`);
    const isShare = typeof percentage === 'number' && percentage >= 0 && percentage <= 100;
    if (!isShare) problems.push(`${name}[${index}].customer_percentage must be 0 to 100`);
    return { code: String(code), percentage: Number(percentage) };
  });
}

function readCustomFields(root: Json, problems: string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const name of ['custom_field1', 'custom_field2', 'custom_field3']) {
    const text = readText(name, root[name], 255, problems);
    if (text !== undefined && text !== '') fields[name] = text;
  }
  return fields;
}

function checkCustomer(value: unknown, problems: string[]): void {
  const customer = asObject(value);
  for (const member of ['first_name', 'last_name', 'email', 'phone']) {
    readText(`customer_details.${member}`, customer[member], 255, problems);
  }
}

function readText(
  name: string,
  value: unknown,
  longest: number,
  problems: string[],
): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') {
    problems.push(`${name} is not a string`);
    return undefined;
  }
  if (value.length > longest) problems.push(`${name} must be at most ${longest} characters`);
  return value;
}

function phoneOf(customer: unknown): string | undefined {
  const { phone } = asObject(customer);
  return typeof phone === 'string' && phone !== '' ? phone : undefined;
}

function readCodes(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.filter((code) => typeof code === 'string');
}

function asObject(value: unknown): Json {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? { ...value } : {};
}
