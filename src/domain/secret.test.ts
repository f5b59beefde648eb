import { format, inspect } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { Secret } from './secret.ts';

const secret = new Secret('hunter2');
const holder = { name: 'shop', account: { serverKey: secret }, list: [secret] };

test('a secret is there when asked for', () => {
  expect(secret.reveal()).toBe('hunter2');
});

test.each<[string, () => unknown]>([
  ['a template', () => `${secret}`],
  ['a sum of texts', () => `key: ${String(secret)}`],
  ['its locale string', () => secret.toLocaleString()],
  ['JSON', () => JSON.stringify(holder)],
  ['JSON of what is spread', () => JSON.stringify({ ...secret, ...holder })],
  ['util.inspect', () => inspect(holder, { depth: 9, showHidden: true })],
  ['util.inspect past its own method', () => inspect(holder, { depth: 9, customInspect: false })],
  ['util.format', () => format('%s %o %O %j %d', secret, holder, holder, holder, secret)],
  ['an error message', () => inspect(new Error(`${secret} failed`, { cause: holder }))],
  ['an error with fields', () => inspect(Object.assign(new Error('failed'), { secret }))],
  ['a structured clone', () => inspect(structuredClone(secret), { showHidden: true, depth: 9 })],
  ['what crosses to another thread', () => inspect(deserialize(serialize(secret)))],
  ['its entries', () => JSON.stringify([Object.entries(secret), Reflect.ownKeys(secret)])],
  ['an assignment', () => JSON.stringify(Object.assign({}, secret))],
  ['a comparison that fails', () => messageOf(() => expect(holder).toEqual({ name: 'other' }))],
])('%s does not show a secret', (_, show) => {
  const shown = String(show());

  expect(shown).not.toContain('hunter2');
  expect(shown.length).toBeGreaterThan(1);
});

test('no line of a log shows a secret', () => {
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line) => void lines.push(line) });

  log.info(holder, 'as it is');
  log.info({ ...holder, secret, err: Object.assign(new Error('failed'), holder) }, 'with an error');
  log.info('in a text: %s %o %j', secret, secret, secret);
  log.child({ secret }).warn(secret, 'as a field of all lines');

  expect(lines).toHaveLength(4);
  expect(lines.join('\n')).not.toContain('hunter2');
});

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return inspect(error, { depth: 9 });
  }
  throw new Error('Nothing failed.');
}
