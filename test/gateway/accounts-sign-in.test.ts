import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { hashPassword } from '../../src/services/passwords.ts';
import {
  browserIn,
  goodPassword,
  mailsOf,
  type Person,
  personIn,
  tokenIn,
} from '../support/accounts.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

let gateway: Gateway;
let person: Person;

beforeAll(async () => {
  gateway = await startGateway();
});

beforeEach(async () => {
  await mailsOf(gateway);
  person = await personIn(gateway);
});

afterAll(() => gateway.close());

test('an unknown address, a wrong password and a user who is banned are answered alike', async () => {
  const banned = await personIn(gateway);
  await ban(banned);
  const browser = browserIn(gateway);
  const signIn = (email: string, password: string) =>
    browser.post('/api/auth/sign-in', { email, password });

  const unknown = await signIn('nobody@people.example', goodPassword);
  const wrong = await signIn(person.email, 'four brave otters sleep');
  const refused = await signIn(banned.email, goodPassword);

  expect(unknown).toMatchObject({ status: 401, body: { code: 'sign-in-failed' } });
  for (const other of [wrong, refused]) {
    expect({ ...other.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' });
    expect([...other.headers.keys()].sort()).toEqual([...unknown.headers.keys()].sort());
  }
  expect(browser.jar.size).toBe(0);
});

test('an unknown address takes as long as a wrong password', async () => {
  person = await personIn(gateway, { hash: await hashPassword(goodPassword) });
  const browser = browserIn(gateway);
  const timeOf = async (email: string) => {
    const start = performance.now();
    await browser.post('/api/auth/sign-in', { email, password: 'four brave otters sleep' });
    return performance.now() - start;
  };
  const known: number[] = [];
  const unknown: number[] = [];
  for (let round = 0; round < 6; round += 1) {
    known.push(await timeOf(person.email));
    unknown.push(await timeOf(`nobody-${round}@people.example`));
  }

  // Without the same work for both, one side is some hundred times faster.
  const ratio = Math.min(...known) / Math.min(...unknown);
  expect(ratio).toBeGreaterThan(0.5);
  expect(ratio).toBeLessThan(2);
});

test('a sign-in is written down, and a failed one without the address that nobody has', async () => {
  const browser = browserIn(gateway);
  await browser.post('/api/auth/sign-in', { email: person.email, password: 'not the password' });
  await person.signIn(browser);
  await browserIn(gateway).post('/api/auth/sign-in', {
    email: 'my-secret-typed-here@people.example',
    password: 'not the password',
  });

  expect(await person.history()).toEqual(['user.sign-in-refused', 'user.signed-in']);
  const { rows } = await gateway.admin.query(
    `select subject_kind, subject_id, after, actor_label, address from audit_entries
      where subject_kind = 'unknown-address' order by seq desc limit 1`,
  );
  expect(rows).toMatchObject([{ actor_label: 'anonymous', address: '127.0.0.1' }]);
  expect(rows[0].subject_id).toMatch(/^[0-9a-f]{16}$/);
  const everything = JSON.stringify(
    (await gateway.admin.query('select * from audit_entries')).rows,
  );
  expect(everything).not.toContain('my-secret-typed-here');
  expect(everything).not.toContain('not the password');
});

test('each sign-in has a token of its own: what was planted before does not live on', async () => {
  const attacker = await person.signIn();
  const victim = browserIn(gateway);
  const planted = attacker.jar.get('kassa_session') ?? '';
  victim.jar.set('kassa_session', planted);

  await person.signIn(victim);

  expect(victim.jar.get('kassa_session')).not.toBe(planted);
  // The session that stood in the browser before is over, too.
  expect(await attacker.isSignedIn()).toBe(false);
  expect(await victim.isSignedIn()).toBe(true);
});

test('a token from the database opens nothing: the cookie is signed with a key that is not there', async () => {
  const browser = await person.signIn();
  const { rows } = await gateway.admin.query<{ token: string }>(
    'select token from identity.sessions where user_id = $1',
    [person.id],
  );
  const token = String(rows[0]?.token);
  const thief = browserIn(gateway);
  const signature = browser.jar.get('kassa_session')?.slice(token.length) ?? '';

  for (const value of [token, `${token}.`, `${token}.${token}`, `${token}.${'A'.repeat(43)}=`]) {
    thief.jar.set('kassa_session', encodeURIComponent(value));
    expect(await thief.isSignedIn(), value).toBe(false);
  }
  thief.jar.set('kassa_session', `${token}${signature}`);
  expect(await thief.isSignedIn()).toBe(true);
});

test('a reset token, and a proof of address, is not in the database', async () => {
  const browser = browserIn(gateway);
  await browser.post('/api/auth/password/forgot', { email: person.email });
  const token = tokenIn((await mailsOf(gateway))[0]);
  const { rows } = await gateway.admin.query<{ identifier: string }>(
    'select identifier from identity.verifications where value = $1',
    [person.id],
  );

  expect(rows).toHaveLength(1);
  expect(JSON.stringify(rows)).not.toContain(token);
  const stolen = rows[0]?.identifier ?? '';
  const tried = await browser.post('/api/auth/password/reset', {
    token: stolen,
    newPassword: 'quiet lemon harbor violin',
  });
  expect(tried).toMatchObject({ status: 400, body: { code: 'token-invalid' } });
});

test('a new password by mail works once, ends every session, and leaves no older link', async () => {
  const [one, two] = [await person.signIn(), await person.signIn()];
  const browser = browserIn(gateway);
  await browser.post('/api/auth/password/forgot', { email: person.email });
  await browser.post('/api/auth/password/forgot', { email: person.email });
  const [older, newer] = await mailsOf(gateway);
  const reset = (token: string, newPassword = 'quiet lemon harbor violin') =>
    browser.post('/api/auth/password/reset', { token, newPassword });

  const weak = await reset(tokenIn(newer), 'password12345');
  const done = await reset(tokenIn(newer));
  const again = await reset(tokenIn(newer));
  const stale = await reset(tokenIn(older));

  expect(weak).toMatchObject({ status: 400, body: { errors: [{ field: 'newPassword' }] } });
  expect(done.status).toBe(200);
  expect(again).toMatchObject({ status: 400, body: { code: 'token-invalid' } });
  expect(stale).toMatchObject({ status: 400, body: { code: 'token-invalid' } });
  expect([await one.isSignedIn(), await two.isSignedIn()]).toEqual([false, false]);
  expect(await signInWith(goodPassword)).toBe(401);
  expect(await signInWith('quiet lemon harbor violin')).toBe(200);
  expect(await mailsOf(gateway)).toMatchObject([{ subject: 'Your password was changed' }]);
  expect(await person.history()).toContain('user.password-reset');
});

test('one reset link, used many times at once, changes the password once', async () => {
  const browser = browserIn(gateway);
  await browser.post('/api/auth/password/forgot', { email: person.email });
  const token = tokenIn((await mailsOf(gateway))[0]);
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, index) =>
      browser.post('/api/auth/password/reset', {
        token,
        newPassword: `quiet lemon harbor violin ${index}`,
      }),
    ),
  );

  expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400, 400]);
});

