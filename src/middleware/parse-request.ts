import type { z } from 'zod';
import { type FieldError, Problem } from '../domain/problems.ts';

/**
 * Parses what a client sent; inside, types are trusted.
 *
 * @throws Problem `invalid-request` with one error per field
 */
export function parseRequest<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Problem('invalid-request', 'Some fields are not as they should be.', {
    errors: firstPerField(
      parsed.error.issues.map((issue) => ({
        field: issue.path.join('.') || 'body',
        message: isMissing(issue, value) ? 'is required' : issue.message,
      })),
    ),
  });
}

/** A person mends one fault of a field at a time. */
function firstPerField(errors: readonly FieldError[]): FieldError[] {
  return errors.filter(
    ({ field }, index) => errors.findIndex((error) => error.field === field) === index,
  );
}

function isMissing({ path }: z.core.$ZodIssue, value: unknown): boolean {
  const [name] = path;
  const isObject = typeof value === 'object' && value !== null;
  return path.length === 1 && isObject && !(String(name) in value);
}
