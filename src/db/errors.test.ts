import pg from 'pg';
import { expect, test } from 'vitest';
import { Problem } from '../domain/problems.ts';
import { isAborted, isConflict, isUnavailable, unavailable } from './errors.ts';

test.each([
  ['40001', true],
  ['40P01', true],
  ['23505', false],
  ['57014', false],
])('%s is a conflict: %s', (code, expected) => {
  expect(isConflict(databaseError(code))).toBe(expected);
});

test.each([
  ['a lost connection', databaseError('08006'), true],
  ['too many connections', databaseError('53300'), true],
  ['a full disk', databaseError('53100'), true],
  ['a server that stops', databaseError('57P01'), true],
  ['a server that starts', databaseError('57P03'), true],
  ['a lock that was not had', databaseError('55P03'), true],
  ['a statement that took too long', databaseError('57014'), true],
  ['an idle transaction that was ended', databaseError('25P03'), true],
  ['a closed port', systemError('ECONNREFUSED'), true],
  ['a reset', systemError('ECONNRESET'), true],
  ['an unknown host', systemError('ENOTFOUND'), true],
  ['a full pool', new Error('timeout exceeded when trying to connect'), true],
  ['a connection that ended', new Error('Connection terminated unexpectedly'), true],
  ['a violated constraint', databaseError('23505'), false],
  ['a missing right', databaseError('42501'), false],
  ['an aborted transaction', databaseError('25P02'), false],
  ['a missing file', systemError('ENOENT'), false],
  [
    'a code that merely looks like it',
    Object.assign(new Error('x'), { code: 'ECONNRESET' }),
    false,
  ],
  ['another error', new Error('out of paper'), false],
  ['a text', 'Connection terminated unexpectedly', false],
])('%s makes the database unavailable: %#', (_, error, expected) => {
  expect(isUnavailable(error)).toBe(expected);
});

test('only the echo of a failed statement counts as aborted', () => {
  expect(isAborted(databaseError('25P02'))).toBe(true);
  expect(isAborted(databaseError('25P03'))).toBe(false);
  expect(isAborted(new Error('25P02'))).toBe(false);
});

test('an unavailable database is a problem that keeps its cause to itself', () => {
  const cause = new Error('connect ECONNREFUSED 10.0.0.7:5432');

  const problem = unavailable(cause);

  expect(problem).toBeInstanceOf(Problem);
  expect(problem).toMatchObject({ code: 'database-unavailable', retryAfter: 2, cause });
  expect(JSON.stringify(problem.toBody('r-1'))).not.toContain('10.0.0.7');
});

function databaseError(code: string, message = 'refused', fields: object = {}): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError(message, message.length, 'error'), { code, ...fields });
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: 'connect' });
}
