import { expect, test } from 'vitest';
import { summarise } from './isolation-reporter.ts';
import { type IsolationWay, isolationWays } from './isolation-tries.ts';

const triesOf = (way: IsolationWay, tried: number, crossed = 0) => ({ way, tried, crossed });

test('tries of all ways are added up, and what got across', () => {
  const all = [triesOf('matrix', 4_000), triesOf('matrix', 1_000, 1), triesOf('http', 300, 2)];

  expect(summarise(all).text).toBe('isolation: 5300 tries, 3 crossed\n  matrix 5000, http 300');
});

test('the seeds of chance are told', () => {
  const all = [{ ...triesOf('pool', 10), seed: 7 }];

  expect(summarise(all).text).toContain('seed 7: KASSA_ISOLATION_SEED repeats it');
});

test.each([
  ['every way with few tries', isolationWays, 99, true],
  [
    'every way but PgBouncer with few tries',
    isolationWays.filter((way) => way !== 'pgbouncer'),
    99,
    true,
  ],
  ['every way with enough tries', isolationWays, 1_000, false],
  ['a part of the ways', isolationWays.slice(1), 10, false],
])('a run of %s is judged', (_, ways, tried, isTooLittle) => {
  const all = ways.map((way) => triesOf(way, tried));

  expect(summarise(all).isTooLittle).toBe(isTooLittle);
});
