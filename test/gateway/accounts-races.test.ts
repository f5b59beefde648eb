import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { platformChain } from '../../src/domain/audit.ts';
import { hashPassword } from '../../src/services/passwords.ts';
import {
  addSecondFactor,
  type Browser,
  browserIn,
  goodPassword,
  mailsOf,
  type Person,
  personIn,
  tokenIn,
} from '../support/accounts.ts';
import { type Answer, type Gateway, startGateway } from '../support/gateway.ts';

const newPassword = 'quiet lemon harbor violin';

let gateway: Gateway;
let person: Person;
let newHash: string;

beforeAll(async () => {
  gateway = await startGateway();
  newHash = await hashPassword(newPassword, { N: 1024, r: 8, p: 1 });
});

beforeEach(async () => {
  await mailsOf(gateway);
  person = await personIn(gateway);
});

afterAll(() => gateway.close());

/** Lets `request` begin while somebody else changes this user, who is done once it waits for that. */
async function duringChange<T>(
  change: (client: pg.PoolClient) => Promise<unknown>,
  request: () => Promise<T>,
): Promise<T> {
  const client = await gateway.admin.connect();
  try {
    await client.query('begin');
    await client.query('select from identity.users where id = $1 for update', [person.id]);
    const answer = request();
    await waiters(1);
    await change(client);
    await client.query('commit');
    return await answer;
  } finally {
    client.release();
  }
}

/** What a new password does, whichever way it comes. */
async function changePassword(client: pg.PoolClient): Promise<void> {
  await client.query('update identity.accounts set password = $2 where user_id = $1', [
    person.id,
    newHash,
  ]);
  await client.query('delete from identity.sessions where user_id = $1', [person.id]);
  await client.query('delete from identity.verifications where value = $1', [person.id]);
}

test('a sign-in with the old password that meets its change makes no session', async () => {
  const thief = browserIn(gateway);

  const answer = await duringChange(changePassword, () =>
    thief.post('/api/auth/sign-in', { email: person.email, password: goodPassword }),
  );

  expect(answer).toMatchObject({ status: 401, body: { code: 'sign-in-failed' } });
  expect(await thief.isSignedIn()).toBe(false);
});

test.each(['password', 'second factor'])(
  'a session that comes of a %s while a new password is chosen is ended by that',
  async (last) => {
    const thief = browserIn(gateway);
    const send = await lastStepOf(thief, last);
    await thief.post('/api/auth/password/forgot', { email: person.email });
    const token = tokenIn((await mailsOf(gateway)).at(-1));

    const client = await gateway.admin.connect();
    await client.query('begin');
    await client.query('select from audit_heads where tenant_id = $1 for update', [platformChain]);
    const signedIn = send();
    await waiters(1);
    const reset = thief.post('/api/auth/password/reset', { token, newPassword });
    await waiters(2);
    await client.query('commit');
    client.release();

    expect([(await signedIn).status, (await reset).status]).toEqual([200, 200]);
    expect(await thief.isSignedIn()).toBe(false);
  },
);

/** Brings a sign-in so far that one request is missing. */
async function lastStepOf(thief: Browser, last: string): Promise<() => Promise<Answer>> {
  const given = { email: person.email, password: goodPassword };
  if (last === 'password') return () => thief.post('/api/auth/sign-in', given);
  const { code } = await addSecondFactor(await person.signIn());
  await person.signIn(thief);
  return () => thief.post('/api/auth/sign-in/second-factor', { code: code() });
}

/** So many statements wait for a lock. */
async function waiters(count: number): Promise<void> {
  const look = async () => {
    const { rows } = await gateway.admin.query(
      `select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`,
    );
    expect(rows).toHaveLength(count);
  };
  // A password takes its time before.
  await vi.waitFor(look, { timeout: 10_000 });
}

test('a sign-up that meets the proof of the address leaves the password alone', async () => {
  await gateway.admin.query('update identity.users set email_verified = false where id = $1', [
    person.id,
  ]);

  const answer = await duringChange(
    (client) =>
      client.query('update identity.users set email_verified = true where id = $1', [person.id]),
    () =>
      browserIn(gateway).post('/api/auth/sign-up', {
        name: 'Thief',
        email: person.email,
        password: newPassword,
      }),
  );

  expect(answer.status).toBe(200);
  const signIn = (password: string) =>
    browserIn(gateway).post('/api/auth/sign-in', { email: person.email, password });
  expect((await signIn(newPassword)).status).toBe(401);
  expect((await signIn(goodPassword)).status).toBe(200);
});
