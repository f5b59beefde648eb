import { expect, test } from 'vitest';
import { faultIn, nightlyWindow } from './reconciliation-window.ts';

const jakarta = { timeZone: 'Asia/Jakarta', paymentExpiryMinutes: 1_440 };

test.each([
  ['2026-03-01T20:00:00Z', '2026-03-01'], // three in the morning of the 2nd
  ['2026-03-01T19:59:00Z', '2026-02-28'], // a minute before: still the night to the 1st
  ['2026-03-02T16:59:00Z', '2026-03-01'], // late in the evening of the 2nd
])('at %s the last night in Jakarta reconciles until %s', (at, to) => {
  expect(nightlyWindow(new Date(at), jakarta).to).toBe(to);
});

test('a night looks back as long as a page of yesterday and its bank may have taken', () => {
  const at = new Date('2026-03-05T00:00:00Z');

  expect(nightlyWindow(at, jakarta)).toEqual({ from: '2026-02-28', to: '2026-03-04' });
  const week = { ...jakarta, paymentExpiryMinutes: 10_080 };
  expect(nightlyWindow(at, week)).toEqual({ from: '2026-02-22', to: '2026-03-04' });
});

test('a change of the clocks neither skips a night nor makes one twice', () => {
  const stockholm = { timeZone: 'Europe/Stockholm', paymentExpiryMinutes: 5 };
  const start = Date.parse('2026-03-28T00:00:00Z');
  const nights = new Set<string>();
  for (let hour = 0; hour < 72; hour += 1) {
    nights.add(nightlyWindow(new Date(start + hour * 3_600_000), stockholm).to);
  }

  expect([...nights]).toEqual(['2026-03-26', '2026-03-27', '2026-03-28', '2026-03-29']);
});

test.each([
  [{ from: '2026-03-05', to: '2026-03-05' }, undefined],
  [{ from: '2026-02-03', to: '2026-03-05' }, undefined], // 31 days
  [{ from: '2026-02-02', to: '2026-03-05' }, 'from'],
  [{ from: '2026-03-05', to: '2026-03-04' }, 'from'],
  [{ from: '2026-03-05', to: '2026-03-06' }, 'to'],
])('on 5 March the fault in %j is %s', (window, field) => {
  expect(faultIn(window, '2026-03-05')?.field).toBe(field);
});
