import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import {
  addSecondFactor,
  type Browser,
  browserIn,
  goodPassword,
  mailsOf,
  ownOrigin,
  type Person,
  personIn,
  tokenIn,
} from '../support/accounts.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

let gateway: Gateway;
let person: Person;
let addresses = 0;

beforeAll(async () => {
  gateway = await startGateway({ RATE_LIMITS: 'on' });
});

beforeEach(async () => {
  person = await personIn(gateway);
});

afterAll(() => gateway.close());

/** A browser at an address that nobody else has. */
function elsewhere(): Browser {
  addresses += 1;
  const address = `203.0.${Math.floor(addresses / 250)}.${(addresses % 250) + 1}`;
  return browserIn(gateway, { Origin: ownOrigin, 'X-Forwarded-For': address });
}

const tryPassword = (browser: Browser, password: string, email = person.email) =>
  browser.post('/api/auth/sign-in', { email, password });

async function guess(browser: Browser, times: number, email = person.email): Promise<number[]> {
  const statuses: number[] = [];
  for (let count = 0; count < times; count += 1) {
    statuses.push((await tryPassword(browser, `a wrong password ${count}`, email)).status);
  }
  return statuses;
}

test('guessing one account from one address ends after some tries, for known and unknown alike', async () => {
  const { points } = limits['sign-in-account-address'];
  const known = await guess(elsewhere(), points + 1);
  const unknown = await guess(elsewhere(), points + 1, `not-${person.email}`);

  expect(known).toEqual([...Array(points).fill(401), 429]);
  expect(unknown).toEqual(known);
});

test('who is slowed down learns when to come again, and a right password does not help', async () => {
  const browser = elsewhere();
  await guess(browser, limits['sign-in-account-address'].points);

  const answer = await tryPassword(browser, goodPassword);

  expect(answer).toMatchObject({ status: 429, body: { code: 'too-many-requests' } });
  expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0);
});

test('a stranger cannot lock the owner out: a browser that signed in before is counted apart', async () => {
  const owner = elsewhere();
  await person.signIn(owner);
  await owner.post('/api/auth/sign-out');
  const { points } = limits['sign-in-account'];
  for (let tried = 0; tried < points; tried += limits['sign-in-account-address'].points) {
    await guess(elsewhere(), limits['sign-in-account-address'].points);
  }

  const stranger = await tryPassword(elsewhere(), goodPassword);
  const back = await tryPassword(owner, goodPassword);

  expect(stranger.status).toBe(429);
  expect(back.status).toBe(200);
});

test("the owner's place is kept by a signature: nobody writes it, and it fits one account", async () => {
  const owner = elsewhere();
  await person.signIn(owner);
  const other = await personIn(gateway);
  const { points } = limits['sign-in-account-address'];
  const device = owner.jar.get('kassa_device') ?? '';
  const forged = `${device.slice(0, 22)}.${'A'.repeat(43)}`;

  for (const [value, account] of [
    [device, other],
    [forged, person],
  ] as const) {
    const browser = elsewhere();
    browser.jar.set('kassa_device', value);
    expect((await guess(browser, points + 1, account.email)).at(-1)).toBe(429);
    const next = await tryPassword(browser, 'a wrong password', `${account.email}.other`);
    expect(next.status).toBe(401);
  }
});

test('one password over many accounts ends at the address', async () => {
  const browser = elsewhere();
  const { points } = limits['sign-in-address'];
  const people = await Promise.all(Array.from({ length: 10 }, () => personIn(gateway)));
  const statuses: number[] = [];
  for (let count = 0; count <= points; count += 1) {
    const { email } = people[count % people.length] ?? person;
    statuses.push((await tryPassword(browser, 'a password of many', email)).status);
  }

  expect(statuses.slice(0, -1)).not.toContain(429);
  expect(statuses.at(-1)).toBe(429);
});

test('a success takes back what mistyping counted', async () => {
  const browser = elsewhere();
  const { points } = limits['sign-in-account-address'];
  await guess(browser, points - 1);
  expect((await tryPassword(browser, goodPassword)).status).toBe(200);

  expect(await guess(browser, points)).not.toContain(429);
});

