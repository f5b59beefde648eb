import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { serve } from '../../test/support/serve.ts';
import { jsonBody } from './json-body.ts';

const json = ['Content-Type', 'application/json'];

test.each([
  ['an object', json, '{"amount":150000}', { amount: 150_000 }],
  ['a list', json, '[1,2]', [1, 2]],
  ['a charset', ['Content-Type', 'application/json; charset=utf-8'], '{"a":"å"}', { a: 'å' }],
  ['another case', ['content-type', 'Application/JSON'], '{}', {}],
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