test('a link that is too old is none', async () => {
  const browser = browserIn(gateway);
  await browser.post('/api/auth/password/forgot', { email: person.email });
  const token = tokenIn((await mailsOf(gateway))[0]);
  await gateway.admin.query(
    `update identity.verifications set expires_at = now() - interval '1 s' where value = $1`,
    [person.id],
  );

  const answer = await browser.post('/api/auth/password/reset', {
    token,
    newPassword: 'quiet lemon harbor violin',
  });

  expect(answer).toMatchObject({ status: 400, body: { code: 'token-invalid' } });
  expect(await signInWith(goodPassword)).toBe(200);
});

test('the token of one kind of link is none of the other', async () => {
  const browser = browserIn(gateway);
  await browser.post('/api/auth/password/forgot', { email: person.email });
  const token = tokenIn((await mailsOf(gateway))[0]);

  expect(
    (await browser.post('/api/auth/verify-email', { token, password: goodPassword })).status,
  ).toBe(400);
});

async function signInWith(password: string): Promise<number> {
  const { status } = await browserIn(gateway).post('/api/auth/sign-in', {
    email: person.email,
    password,
  });
  return status;
}

async function ban({ id }: Person): Promise<void> {
  await gateway.admin.query('update identity.users set disabled_at = now() where id = $1', [id]);
}