test('an owner whom guesses keep out of a new browser comes in by a new password', async () => {
  const { points } = limits['sign-in-account'];
  for (let tried = 0; tried < points; tried += limits['sign-in-account-address'].points) {
    await guess(elsewhere(), limits['sign-in-account-address'].points);
  }
  const owner = elsewhere();
  expect((await tryPassword(owner, goodPassword)).status).toBe(429);
  await mailsOf(gateway);
  await owner.post('/api/auth/password/forgot', { email: person.email });
  const token = tokenIn((await mailsOf(gateway))[0]);
  const newPassword = 'quiet lemon harbor violin';

  expect((await owner.post('/api/auth/password/reset', { token, newPassword })).status).toBe(200);

  expect((await tryPassword(owner, newPassword)).status).toBe(200);
  expect((await tryPassword(elsewhere(), newPassword)).status).toBe(429);
});

test('codes are guessed a few times only, however many sign-ins are begun', async () => {
  const home = await person.signIn(elsewhere());
  const factor = await addSecondFactor(home);
  const statuses: number[] = [];
  for (let count = 0; count <= limits['second-factor-account'].points; count += 1) {
    const browser = await person.signIn(elsewhere());
    const wrong = String((Number(factor.code()) + 1 + count) % 1_000_000).padStart(6, '0');
    const answer = await browser.post('/api/auth/sign-in/second-factor', { code: wrong });
    statuses.push(answer.status);
  }

  expect(statuses.at(-1)).toBe(429);
  expect(statuses.slice(0, -1)).toEqual(Array(statuses.length - 1).fill(401));
  // The owner's own browser goes on.
  await home.post('/api/auth/sign-out');
  await person.signIn(home);
  const answer = await home.post('/api/auth/sign-in/second-factor', { code: factor.code() });
  expect(answer.status).toBe(200);
});

test('a stolen session is no place to guess the password from', async () => {
  const browser = await person.signIn(elsewhere());
  const statuses: number[] = [];
  for (let count = 0; count <= limits['sign-in-account-address'].points; count += 1) {
    const password = `a wrong password ${count}`;
    statuses.push((await browser.post('/api/auth/confirm', { password })).status);
  }

  expect(statuses.at(-1)).toBe(429);
  expect(statuses.slice(0, -1)).not.toContain(429);
});

test('judging new passwords, which takes its time, is no way to keep a process busy', async () => {
  const browser = await person.signIn(elsewhere());
  const change = { currentPassword: goodPassword, newPassword: 'password12345' };
  const statuses: number[] = [];
  for (let count = 0; count <= limits['sign-in-account-address'].points; count += 1) {
    statuses.push((await browser.post('/api/auth/password/change', change)).status);
  }

  expect(statuses.at(-1)).toBe(429);
  expect(statuses.slice(0, -1)).toEqual(Array(statuses.length - 1).fill(400));
});

test('invitations are tried a few times only', async () => {
  const browser = elsewhere();
  const statuses: number[] = [];
  for (let count = 0; count <= limits['sign-in-address'].points; count += 1) {
    const token = randomBytes(32).toString('base64url');
    statuses.push((await browser.post('/api/auth/invitations/accept', { token })).status);
  }

  expect(statuses.at(-1)).toBe(429);
  expect(statuses.slice(0, -1)).toEqual(Array(statuses.length - 1).fill(404));
});

test('nobody fills a mailbox: mails to one address are few, whoever asks, and whether it is known', async () => {
  const { points } = limits['account-mail-account'];
  for (const email of [person.email, `not-${person.email}`]) {
    const statuses: number[] = [];
    for (let count = 0; count <= points; count += 1) {
      statuses.push((await elsewhere().post('/api/auth/password/forgot', { email })).status);
    }
    expect(statuses).toEqual([...Array(points).fill(200), 429]);
  }
});

test('who uses up the other mails to an address does not keep its owner from a new password', async () => {
  const { points } = limits['account-mail-account'];
  const { email } = person;
  for (let count = 0; count <= points; count += 1) {
    await elsewhere().post('/api/auth/verify-email/send', { email });
    await elsewhere().post('/api/auth/sign-up', { name: 'X', email, password: goodPassword });
  }

  expect((await elsewhere().post('/api/auth/password/forgot', { email })).status).toBe(200);
});

test('one address makes a few accounts an hour', async () => {
  const browser = elsewhere();
  const statuses: number[] = [];
  for (let count = 0; count <= limits['sign-up-address'].points; count += 1) {
    const email = `new-${count}-${person.email}`;
    const answer = await browser.post('/api/auth/sign-up', {
      name: 'New',
      email,
      password: goodPassword,
    });
    statuses.push(answer.status);
  }

  expect(statuses.at(-1)).toBe(429);
  expect(statuses.slice(0, -1)).not.toContain(429);
});
