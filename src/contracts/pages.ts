import { z } from 'zod';
import type { Moment } from '../domain/moment.ts';

/** Where a list ends that is read by time. */
export const MomentPosition: z.ZodType<Moment> = z.object({
  micros: z.string().regex(/^\d{1,16}$/),
  id: z.uuid(),
});

/** A page of rows, of which one more than asked for was read: it says that there is another page. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  positionOf: (row: Row) => unknown,
): { readonly items: readonly Row[]; readonly next: string | null } {
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, next: last ? toCursor(positionOf(last)) : null };
}

/** Where the last page of a list ended, as one opaque text. */
export function toCursor(position: unknown): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** What every list takes: `limit` and the `next` of the page before. */
export function pageQuery<T extends z.ZodType>(position: T) {
  return z.object({
    limit: z.coerce.number().pipe(z.int().min(1).max(100)).default(50),
    cursor: z
      .string()
      .max(500)
      .transform((text, context) => {
        const parsed = position.safeParse(parse(text));
        if (parsed.success) return parsed.data;
        context.addIssue('must be the `next` of an earlier page');
        return z.NEVER;
      })
      .optional(),
  });
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return undefined;
  }
}
