import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  addSecondFactor,
  type Browser,
  browserIn,
  goodPassword,
  mailsOf,
  type Person,
  personIn,
} from '../support/accounts.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

let gateway: Gateway;
let person: Person;
let owner: Browser;

beforeAll(async () => {
  gateway = await startGateway();
});

beforeEach(async () => {
  await mailsOf(gateway);
  person = await personIn(gateway);
  owner = await person.signIn();
});

afterAll(() => gateway.close());

/** A browser that has given the password, and no more. */
async function halfway(): Promise<Browser> {
  const browser = await person.signIn();
  expect(browser.jar.has('kassa_session')).toBe(false);
  return browser;
}
const pass = (browser: Browser, code: string) =>
  browser.post('/api/auth/sign-in/second-factor', { code });
const recover = (browser: Browser, recoveryCode: string) =>
  browser.post('/api/auth/sign-in/second-factor', { recoveryCode });

test('with a second factor the password alone opens nothing, and a code of the app does', async () => {
  const factor = await addSecondFactor(owner);
  const browser = await halfway();
  expect(await browser.isSignedIn()).toBe(false);

  const answer = await pass(browser, factor.code());

  expect(answer).toMatchObject({ status: 200, body: { secondFactorRequired: false } });
  expect(await browser.isSignedIn()).toBe(true);
  expect(browser.jar.has('kassa_second_factor')).toBe(false);
  expect((await browser.get('/api/auth/session')).body).toMatchObject({
    secondFactor: { isOn: true, isOwed: false },
  });
  expect(await person.history()).toEqual([
    'user.signed-in',
    'user.second-factor-on',
    'user.signed-in',
  ]);
});

test('each code is taken once, also when it is sent twice at once', async () => {
  const factor = await addSecondFactor(owner);
  const [one, two, three] = [await halfway(), await halfway(), await halfway()];
  const code = factor.code();

  const answers = await Promise.all([pass(one, code), pass(two, code)]);
  const later = await pass(three, code);
  // Nor is one of before, which would still be in time.
  const earlier = await pass(three, factor.code(-1));

  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
  expect(later).toMatchObject({ status: 401, body: { code: 'second-factor-invalid' } });
  expect(earlier).toMatchObject({ status: 401, body: { code: 'second-factor-invalid' } });
  expect((await pass(three, factor.code(1))).status).toBe(200);
});

test('after five wrong codes the password is asked for again', async () => {
  const factor = await addSecondFactor(owner);
  const browser = await halfway();
  const wrong = String((Number(factor.code()) + 1) % 1_000_000).padStart(6, '0');

  const codes: unknown[] = [];
  for (let tries = 0; tries < 5; tries += 1) codes.push((await pass(browser, wrong)).body.code);

  expect(new Set(codes)).toEqual(new Set(['second-factor-invalid']));
  expect((await pass(browser, factor.code())).body.code).toBe('second-factor-expired');
  expect(await browser.isSignedIn()).toBe(false);
  expect(
    (await person.history()).filter((action) => action.endsWith('factor-refused')),
  ).toHaveLength(6);
});

test('a wait of more than ten minutes, and a cookie that we did not sign, end the sign-in', async () => {
  const factor = await addSecondFactor(owner);
  const browser = await halfway();
  await gateway.admin.query(
    `update identity.verifications set expires_at = now() - interval '1 s' where value = $1`,
    [person.id],
  );
  const forger = browserIn(gateway);
  forger.jar.set('kassa_second_factor', `2fa-xz2DXYx5Obs7fLArwSrE.${'A'.repeat(43)}%3D`);

  expect((await pass(browser, factor.code())).body.code).toBe('second-factor-expired');
  expect((await pass(forger, factor.code())).body.code).toBe('second-factor-expired');
  expect((await pass(browserIn(gateway), factor.code())).body.code).toBe('second-factor-expired');
});

test('a recovery code opens once, and new ones replace the old', async () => {
  const factor = await addSecondFactor(owner);
  const [first = '', second = ''] = factor.recoveryCodes;
  expect(factor.recoveryCodes).toHaveLength(10);

  const answers = await Promise.all([
    recover(await halfway(), first),
    recover(await halfway(), first),
  ]);
  const again = await recover(await halfway(), first);
  const wrong = await recover(await halfway(), 'abcde-fghij');
  const renewed = await owner.post('/api/auth/second-factor/recovery-codes', {
    password: goodPassword,
  });
  const [fresh = ''] = renewed.body.recoveryCodes as string[];

  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401]);
  expect(again).toMatchObject({ status: 401, body: { code: 'second-factor-invalid' } });
  expect(wrong).toMatchObject({ status: 401, body: { code: 'second-factor-invalid' } });
  expect((await recover(await halfway(), second)).status).toBe(401);
  expect((await recover(await halfway(), fresh)).status).toBe(200);
  expect(await person.history()).toContain('user.recovery-codes-renewed');
});

test('neither the secret nor a recovery code is in the database to be read', async () => {
  const begun = await owner.post('/api/auth/second-factor/begin', { password: goodPassword });
  const secret = new URL(String(begun.body.uri)).searchParams.get('secret') ?? '';
  const codes = begun.body.recoveryCodes as string[];

  const { rows } = await gateway.admin.query(
    'select * from identity.two_factors where user_id = $1',
    [person.id],
  );

  expect(rows).toHaveLength(1);
  const stored = JSON.stringify(rows);
  for (const text of [secret, ...codes]) expect(stored).not.toContain(text);
  expect(stored).not.toContain(decodeBase32(secret));
});

