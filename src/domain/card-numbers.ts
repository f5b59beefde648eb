/**
 * Finds card numbers, so that none is ever stored or logged: who types one into a field for a name
 * must be told, and the number forgotten. A number is one by its issuer's range, its length, its
 * check digit (Luhn), and the groups that it is written in. So an order id of digits passes
 * unless it is a card number in each of these, and a UUID passes always.
 */

/** What stands in front of, or behind, a card number: no letter or digit, or it is part of more. */
const [before, after] = ['(?<![\\p{L}\\p{N}])', '(?![\\p{L}\\p{N}])'];
const gap = '[\\s\\p{Pd}]{1,2}';

/** As people and pages group them; each is looked for from every place. */
const shapes = [
  '\\d{13,19}',
  ['\\d{4}', '\\d{4}', '\\d{4}', '\\d{1,4}'].join(gap),
  ['\\d{4}', '\\d{4}', '\\d{4}', '\\d{4}', '\\d{3}'].join(gap),
  ['\\d{4}', '\\d{6}', '\\d{4,5}'].join(gap),
  ['\\d{6}', '\\d{13}'].join(gap),
].map((shape) => new RegExp(`${before}(?=(${shape})${after})`, 'gu'));

/** Issuers by how their numbers begin, with the lengths that they give out. */
const issuers: readonly (readonly [RegExp, readonly number[]])[] = [
  [/^4/, [13, 16, 19]], // Visa
  [/^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]], // Mastercard
  [/^3[47]/, [15]], // American Express
  [/^3(?:0[0-5]|[689])/, [14, 15, 16, 17, 18, 19]], // Diners Club
  [/^35(?:2[89]|[3-8])/, [16, 17, 18, 19]], // JCB
  [/^(?:6011|64[4-9]|65)/, [16, 17, 18, 19]], // Discover
  [/^62/, [16, 17, 18, 19]], // UnionPay
  [/^(?:5018|5020|5038|5893|6304|6759|676[1-3])/, [13, 14, 15, 16, 17, 18, 19]], // Maestro
];

/** E.164: no telephone number is longer. */
const longestTelephone = 15;

type Found = { readonly index: number; readonly text: string };

/** Where card numbers stand in a text. After a plus, only what is too long for a telephone. */
export function findCardNumbers(text: string): Found[] {
  return shapes.flatMap((shape) =>
    [...text.matchAll(shape)].flatMap(({ index, 1: written = '' }) => {
      const digits = written.replace(/\D/g, '');
      const isTelephone = text[index - 1] === '+' && digits.length <= longestTelephone;
      return isCardNumber(digits) && !isTelephone ? [{ index, text: written }] : [];
    }),
  );
}

/** Whether a member of a body holds a card number. In one for a telephone, a short one passes. */
export function holdsCardNumber(value: string | number, { name }: { readonly name: string }) {
  // Full-width and other digits are digits to whoever reads them.
  const text = String(value).normalize('NFKC');
  return (
    findCardNumbers(/phone|telp|mobile/i.test(name) ? `+${text.trim().replace(/^\+/, '')}` : text)
      .length > 0
  );
}

function isCardNumber(digits: string): boolean {
  const isIssued = issuers.some(
    ([start, lengths]) => start.test(digits) && lengths.includes(digits.length),
  );
  return isIssued && luhnSum(digits) % 10 === 0;
}

/** A plain loop: a hostile body makes thousands of candidates. */
function luhnSum(digits: string): number {
  let sum = 0;
  for (let place = 1; place <= digits.length; place += 1) {
    const value = (digits.charCodeAt(digits.length - place) - 48) * (place % 2 === 0 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return sum;
}
