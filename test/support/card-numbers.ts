const uuids = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
/** 13 to 19 digits, as people and machines write them; not a part of a word, a hash or a decimal. */
const candidates = /(?<![\w.+\\])\d(?:[ -]?\d){12,18}(?![\w.])/g;

/** The first digits and the lengths of what the card schemes issue. */
const issuers: readonly (readonly [start: RegExp, lengths: readonly number[]])[] = [
  [/^4/, [13, 16, 19]], // Visa
  [/^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]], // Mastercard
  [/^3[47]/, [15]], // American Express
  [/^(?:30[0-5]|3[689])/, [14, 16]], // Diners Club
  [/^(?:6011|64[4-9]|65)/, [16, 19]], // Discover
  [/^35(?:2[89]|[3-8])/, [16, 17, 18, 19]], // JCB
  [/^62/, [16, 17, 18, 19]], // UnionPay
];

/** What in a text may be the number of a payment card: an issuer's digits, and Luhn's sum. */
export function cardNumbersIn(text: string): string[] {
  const found = text.replaceAll(uuids, ' ').match(candidates) ?? [];
  return found.filter((written) => isCardNumber(written.replaceAll(/\D/g, '')));
}

function isCardNumber(digits: string): boolean {
  const isIssued = issuers.some(
    ([start, lengths]) => start.test(digits) && lengths.includes(digits.length),
  );
  return isIssued && luhnSum(digits) % 10 === 0;
}

function luhnSum(digits: string): number {
  return [...digits].reverse().reduce((sum, digit, at) => {
    const value = Number(digit) * (at % 2 === 1 ? 2 : 1);
    return sum + (value > 9 ? value - 9 : value);
  }, 0);
}
