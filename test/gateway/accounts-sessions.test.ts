import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { SessionsReply } from '../../src/contracts/accounts.ts';
import {
  type Browser,
  browserIn,
  goodPassword,
  mailsOf,
  type Person,
  personIn,
} from '../support/accounts.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

const newPassword = 'quiet lemon harbor violin';

let gateway: Gateway;
let person: Person;
let browser: Browser;

beforeAll(async () => {
  gateway = await startGateway();
});

beforeEach(async () => {
  await mailsOf(gateway);
  person = await personIn(gateway);
  browser = await person.signIn();
});

afterAll(() => gateway.close());

const sessionsOf = async (of: Browser) =>
  SessionsReply.parse((await of.get('/api/auth/sessions')).body).sessions;

/** A moment that the database believes to be past. */
async function backdate(column: string, interval: string): Promise<void> {
  await gateway.admin.query(
    `update identity.sessions set ${column} = now() - $2::interval where user_id = $1`,
    [person.id, interval],
  );
}

test('a session is dead with the next request after the sign-out', async () => {
  const stolen = browserIn(gateway);
  stolen.jar.set('kassa_session', browser.jar.get('kassa_session') ?? '');
  expect(await stolen.isSignedIn()).toBe(true);

  expect((await browser.post('/api/auth/sign-out')).status).toBe(200);

  expect(browser.jar.has('kassa_session')).toBe(false);
  expect(await stolen.get('/api/auth/session')).toMatchObject({
    status: 401,
    body: { code: 'credentials-required' },
  });
  expect(await person.history()).toEqual(['user.signed-in', 'user.signed-out']);
});

test('a changed password ends every other session, and moves this one to a new token', async () => {
  const other = await person.signIn();
  const before = browser.jar.get('kassa_session') ?? '';

  const answer = await browser.post('/api/auth/password/change', {
    currentPassword: goodPassword,
    newPassword,
  });

  expect(answer.status).toBe(200);
  expect(await other.isSignedIn()).toBe(false);
  expect(browser.jar.get('kassa_session')).not.toBe(before);
  expect(await browser.isSignedIn()).toBe(true);
  browser.jar.set('kassa_session', before);
  expect(await browser.isSignedIn()).toBe(false);
  expect(await mailsOf(gateway)).toMatchObject([{ subject: 'Your password was changed' }]);
  expect(await person.history()).toContain('user.password-changed');
});

test('the password is changed only by who knows it, and not to a weak one', async () => {
  const wrong = await browser.post('/api/auth/password/change', {
    currentPassword: 'four brave otters sleep',
    newPassword,
  });
  const weak = await browser.post('/api/auth/password/change', {
    currentPassword: goodPassword,
    newPassword: 'password12345',
  });

  expect(wrong).toMatchObject({ status: 403, body: { code: 'password-wrong' } });
  expect(weak).toMatchObject({ status: 400, body: { code: 'password-weak' } });
  expect(await browser.isSignedIn()).toBe(true);
  expect(await person.history()).toContain('user.password-refused');
  expect((await person.signIn()).jar.size).toBeGreaterThan(0);
});

test('of two changes at once one wins, and one session is left', async () => {
  const change = (wanted: string) =>
    browser.send({
      method: 'POST',
      path: '/api/auth/password/change',
      body: { currentPassword: goodPassword, newPassword: wanted },
    });

  const answers = await Promise.all([change(newPassword), change(`${newPassword} too`)]);

  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
  const { rows } = await gateway.admin.query('select from identity.sessions where user_id = $1', [
    person.id,
  ]);
  expect(rows).toHaveLength(1);
});

test('a user who is banned is out with the next request', async () => {
  await gateway.admin.query('update identity.users set disabled_at = now() where id = $1', [
    person.id,
  ]);

  expect(await browser.isSignedIn()).toBe(false);
});

test('a role on the platform counts, and ends, with the next request', async () => {
  const staff = await personIn(gateway, { role: 'support' });
  const page = await staff.signIn();
  const roleOf = async () => (await page.get('/api/auth/session')).body.platformRole;

  expect(await roleOf()).toBe('support');
  await gateway.admin.query(
    `update identity.platform_members set role = 'viewer' where user_id = $1`,
    [staff.id],
  );
  expect(await roleOf()).toBe('viewer');
  await gateway.admin.query('delete from identity.platform_members where user_id = $1', [staff.id]);
  expect(await roleOf()).toBe(null);
});

test.each([
  ['unused for 12 hours', 'last_used_at', '12 hours 1 second'],
  ['14 days old, however much it is used', 'created_at', '14 days 1 second'],
  ['past its last day', 'expires_at', '1 second'],
])('a session that is %s is over', async (_why, column, interval) => {
  await backdate(column, interval);

  expect(await browser.isSignedIn()).toBe(false);
  await gateway.services.sessions.sweep();
  const { rows } = await gateway.admin.query('select from identity.sessions where user_id = $1', [
    person.id,
  ]);
  expect(rows).toEqual([]);
});

