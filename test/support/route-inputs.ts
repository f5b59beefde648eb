import { z } from 'zod';
import * as ids from '../../src/domain/ids.ts';

/** The kinds of id by the schema that a route names them with. */
const kindOf = new Map<unknown, string>(
  Object.entries(ids).map(([name, schema]) => [schema, name]),
);

export type Part = 'params' | 'query' | 'body';
/** Where a route takes an id. */
export type Place = { readonly part: Part; readonly name: string; readonly kind: string };

type Schemas = { readonly [key in Part]?: z.ZodType | 'raw' };

/**
 * The places of a route at which an id may stand, read from its schemas. A parameter that is no
 * known kind of id, and a bare UUID anywhere, is an error: nobody would try it with foreign ids.
 */
export function placesOf(route: Schemas): Place[] {
  return (['params', 'query', 'body'] as const).flatMap((part) => {
    const schema = route[part];
    if (schema === undefined || schema === 'raw') return [];
    return membersOf(schema).flatMap(([name, member]) => {
      const kind = kindIn(member);
      if (kind !== undefined) return [{ part, name, kind }];
      if (part !== 'params' && !hasBareUuid(member)) return [];
      throw new Error(`${part}.${name} is no kind of id of src/domain/ids.ts.`);
    });
  });
}

/** An object that the schema takes, with what is given and no more than it must have. */
export function sampleOf(
  schema: z.ZodType,
  given: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const made = membersOf(schema)
    .filter(([name, member]) => !(name in given) && !isOptional(member))
    .map(([name, member]) => [name, valueFor(name, member)]);
  const sample = { ...Object.fromEntries(made), ...given };
  const parsed = schema.safeParse(sample);
  if (parsed.success) return sample;
  throw new Error(`No sample of a body: ${JSON.stringify(sample)}: ${parsed.error.message}`);
}

/** What fits, by trying: schemas say what they take in too many ways to read it from them. */
const candidates: readonly unknown[] = [
  'A sentence.',
  'someone@shop.example',
  'ORDER-sample',
  '2026-01-15',
  0,
  1_000,
  true,
  'https://shop.example',
  [],
  ['https://shop.example'],
  {},
  'a-sample',
  'A long enough passphrase, 2026',
  30,
  '123456',
  // As long as a token that was mailed.
  'sample-of-a-token'.padEnd(43, '0'),
];

function valueFor(name: string, member: z.ZodType): unknown {
  const options = unwrapped(member) instanceof z.ZodEnum ? enumValuesOf(member) : [];
  const found = [...options, ...candidates].find((value) => member.safeParse(value).success);
  if (found !== undefined) return found;
  throw new Error(`No candidate fits the body's ${name}; give test/support/route-inputs.ts one.`);
}

function enumValuesOf(member: z.ZodType): readonly unknown[] {
  const inner = unwrapped(member);
  return inner instanceof z.ZodEnum ? inner.options : [];
}

function membersOf(schema: z.ZodType): [string, z.ZodType][] {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodObject) return Object.entries(inner.shape) as [string, z.ZodType][];
  // One of the shapes will do.
  if (inner instanceof z.ZodUnion) return membersOf(inner.options[0] as z.ZodType);
  throw new Error('A route takes objects; this schema is none that can be looked into.');
}

function kindIn(schema: z.ZodType): string | undefined {
  const kind = kindOf.get(schema);
  if (kind !== undefined) return kind;
  const inner = innerOf(schema);
  return inner && kindIn(inner);
}

function hasBareUuid(schema: z.ZodType): boolean {
  if (schema instanceof z.ZodUUID) return true;
  const inner = innerOf(schema);
  return inner !== undefined && hasBareUuid(inner);
}

function isOptional(schema: z.ZodType): boolean {
  return schema.safeParse(undefined).success;
}

function unwrapped(schema: z.ZodType): z.ZodType {
  const inner = schema instanceof z.ZodArray ? undefined : innerOf(schema);
  return inner ? unwrapped(inner) : schema;
}

/** What a wrapper wraps: optional, nullable, default, pipe, array. */
function innerOf(schema: z.ZodType): z.ZodType | undefined {
  if (schema instanceof z.ZodArray) return schema.element as z.ZodType;
  if (schema instanceof z.ZodPipe) return schema.in as z.ZodType;
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodReadonly
  ) {
    return schema.unwrap() as z.ZodType;
  }
  return undefined;
}
