import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { localDate } from '../../../src/domain/local-time.ts';

/** The password of everybody here. */
export const samplePassword = 'Dv9!kqzLm2#wTx7pR';

/** What people write into a field of this name; other fields get the first sample that fits. */
const byName: Record<string, () => unknown> = {
  orderId: () => `ATTACK-${randomUUID().slice(0, 13)}`,
  email: () => `shopper-${randomUUID().slice(0, 8)}@shop.example`,
  amount: () => 1_000,
  password: () => samplePassword,
  currentPassword: () => samplePassword,
  newPassword: () => `${samplePassword} and more`,
  serverKey: () => `SB-Mid-server-${randomUUID()}`,
  from: today,
  to: today,
};

const others = (): unknown[] => [
  'A sample of words',
  'sample-word',
  samplePassword,
  '123456',
  1,
  30,
  true,
  today(),
  new Date().toISOString(),
  'https://shop.example',
  randomUUID(),
  'f'.repeat(64),
  't'.repeat(43),
  'https://shop.example/thanks',
  ['https://shop.example'],
  {},
];

function today(): string {
  return localDate(new Date(), 'Asia/Jakarta').day;
}

/** A value that the schema takes. @throws Error when there is none among the samples */
export function sampleOf(schema: z.ZodType, name: string): unknown {
  const named = byName[name];
  const candidates = [...(named ? [named()] : []), ...ownValues(schema), ...others()];
  const found = candidates.find((candidate) => schema.safeParse(candidate).success);
  if (found !== undefined) return found;
  throw new Error(`There is no sample for "${name}": add one to test/attacks/support/samples.ts.`);
}

/** What the schema itself names or is made of. */
function ownValues(schema: z.ZodType): unknown[] {
  const inner = layersOf(schema).at(-1);
  if (inner instanceof z.ZodEnum) return inner.options.filter(Boolean);
  if (inner instanceof z.ZodLiteral) return [...inner.values];
  if (inner instanceof z.ZodObject) {
    const members = Object.entries(inner.shape as Record<string, z.ZodType>);
    return [Object.fromEntries(members.map(([name, member]) => [name, sampleOf(member, name)]))];
  }
  if (inner instanceof z.ZodArray) return [[sampleOf(inner.element as z.ZodType, 'element')]];
  return [];
}

/** A schema and what it wraps, from the outside in. */
export function layersOf(schema: z.ZodType): z.ZodType[] {
  const wrapped = wrappedBy(schema);
  return wrapped ? [schema, ...layersOf(wrapped)] : [schema];
}

function wrappedBy(schema: z.ZodType): z.ZodType | undefined {
  if (schema instanceof z.ZodPipe) return schema.in as z.ZodType;
  const isWrapper =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodCatch;
  return isWrapper ? (schema.unwrap() as z.ZodType) : undefined;
}
