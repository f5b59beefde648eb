import { randomInt } from 'node:crypto';
import type { Details } from './methods.ts';

export type CardResult = 'accept' | 'challenge' | 'bank-deny' | 'fraud-deny' | 'no-funds';
type TestCard = {
  readonly result: CardResult;
  /** Asks for the one-time password first. */
  readonly asksOtp?: true;
  /** Stays pending and gets its result a minute later. */
  readonly isSlow?: true;
  /** The result holds above this amount only; up to it the card is good. */
  readonly above?: number;
  readonly is3ds?: true;
};

export const otp = '112233';
export const demoCard = '4811111111111114';
export const slowCardMs = 60_000;

const cards: Readonly<Record<string, TestCard>> = {
  '4811111111111114': { result: 'accept', asksOtp: true, is3ds: true },
  '5211111111111117': { result: 'accept', asksOtp: true, is3ds: true },
  '4911111111111113': { result: 'bank-deny', asksOtp: true, is3ds: true },
  '5111111111111118': { result: 'bank-deny', asksOtp: true, is3ds: true },
  '4411111111111118': { result: 'accept' },
  '5410111111111116': { result: 'accept' },
  '4611111111111116': { result: 'fraud-deny' },
  '5411111111111115': { result: 'fraud-deny' },
  '4711111111111115': { result: 'bank-deny' },
  '5511111111111114': { result: 'bank-deny' },
  '4556557955726624': { result: 'accept', is3ds: true },
  '4485436455354151': { result: 'bank-deny', is3ds: true },
  '4916994064252017': { result: 'accept', asksOtp: true, is3ds: true },
  '4604633194219929': { result: 'bank-deny', asksOtp: true, is3ds: true },
  '4024007176265022': { result: 'accept', isSlow: true },
  '5487971631330522': { result: 'accept', isSlow: true },
  '4472429869996670': { result: 'no-funds' },
  '4806000000000081': { result: 'no-funds', above: 30_000 },
  '4705859510984866': { result: 'bank-deny' },
  // No list has a card for this one today; the number is the one of Midtrans' own samples.
  '4511111111111117': { result: 'challenge' },
};

export type CardEntry = { number: string; expiry: string; cvv: string };
export type CardPlan = {
  readonly result: CardResult;
  readonly step: 'now' | 'otp' | 'delayed';
  readonly details: Details;
};

/** What will become of a payment with this card; a sentence for the person when it cannot be tried. */
export function planCard(
  entry: CardEntry,
  { amount, now }: { amount: number; now: number },
): CardPlan | { problem: string } {
  const number = entry.number.replaceAll(/[\s-]/g, '');
  const card = cards[number];
  if (!card) return { problem: 'This is not one of the sandbox test cards.' };
  if (!isFuture(entry.expiry, now)) return { problem: 'The expiry must be a future month, MM/YY.' };
  if (!/^\d{3}$/.test(entry.cvv)) return { problem: 'The CVV has three digits.' };

  const details = cardDetails(number, card);
  if (entry.cvv !== '123') return { result: 'bank-deny', step: 'now', details };
  const isWithin = card.above !== undefined && amount <= card.above;
  return {
    result: isWithin ? 'accept' : card.result,
    step: card.asksOtp ? 'otp' : card.isSlow ? 'delayed' : 'now',
    details,
  };
}

/** The fields that only a decided card payment has. */
export function decidedCardDetails(result: CardResult, now: number): Details {
  switch (result) {
    case 'accept':
    case 'challenge':
      return {
        approval_code: `${now}${randomInt(10)}`.slice(-13),
        channel_response_code: '00',
        channel_response_message: 'Approved',
      };
    case 'bank-deny':
      return { channel_response_code: '05', channel_response_message: 'Do not honour' };
    case 'fraud-deny':
      return { channel_response_code: '00', channel_response_message: 'Approved' };
    case 'no-funds':
      return { channel_response_code: '51', channel_response_message: 'Insufficient Funds' };
    default:
      throw new Error(`No such card result: ${result satisfies never}`);
  }
}

function cardDetails(number: string, card: TestCard): Details {
  return {
    masked_card: `${number.slice(0, 8)}-${number.slice(-4)}`,
    bank: 'bni',
    card_type: 'credit',
    eci: card.is3ds ? '05' : '07',
    ...(card.is3ds && { three_ds_version: '2', challenge_completion: card.asksOtp === true }),
  };
}

function isFuture(expiry: string, now: number): boolean {
  const parts = /^(0[1-9]|1[0-2])\s*\/\s*(?:20)?(\d{2})$/.exec(expiry.trim());
  if (!parts) return false;
  // A card is good until its month is over, and months are counted from nought here.
  return Date.UTC(2000 + Number(parts[2]), Number(parts[1]), 1) > now;
}
