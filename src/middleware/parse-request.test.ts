import { expect, test } from 'vitest';
import { z } from 'zod';
import { Problem } from '../domain/problems.ts';
import { parseRequest } from './parse-request.ts';

const Request = z.strictObject({
  orderId: z.string('must be a text').min(1, 'must not be empty'),
  lines: z.array(z.object({ price: z.int('must be a whole number') })).optional(),
});

test('what fits is answered as parsed', () => {
  expect(parseRequest(z.object({ count: z.coerce.number() }), { count: '3' })).toEqual({
    count: 3,
  });
});

test.each([
  [{}, [{ field: 'orderId', message: 'is required' }]],
  [{ orderId: '' }, [{ field: 'orderId', message: 'must not be empty' }]],
  [{ orderId: null }, [{ field: 'orderId', message: 'must be a text' }]],
  [
    { orderId: 'A', lines: [{ price: 1 }, { price: 1.5 }] },
    [{ field: 'lines.1.price', message: 'must be a whole number' }],
  ],
])('%j is refused by field', (value, errors) => {
  const refusal = refusalOf(value);

  expect(refusal).toBeInstanceOf(Problem);
  expect(refusal).toMatchObject({ code: 'invalid-request', errors });
});

test.each([undefined, null, 7, 'text', []])('a body of %j is refused as a whole', (value) => {
  expect(refusalOf(value)).toMatchObject({ code: 'invalid-request', errors: [{ field: 'body' }] });
});

function refusalOf(value: unknown): unknown {
  try {
    return parseRequest(Request, value);
  } catch (error) {
    return error;
  }
}
