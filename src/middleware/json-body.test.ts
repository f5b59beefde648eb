import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { fastestMs } from '../../test/support/fastest.ts';
import { head, openSocket, parseAnswer } from '../../test/support/raw-http.ts';
import { serve, start } from '../../test/support/serve.ts';
import { jsonBody, rawBody } from './json-body.ts';

const json = ['Content-Type', 'application/json'];

test.each([
  ['an object', json, '{"amount":150000}', { amount: 150_000 }],
  ['a list', json, '[1,2]', [1, 2]],
  ['a charset', ['Content-Type', 'application/json; charset=utf-8'], '{"a":"å"}', { a: 'å' }],
  ['another case', ['content-type', 'Application/JSON'], '{}', {}],
  ['names in texts', json, '{"a":"\\"b\\":1","c":"\\"b\\":2"}', { a: '"b":1', c: '"b":2' }],
  ['the same name in two objects', json, '[{"a":1},{"a":2}]', [{ a: 1 }, { a: 2 }]],
  ['a whole pair', json, '{"name":"\\ud83c\\udfbb"}', { name: '🎻' }],
  [
    '1 000 members',
    json,
    JSON.stringify(Array.from({ length: 1_000 }, () => 0)),
    expect.anything(),
  ],
  ['harmless names', json, '{"proto":1,"__proto":2}', { proto: 1, __proto: 2 }],
  ['20 levels', json, nested(20), expect.anything()],
])('%s is read', async (_, headers, body, expected) => {
  expect(await post(headers, body)).toMatchObject({ status: 200, body: { read: expected } });
});

test('a compressed body is read', async () => {
  const body = gzipSync('{"amount":1}');

  const answer = await post([...json, 'Content-Encoding', 'gzip'], body);

  expect(answer.body).toEqual({ read: { amount: 1 } });
});