test('use keeps a session alive, and is noted once a minute', async () => {
  await backdate('last_used_at', '11 hours 59 minutes');
  expect(await browser.isSignedIn()).toBe(true);
  const [session] = await sessionsOf(browser);

  expect(Date.now() - Date.parse(session?.lastUsedAt ?? '')).toBeLessThan(60_000);
  await gateway.services.sessions.sweep();
  expect(await browser.isSignedIn()).toBe(true);
});

test('the list shows where one is signed in, and ends a session that is not wanted', async () => {
  const other = await person.signIn();
  const sessions = await sessionsOf(browser);
  expect(sessions).toHaveLength(2);
  expect(sessions.map(({ isCurrent }) => isCurrent).sort()).toEqual([false, true]);
  expect(sessions[0]).toMatchObject({ address: '127.0.0.1', device: 'node' });
  const unwanted = sessions.find(({ isCurrent }) => !isCurrent)?.id;

  const ended = await browser.delete(`/api/auth/sessions/${unwanted}`);
  const again = await browser.delete(`/api/auth/sessions/${unwanted}`);

  expect([ended.status, again.status]).toEqual([200, 404]);
  expect(await other.isSignedIn()).toBe(false);
  expect(await sessionsOf(browser)).toHaveLength(1);
});

test("a stranger's session is as good as none: it is neither shown nor ended", async () => {
  const stranger = await personIn(gateway);
  const theirs = await stranger.signIn();
  const [session] = await sessionsOf(theirs);

  const refused = await browser.delete(`/api/auth/sessions/${session?.id}`);
  const missing = await browser.delete(`/api/auth/sessions/${randomUUID()}`);

  expect(refused.status).toBe(404);
  expect(refused.body.code).toBe(missing.body.code);
  expect(await theirs.isSignedIn()).toBe(true);
  expect(JSON.stringify(await sessionsOf(browser))).not.toContain(session?.id);
});

test('all other sessions can be ended at once', async () => {
  const others = [await person.signIn(), await person.signIn()];

  const answer = await browser.delete('/api/auth/sessions');

  expect(answer.body).toMatchObject({ success: true, ended: 2 });
  expect(await Promise.all(others.map((other) => other.isSignedIn()))).toEqual([false, false]);
  expect(await browser.isSignedIn()).toBe(true);
  expect(await person.history()).toContain('user.sessions-ended');
});

test('what is hard to undo asks for the password again, a quarter of an hour after it was given', async () => {
  const disable = () => browser.post('/api/auth/second-factor/disable', { password: goodPassword });
  expect((await disable()).body.code).toBe('second-factor-not-on');
  await backdate('confirmed_at', '15 minutes 1 second');

  const asked = await disable();
  const wrong = await browser.post('/api/auth/confirm', { password: 'four brave otters sleep' });
  const stillAsked = await disable();
  const right = await browser.post('/api/auth/confirm', { password: goodPassword });
  const passed = await disable();

  expect(asked).toMatchObject({ status: 403, body: { code: 'confirmation-required' } });
  expect(wrong).toMatchObject({ status: 403, body: { code: 'password-wrong' } });
  expect(stillAsked.body.code).toBe('confirmation-required');
  expect(right.status).toBe(200);
  expect(passed.body.code).toBe('second-factor-not-on');
  expect(await person.history()).toEqual([
    'user.signed-in',
    'user.password-refused',
    'user.password-confirmed',
  ]);
});

test('a key beside a cookie counts, and the session does not', async () => {
  const merchant = await gateway.merchant();
  const send = (path: string) =>
    gateway.send(path, {
      headers: { Authorization: `Bearer ${merchant.secretKey}`, Cookie: browser.cookies() },
    });

  expect((await send('/admin/stats')).status).toBe(200);
  expect(await send('/api/auth/session')).toMatchObject({
    status: 401,
    body: { code: 'credentials-required' },
  });
});

test('a session alone opens no tenant: without a membership there is none by that name', async () => {
  const merchant = await gateway.merchant();

  const answer = await browser.get(`/admin/stats?tenant=${merchant.slug}`);

  expect(answer).toMatchObject({ status: 404, body: { code: 'tenant-not-found' } });
});

test('damaged cookies are nobody’s, and break nothing', async () => {
  const token = browser.jar.get('kassa_session') ?? '';
  for (const value of ['', '.', '%', '%E0%A4%A', 'x'.repeat(4_000), `${token}x`, token.slice(1)]) {
    browser.jar.set('kassa_session', value);
    expect((await browser.get('/api/auth/session')).status, value).toBe(401);
  }
});
