import type { Request } from 'express';
import { z } from 'zod';
import { Refusal } from '../refusal.ts';

/** Reads the body of a control call; none at all is an empty object. */
export function parseBody<Schema extends z.ZodType>(schema: Schema, req: Request) {
  return parse(schema, req.body ?? {});
}

export function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (!result.success) throw new Refusal('bad-request', z.prettifyError(result.error));
  return result.data;
}
