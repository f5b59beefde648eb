import { expect, test } from 'vitest';
import { fastestMs } from '../test/support/fastest.ts';
import { Secret } from './domain/secret.ts';
import { createLog } from './log.ts';

// Each is planted below, in some way that a log could come by it.
const canaries = {
  secretKey: `sk_live_${'c4n4ry'.repeat(6)}`,
  publishableKey: `pk_test_${'c4n4ry'.repeat(6)}`,
  serverKey: 'Mid-server-c4n4ryC4n4ry',
  sandboxKey: 'SB-Mid-server-c4n4ryC4n4ry',
  webhook: 'whsec_c4n4ryC4n4ry+/=',
  password: 'c4n4ry-hunter2',
  session: 'c4n4rySessionValue.signature',
  basic: Buffer.from('Mid-server-c4n4ry:').toString('base64'),
  card: '4911111111111113',
};
const { password, secretKey, serverKey, session, basic, card } = canaries;

function record() {
  const lines: string[] = [];
  const log = createLog({ name: 'test', level: 'debug' }, { write: (line) => lines.push(line) });
  return { log, text: () => lines.join(''), entries: () => lines.map((line) => JSON.parse(line)) };
}

function httpError() {
  const config = {
    url: `https://app.midtrans.example/snap`,
    headers: { Authorization: `Basic ${basic}`, 'X-Other': serverKey },
    auth: { username: serverKey },
    data: JSON.stringify({ password }),
  };
  return Object.assign(new Error('Request failed with status code 401'), {
    config,
    request: { _header: `POST / HTTP/1.1\r\nAuthorization: Basic ${basic}\r\n` },
    response: { config, headers: { 'set-cookie': [`kassa_session=${session}`] } },
    toJSON: () => ({ config }),
  });
}

test.each<[string, unknown, string?]>([
  ['a member', { password }],
  ['a member of a member', { user: { password, newPassword: password } }],
  ['a member far in', { a: { b: { c: { d: { webhookSecret: password } } } } }],
  ['a member in another style', { SERVER_KEY: serverKey, api_key: secretKey, apiKey: password }],
  ['headers', { req: { headers: { authorization: `Bearer ${secretKey}`, cookie: session } } }],
  ['a header by itself', { authorization: `Basic ${basic}` }],
  ['a header in a text', {}, `sent Authorization: Basic ${basic} and Cookie: a=${session}`],
  ['a key in a text', {}, `key ${secretKey} refused, ${canaries.publishableKey} too`],
  ['a provider’s key in a text', {}, `${serverKey}, ${canaries.sandboxKey}`],
  ['a webhook secret in a text', {}, canaries.webhook],
  ['a cookie in a text', {}, `__Host-kassa_session=${session}; Path=/`],
  ['a session of a library in a text', {}, `better-auth.session_token=${session}`],
  ['an address with a password', {}, `postgresql://kassa:${password}@db.example/kassa`],
  ['an address with a password as a member', { url: `redis://:${password}@cache:6379` }],
  ['JSON in a text', {}, JSON.stringify({ user: 'a', password, list: [{ token: password }] })],
  ['JSON in JSON in a text', {}, JSON.stringify(JSON.stringify({ password }))],
  ['a query', {}, `GET /reset?token=${password}&next=/`],
  ['a card number', { note: card }, `paid with ${card}`],
  ['a card number in groups', {}, '4911 1111 1111 1113'],
  ['a card number as a number', { orderId: 4_911_111_111_111_113 }],
  ['a wrapped secret', { key: new Secret(password), list: [new Secret(password)] }],
  ['an error of an HTTP client', { err: httpError() }],
  ['such an error by another name', { reason: httpError() }],
  ['such an error as a cause', { err: new Error('refused', { cause: httpError() }) }],
  ['such errors together', { err: new AggregateError([httpError(), httpError()], 'both') }],
  ['such an error in a list', { errors: [httpError()] }],
  [
    'an error of PostgreSQL',
    { err: Object.assign(new Error('duplicate key'), { detail: `Key (token)=(${password})` }) },
  ],
])('of %s no secret comes through', (_, entry, message = 'something happened') => {
  const { log, text, entries } = record();

  log.warn(entry, message);
  log.child({ note: message }).error({ context: entry }, message);

  expect(entries()).toHaveLength(2);
  expect(text()).not.toMatch(/c4n4ry/i);
  expect(text()).not.toContain(basic);
  expect(text().replaceAll(/[ -]/g, '')).not.toContain(card);
});

