import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { mutate } from './mutant.ts';
import { mutants } from './mutants.ts';
import { type Report, verdictOf } from './verdict.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A run of one file, with how each of its tests ended: well, or by this message. */
function runOf(...endings: (string | undefined)[]): Report {
  const assertionResults = endings.map((message, at) => ({
    fullName: `test ${at}`,
    status: message === undefined ? 'passed' : 'failed',
    failureMessages: message === undefined ? [] : [message],
  }));
  return { testResults: [{ name: 'a.test.ts', assertionResults }] };
}

const clean = new Map([['a.test.ts', 2]]);
const assertion = 'AssertionError: expected 1 to be 2\n    at /tree/a.test.ts:1:1';
const bare =
  'Error: promise resolved instead of rejecting\n    at _Assertion.__VITEST_REJECTS__ (x)';
const accident = 'TypeError: x is undefined\n    at f (/tree/a.ts:1:1)\n    at _Assertion.y (x)';

// Here and not in their own run, so that whoever changes a protection hears of it at once.
test.each(mutants)('$name fits the tree', async ({ name, edits, tests }) => {
  for (const edit of edits) {
    const source = await readFile(`${root}/${edit.file}`, 'utf8');
    expect(mutate(name, source, edit)).not.toBe(source);
  }
  expect(tests.filter((file) => !existsSync(`${root}/${file}`))).toEqual([]);
});

test('each mutant has a name of its own', () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});

test.each([
  ['is gone', 'one'],
  ['occurs twice', 'text text'],
])('a mutant whose text %s is out of date', (_, source) => {
  const edit = { file: 'a.ts', text: 'text', replacement: '' };

  expect(() => mutate('my-mutant', source, edit)).toThrow('"my-mutant" is out of date');
});

test('a replacement is taken as it stands', () => {
  const edit = { file: 'a.ts', text: 'where id = 1', replacement: 'where id = $1$&' };

  expect(mutate('my-mutant', 'select where id = 1;', edit)).toBe('select where id = $1$&;');
});

test.each([assertion, bare])('an assertion that fails kills', (message) => {
  expect(verdictOf(runOf(undefined, message), clean)).toEqual({ kind: 'killed', by: 'test 1' });
});

test('a mutant that no test notices survives', () => {
  expect(verdictOf(runOf(undefined, undefined), clean)).toEqual({ kind: 'survived' });
});

test('a run that stops at the assertion that fails is enough', () => {
  const report = runOf(assertion);

  expect(verdictOf(report, new Map([...clean, ['b.test.ts', 1]])).kind).toBe('killed');
});

test.each([
  ['an accident', runOf(undefined, accident)],
  ['a test that did not run', runOf(undefined)],
  ['a file that did not load', { testResults: [{ name: 'a.test.ts', assertionResults: [] }] }],
  ['a file that is not there', { testResults: [] }],
])('%s proves nothing', (_, report) => {
  expect(verdictOf(report, clean).kind).toBe('proves-nothing');
});
