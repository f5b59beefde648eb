import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  type Browser,
  browserIn,
  goodPassword,
  mailsOf,
  personIn,
  tokenIn,
} from '../support/accounts.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

let gateway: Gateway;
let browser: Browser;
let email: string;
let count = 0;

beforeAll(async () => {
  gateway = await startGateway();
});

beforeEach(async () => {
  await mailsOf(gateway);
  count += 1;
  browser = browserIn(gateway);
  email = `siti-${count}@people.example`;
});

afterAll(() => gateway.close());

const signUp = (password = goodPassword, name = 'Siti Rahma') =>
  browser.post('/api/auth/sign-up', { name, email, password });
const prove = (token: string, password = goodPassword) =>
  browser.post('/api/auth/verify-email', { token, password });
const signIn = (password = goodPassword) => browser.post('/api/auth/sign-in', { email, password });

test('an account can be used once its address is proven, by a link that works once', async () => {
  expect(await signUp()).toMatchObject({ status: 200, body: { success: true } });
  expect(await signIn()).toMatchObject({ status: 403, body: { code: 'email-not-verified' } });
  const [mail, ...others] = await mailsOf(gateway);
  expect(others).toEqual([]);
  expect(mail).toMatchObject({ to: { address: email }, subject: 'Confirm your mail address' });
  expect(mail?.text).toContain('http://localhost:3010/verify-email#token=');

  const first = await prove(tokenIn(mail));
  const second = await prove(tokenIn(mail));

  expect(first.status).toBe(200);
  expect(second).toMatchObject({ status: 400, body: { code: 'token-invalid' } });
  expect((await signIn()).status).toBe(200);
  expect((await browser.get('/api/auth/session')).body).toMatchObject({
    user: { email, name: 'Siti Rahma', locale: 'en' },
    platformRole: null,
    secondFactor: { isOn: false, isOwed: false },
    isFresh: true,
  });
});

test('a mail address is one in any letter case, and what stands around it is not part of it', async () => {
  await browser.post('/api/auth/sign-up', {
    name: 'Siti',
    email: ` ${email.toUpperCase()} `,
    password: goodPassword,
  });
  await prove(tokenIn((await mailsOf(gateway))[0]));

  expect((await signIn()).status).toBe(200);
});

test('signing up with a known address looks the same, changes nothing, and tells its owner', async () => {
  const owner = await personIn(gateway, { locale: 'sv' });
  email = owner.email;
  const fresh = await browser.post('/api/auth/sign-up', {
    name: 'New',
    email: `other-${email}`,
    password: goodPassword,
  });
  await mailsOf(gateway);

  const known = await signUp('quiet lemon harbor violin', 'Somebody Else');

  expect([known.status, known.body]).toEqual([fresh.status, fresh.body]);
  expect([...known.headers.keys()].sort()).toEqual([...fresh.headers.keys()].sort());
  expect(await mailsOf(gateway)).toMatchObject([
    { to: { address: email, name: 'Åsa Lind' }, subject: 'Du har redan ett konto' },
  ]);
  expect((await signIn('quiet lemon harbor violin')).status).toBe(401);
  expect((await signIn()).status).toBe(200);
  expect(await owner.history()).toEqual([
    'user.sign-up-repeated',
    'user.sign-in-refused',
    'user.signed-in',
  ]);
});

test('whoever signed up with an address before its owner gets nothing of it', async () => {
  await signUp('the first one was a thief', 'Thief');
  const [stale] = await mailsOf(gateway);

  await signUp(goodPassword, 'Owner');

  const [mail] = await mailsOf(gateway);
  expect((await prove(tokenIn(stale))).status).toBe(400);
  expect((await prove(tokenIn(mail))).status).toBe(200);
  expect((await signIn('the first one was a thief')).status).toBe(401);
  expect((await signIn()).status).toBe(200);
  expect((await browser.get('/api/auth/session')).body).toMatchObject({ user: { name: 'Owner' } });
});

test("whoever signed up after its owner, or in the owner's stead, gets nothing of an address", async () => {
  await signUp(goodPassword, 'Owner');
  await signUp('the last one was a thief', 'Thief');
  const token = tokenIn((await mailsOf(gateway)).at(-1));

  const proof = await prove(token);

  expect(proof).toMatchObject({ status: 403, body: { code: 'password-wrong' } });
  expect((await signIn('the last one was a thief')).status).toBe(403);
  await browser.post('/api/auth/password/forgot', { email });
  const reset = { token: tokenIn((await mailsOf(gateway)).at(-1)), newPassword: goodPassword };
  expect((await browser.post('/api/auth/password/reset', reset)).status).toBe(200);
  expect((await signIn('the last one was a thief')).status).toBe(401);
  expect((await signIn()).status).toBe(200);
});

