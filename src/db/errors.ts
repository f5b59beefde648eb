import pg from 'pg';
import { Problem } from '../domain/problems.ts';

/** Another transaction was in the way; the same work may be run again. */
export function isConflict(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === '40001' || error.code === '40P01');
}

/** An earlier statement of the transaction failed, so this one was not run. */
export function isAborted(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '25P02';
}

/** Classes of SQLSTATE that say the server, not the statement, is the trouble. */
const unavailableClasses = ['08', '53', '57P', '55P03', '57014', '25P03'];
const unavailableMessages =
  /timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error|not queryable/;
const unavailableSystemCodes = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND'];

/** The database is away, full, or too slow: a client may try again. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) {
    return unavailableClasses.some((start) => error.code?.startsWith(start));
  }
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  return (
    (typeof code === 'string' && unavailableSystemCodes.includes(code) && 'syscall' in error) ||
    unavailableMessages.test(error.message)
  );
}

export function unavailable(cause: unknown): Problem {
  return new Problem('database-unavailable', 'Please try again in a moment.', {
    cause,
    retryAfter: 2,
  });
}