test('a factor is on once its first code was right, and then ends all other sessions', async () => {
  const other = await person.signIn();
  const begun = await owner.post('/api/auth/second-factor/begin', { password: goodPassword });
  expect(begun.status).toBe(200);
  expect((await owner.post('/api/auth/second-factor/confirm', { code: '000000' })).body.code).toBe(
    'second-factor-invalid',
  );
  expect((await person.signIn()).jar.has('kassa_session')).toBe(true);
  const before = owner.jar.get('kassa_session');

  await addSecondFactor(owner);

  expect(owner.jar.get('kassa_session')).not.toBe(before);
  expect(await owner.isSignedIn()).toBe(true);
  expect(await other.isSignedIn()).toBe(false);
  expect(await mailsOf(gateway)).toMatchObject([{ subject: 'Your second factor is on' }]);
});

test('the steps are refused out of order, and with a wrong password', async () => {
  const post = (path: string, body: unknown) =>
    owner.post(`/api/auth/second-factor/${path}`, body).then(({ body: answer }) => answer.code);
  const password = goodPassword;
  const wrong = 'four brave otters sleep';

  expect(await post('confirm', { code: '123456' })).toBe('second-factor-not-on');
  expect(await post('disable', { password })).toBe('second-factor-not-on');
  expect(await post('recovery-codes', { password })).toBe('second-factor-not-on');
  expect(await post('begin', { password: wrong })).toBe('password-wrong');
  const factor = await addSecondFactor(owner);
  expect(await post('begin', { password })).toBe('second-factor-on-already');
  expect(await post('confirm', { code: factor.code() })).toBe('second-factor-on-already');
  expect(await post('recovery-codes', { password: wrong })).toBe('password-wrong');
  expect(await post('disable', { password: wrong })).toBe('password-wrong');
  expect((await halfway()).jar.has('kassa_second_factor')).toBe(true);
});

test('two beginnings at once leave one factor, whose codes count', async () => {
  const begin = () => owner.post('/api/auth/second-factor/begin', { password: goodPassword });

  const answers = await Promise.all([begin(), begin()]);

  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  const factor = await addSecondFactor(owner);
  expect((await pass(await halfway(), factor.code())).status).toBe(200);
});

test('a factor that is turned off is asked for no more, and its owner hears of it', async () => {
  await addSecondFactor(owner);
  await mailsOf(gateway);

  const answer = await owner.post('/api/auth/second-factor/disable', { password: goodPassword });

  expect(answer.status).toBe(200);
  expect(await owner.isSignedIn()).toBe(true);
  expect(await mailsOf(gateway)).toMatchObject([{ subject: 'Your second factor is off' }]);
  expect((await person.signIn()).jar.has('kassa_session')).toBe(true);
  expect(await person.history()).toContain('user.second-factor-off');
});

test('a session beside a half sign-in does not stand in for it', async () => {
  const victim = await personIn(gateway);
  await addSecondFactor(await victim.signIn());
  const mine = await addSecondFactor(owner);
  const thief = browserIn(gateway);
  await victim.signIn(thief); // with the password, which was found out
  thief.jar.set('kassa_session', owner.jar.get('kassa_session') ?? '');

  const answer = await pass(thief, mine.code());

  expect(answer).toMatchObject({ status: 401, body: { code: 'second-factor-invalid' } });
  expect((await thief.get('/api/auth/session')).body).toMatchObject({ user: { id: person.id } });
});

test('a user who is banned between password and code is not let in', async () => {
  const factor = await addSecondFactor(owner);
  const browser = await halfway();
  await gateway.admin.query('update identity.users set disabled_at = now() where id = $1', [
    person.id,
  ]);

  const answer = await pass(browser, factor.code());

  expect(answer.status).toBe(401);
  expect(await browser.isSignedIn()).toBe(false);
});

test('a new password ends a sign-in that waits for its code', async () => {
  const factor = await addSecondFactor(owner);
  const browser = await halfway();
  await owner.post('/api/auth/password/change', {
    currentPassword: goodPassword,
    newPassword: 'quiet lemon harbor violin',
  });

  expect((await pass(browser, factor.code())).body.code).toBe('second-factor-expired');
});

test('staff without a second factor owes one, and only outside of the demo', async () => {
  const demo = await startGateway({ DEMO_MODE: 'true' });
  const owedIn = async (where: Gateway) => {
    const staff = await personIn(where, { role: 'superadmin' });
    const browser = await staff.signIn(browserIn(where));
    return (await browser.get('/api/auth/session')).body.secondFactor;
  };

  expect(await owedIn(gateway)).toEqual({ isOn: false, isOwed: true });
  expect(await owedIn(demo)).toEqual({ isOn: false, isOwed: false });
  await demo.close();
});

function decodeBase32(text: string): string {
  const bits = [...text]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2))
    .map((value) => value.padStart(5, '0'))
    .join('');
  return (bits.match(/.{8}/g) ?? [])
    .map((byte) => String.fromCharCode(Number.parseInt(byte, 2)))
    .join('');
}