test('what is no secret comes through as it is', () => {
  const { log, entries } = record();
  const entry = {
    requestId: '019aa2b4-6a3f-7000-8000-0242ac120002',
    prefix: 'sk_test_4f2a',
    orderId: '2026112000000017',
    url: 'https://app.midtrans.example/snap/v1/transactions',
    amount: 150_000,
    address: '2001:db8::1',
  };

  log.info(entry, 'request completed');

  expect(entries()).toMatchObject([{ ...entry, name: 'test', msg: 'request completed' }]);
});

test('of an error the log says what, where and why', () => {
  const { log, entries } = record();
  const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED', syscall: 'connect' });

  log.error({ err: new TypeError('no answer', { cause }) }, 'a loop failed');

  expect(entries()).toMatchObject([
    {
      err: {
        type: 'TypeError',
        message: 'no answer',
        stack: expect.stringContaining('log.test.ts'),
        cause: { message: 'connect', code: 'ECONNREFUSED', syscall: 'connect' },
      },
    },
  ]);
});

const hostile = [
  'a\n{"level":60,"msg":"forged"}',
  'a\r\nb',
  '\u001b[31mred\u001b[0m\u0007',
  'a\u2028b\u2029c',
  '\u202ebackwards',
  '\u0085next',
  '","msg":"forged","x":"',
  '\ud800',
  '\0',
  '\\',
];

test.each(hostile)('%j makes one line of one object, and nothing else', (text) => {
  const { log, text: written, entries } = record();

  log.info({ [text]: text, nested: { list: [text] } }, text);

  const [entry] = entries();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  expect(written().slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
  expect(written().endsWith('\n')).toBe(true);
  expect(entries()).toHaveLength(1);
  expect(entry).toMatchObject({ level: 30, name: 'test' });
  expect(entry.msg).toBe(text.isWellFormed() ? text : entry.msg);
});

test.each([
  ['one long text', { text: 'x'.repeat(1e6) }],
  ['many', { list: Array.from({ length: 100_000 }, (_, index) => `text ${index}`) }],
  ['a long message', {}, 'y'.repeat(1e6)],
])('a line of %s is cut', (_, entry, message = 'message') => {
  const { log, text, entries } = record();

  log.info({ requestId: 'request-1', ...entry }, message);

  expect(text().length).toBeLessThanOrEqual(16_384);
  expect(entries()).toMatchObject([{ requestId: 'request-1', msg: expect.any(String) }]);
});

test('a secret is not shown by being cut in two', () => {
  const { log, text } = record();

  log.info({}, `${'z'.repeat(990)} ${secretKey} ${'z'.repeat(20_000)}`);

  expect(text()).not.toMatch(/c4n4ry/i);
});

test.each([
  ['letters', 'a'.repeat(16_000)],
  ['schemes', 'a://'.repeat(4_000)],
  ['words', 'token '.repeat(2_700)],
  ['equals', 'session='.repeat(2_000)],
  ['quotes', '"password":'.repeat(1_400)],
  ['escapes', '\\"'.repeat(5_000)],
  ['digits', '4911 '.repeat(3_000)],
  ['dots', 'eyJ.'.repeat(4_000)],
])('a long line of %s takes no long time', async (_, text) => {
  const { log } = record();

  expect(await fastestMs(() => log.info({ text }, 'm'))).toBeLessThan(50);
});