test('of many sign-ups at once one account comes', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => signUp()));

  expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
  const { rows } = await gateway.admin.query('select from identity.users where email = $1', [
    email,
  ]);
  expect(rows).toHaveLength(1);
  const accounts = await gateway.admin.query(
    `select from identity.accounts a join identity.users u on u.id = a.user_id where u.email = $1`,
    [email],
  );
  expect(accounts.rows).toHaveLength(1);
});

test('a link is asked for again, and the answer says nothing of who has an account', async () => {
  const owner = await personIn(gateway);
  await signUp();
  await mailsOf(gateway);
  const ask = (path: string, address: string) => browser.post(path, { email: address });

  const unproven = await ask('/api/auth/verify-email/send', email);
  const proven = await ask('/api/auth/verify-email/send', owner.email);
  const unknown = await ask('/api/auth/verify-email/send', 'nobody@people.example');
  const known = await ask('/api/auth/password/forgot', owner.email);
  const lost = await ask('/api/auth/password/forgot', 'nobody@people.example');

  expect(new Set([unproven, proven, unknown, known, lost].map(({ status }) => status))).toEqual(
    new Set([200]),
  );
  expect(
    new Set([unproven, proven, unknown, known, lost].map(({ body }) => JSON.stringify(body))),
  ).toEqual(new Set(['{"success":true}']));
  expect((await mailsOf(gateway)).map(({ to, subject }) => [to.address, subject])).toEqual([
    [email, 'Confirm your mail address'],
    [owner.email, 'Choose a new password'],
  ]);
});

test('nobody writes to a stranger by signing up under a name that is a message', async () => {
  await signUp(goodPassword, 'You won, go to evil.example');

  const [mail] = await mailsOf(gateway);
  expect(mail?.to).toEqual({ name: '', address: email });
  expect(`${mail?.text}${mail?.html}`).not.toContain('evil.example');
});

test('the language of the browser at the sign-up is that of the mails', async () => {
  const indonesian = browserIn(gateway, {
    Origin: 'http://localhost:3010',
    'Accept-Language': 'nl, id;q=0.9, en;q=0.5',
  });

  await indonesian.post('/api/auth/sign-up', { name: 'Budi', email, password: goodPassword });

  expect(await mailsOf(gateway)).toMatchObject([{ subject: 'Konfirmasi alamat email Anda' }]);
});

test.each([
  ['short', 'elevenchars'],
  ['common', 'password12345'],
  ['a pattern', 'qwertyuiop12'],
  ['one letter', 'aaaaaaaaaaaaaaaaaaaa'],
  ['too long', 'x7#'.repeat(43)],
])('a password that is %s is refused with a reason', async (_kind, password) => {
  const answer = await signUp(password);

  expect(answer.status).toBe(400);
  expect(answer.body.errors).toEqual([{ field: 'password', message: expect.any(String) }]);
  expect(JSON.stringify(answer.body)).not.toContain(password);
  const { rows } = await gateway.admin.query('select from identity.users where email = $1', [
    email,
  ]);
  expect(rows).toEqual([]);
});

test("one's own name and address make no password", async () => {
  for (const password of [email, 'Kassandra Maximiliana']) {
    const answer = await signUp(password, 'Kassandra Maximiliana');
    expect(answer, password).toMatchObject({ status: 400, body: { code: 'password-weak' } });
  }
});

test('a long password of any characters is one', async () => {
  const password = `${'värld 🌍 мир '.repeat(9)}!`;
  expect((await signUp(password)).status).toBe(200);
  await prove(tokenIn((await mailsOf(gateway))[0]), password);

  expect((await signIn(password)).status).toBe(200);
  expect((await signIn(password.slice(0, -1))).status).toBe(401);
});

test('a job that mails nobody, or somebody who may not sign in, mails nothing', async () => {
  const banned = await personIn(gateway);
  await gateway.admin.query('update identity.users set disabled_at = now() where id = $1', [
    banned.id,
  ]);

  await browser.post('/api/auth/password/forgot', { email: banned.email });
  await browser.post('/api/auth/password/forgot', { email: 'nobody@people.example' });

  expect(await mailsOf(gateway)).toEqual([]);
});

test('a mail tried twice has one id, and each of its links works until one is used', async () => {
  await signUp();
  await gateway.admin.query(
    `insert into platform_outbox (topic, payload) select topic, payload from platform_outbox`,
  );

  const [first, again] = await mailsOf(gateway);

  expect(again?.messageId).toBe(first?.messageId);
  expect((await prove(tokenIn(first))).status).toBe(200);
  expect((await signIn()).status).toBe(200);
});