test.each<[string, readonly string[], string | Buffer | undefined, number, string]>([
  [
    'members without end',
    json,
    JSON.stringify(Array.from({ length: 1_001 }, () => 0)),
    400,
    'invalid-request',
  ],
  [
    'names without end',
    json,
    JSON.stringify(Object.fromEntries(Array.from({ length: 1_001 }, (_, at) => [`a${at}`, 0]))),
    400,
    'invalid-request',
  ],
  ['a member that comes twice', json, '{"amount":1,"amount":2}', 400, 'invalid-request'],
  [
    'a member that comes twice, escaped',
    json,
    '{"a":{"b":1,"\\u0062" :2}}',
    400,
    'invalid-request',
  ],
  ['a number of infinity', json, '{"amount":1e400}', 400, 'invalid-request'],
  ['a number of infinity below', json, '[-1e400]', 400, 'invalid-request'],
  ['half of a pair', json, '{"name":"\\ud800"}', 400, 'invalid-request'],
  ['half of a pair in a name', json, '{"\\udc00":1}', 400, 'invalid-request'],
  [
    'UTF-16',
    ['Content-Type', 'application/json; charset=utf-16'],
    '{}',
    415,
    'unsupported-media-type',
  ],
  ['no content type', [], '{}', 415, 'unsupported-media-type'],
  [
    'a form',
    ['Content-Type', 'application/x-www-form-urlencoded'],
    'a=1',
    415,
    'unsupported-media-type',
  ],
  ['plain text', ['Content-Type', 'text/plain'], '{}', 415, 'unsupported-media-type'],
  [
    'a relative of JSON',
    ['Content-Type', 'application/vnd.api+json'],
    '{}',
    415,
    'unsupported-media-type',
  ],
  ['no type that can be read', ['Content-Type', 'json'], '{}', 415, 'unsupported-media-type'],
  [
    'another charset',
    ['Content-Type', 'application/json; charset=latin1'],
    '{}',
    415,
    'unsupported-media-type',
  ],
  ['another encoding', [...json, 'Content-Encoding', 'zip'], '{}', 415, 'unsupported-media-type'],
  ['no body and no type', [], undefined, 415, 'unsupported-media-type'],
  ['no body', json, undefined, 400, 'invalid-json'],
  ['an empty body', json, '', 400, 'invalid-json'],
  ['half of it', json, '{"amount":', 400, 'invalid-json'],
  ['a number', json, '150000', 400, 'invalid-json'],
  ['nothing', json, 'null', 400, 'invalid-json'],
  ['not JSON', json, "{amount: '1'}", 400, 'invalid-json'],
  ['damaged compression', [...json, 'Content-Encoding', 'gzip'], '{}', 400, 'invalid-request'],
  ['more than 64 kB', json, JSON.stringify({ name: 'x'.repeat(65_536) }), 413, 'body-too-large'],
  [
    'a bomb',
    [...json, 'Content-Encoding', 'gzip'],
    gzipSync(`"${'x'.repeat(1e6)}"`),
    413,
    'body-too-large',
  ],
  ['21 levels', json, nested(21), 400, 'invalid-request'],
  ['30 000 levels', json, nested(30_000), 400, 'invalid-request'],
  [
    '30 000 levels of objects',
    json,
    `${'{"":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
    400,
    'invalid-request',
  ],
  ['NUL in a text', json, '{"name":"a\\u0000b"}', 400, 'invalid-request'],
  ['NUL in a name', json, '{"a\\u0000b":1}', 400, 'invalid-request'],
  ['NUL far in', json, '[{"a":[{"b":"\\u0000"}]}]', 400, 'invalid-request'],
  ['a prototype', json, '{"__proto__":{"isAdmin":true}}', 400, 'invalid-request'],
  ['a prototype, escaped', json, '{"\\u005f_proto__":{}}', 400, 'invalid-request'],
  ['a constructor', json, '{"a":{"constructor":{"prototype":{}}}}', 400, 'invalid-request'],
])('%s is refused', async (_, headers, body, status, code) => {
  const answer = await post(headers, body);

  expect(answer).toMatchObject({ status, body: { success: false, status, code } });
});

test.each([
  ['a text', { name: '4911 1111 1111 1113' }, 'name'],
  ['a number', { amount: 4_911_111_111_111_113 }, 'amount'],
  ['far in', { items: [{ note: 'card: 4911-1111-1111-1113' }] }, 'items.0.note'],
  ['a list', ['4911111111111113'], '0'],
])('a card number in %s is refused, by its place and not its value', async (_, value, field) => {
  const answer = await post(json, JSON.stringify(value));

  expect(answer.body).toMatchObject({ status: 400, code: 'invalid-request', errors: [{ field }] });
  expect(JSON.stringify(answer.body)).not.toMatch(/4911|1113/);
});

test('a card number as a name is refused, and not repeated', async () => {
  const answer = await post(json, '{"4911111111111113":1}');

  expect(answer.body).toMatchObject({ status: 400, code: 'invalid-request' });
  expect(JSON.stringify(answer.body)).not.toContain('4911');
});

test('a provider may send what looks like a card number', async () => {
  const ask = await serve([...rawBody, (req, res) => void res.json({ read: `${req.body}` })]);
  const body = '{"transaction_id":"4911111111111113"}';

  expect(await ask({ method: 'POST', headers: json, body })).toMatchObject({
    status: 200,
    body: { read: body },
  });
});

test.each([
  ['a declared gigabyte', ['Content-Length: 1000000000'], ''],
  ['chunks without end', ['Transfer-Encoding: chunked'], `10000\r\n${'x'.repeat(65_536)}\r\n`],
  [
    'a small bomb in chunks without end',
    ['Content-Encoding: gzip', 'Transfer-Encoding: chunked'],
    `10000\r\n${'x'.repeat(65_536)}\r\n`,
  ],
])(
  'of %s the refusal comes while it is still sent, and the rest is not heard',
  async (_, headers, part) => {
    const { url } = await start(jsonBody);
    const socket = await openSocket(url);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });

    socket.write(head('POST / HTTP/1.1', 'Host: a', 'Content-Type: application/json', ...headers));
    const timer = setInterval(() => socket.write(part || 'x'.repeat(65_536)), 5);
    socket.once('close', () => clearInterval(timer));

    await expect.poll(() => parseAnswer(text).status).toBe(413);
    await expect.poll(() => socket.destroyed).toBe(true);
  },
);

test.each([
  ['levels', '['.repeat(32_000) + ']'.repeat(32_000)],
  ['members', JSON.stringify(Array.from({ length: 30_000 }, () => 0))],
  ['names', `{${Array.from({ length: 8_000 }, (_, at) => `"${at}":0`).join()}}`],
  ['a text', JSON.stringify({ name: 'x'.repeat(65_000) })],
  ['a text of quotes', JSON.stringify({ name: '"'.repeat(32_000) })],
  ['a text of digits', JSON.stringify({ name: '4911 '.repeat(13_000) })],
  ['a text that does not end', `"${'\\"'.repeat(32_000)}`],
  ['spaces', `"a"${' '.repeat(65_000)}`],
  ['spaces between texts', '"" '.repeat(20_000)],
])('64 kB of %s take no long time', async (_, body) => {
  const { ask } = await start(jsonBody);

  expect(await fastestMs(() => ask({ method: 'POST', headers: json, body }))).toBeLessThan(50);
});

// As `curl -X POST` does: neither a length nor chunks say that there is a body.
test.each([
  ['without a type', [], 415, 'unsupported-media-type'],
  ['that is announced as JSON', json, 400, 'invalid-json'],
])('a request with no body at all %s is refused', async (_, headers, status, code) => {
  const ask = await serve([...jsonBody, (_req, res) => void res.end()]);

  expect((await ask({ headers })).body).toMatchObject({ status, code });
});

test('no object has become an admin', () => {
  expect('isAdmin' in {}).toBe(false);
});

async function post(headers: readonly string[], body: string | Buffer | undefined) {
  const ask = await serve([...jsonBody, (req, res) => void res.json({ read: req.body })]);
  return ask({ method: 'POST', headers, body });
}

function nested(levels: number): string {
  return '['.repeat(levels) + ']'.repeat(levels);
}
