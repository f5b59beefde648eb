import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { byOperator } from '../../src/domain/caller.ts';
import { Secret } from '../../src/domain/secret.ts';
import { browserIn, goodPassword, mailsOf, personIn, tokenIn } from '../support/accounts.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';

const password = 'quiet lemon harbor violin';

let gateway: Gateway;
let email: string;

beforeAll(async () => {
  gateway = await startGateway();
});

beforeEach(async () => {
  await mailsOf(gateway);
  email = `${randomUUID().slice(0, 8)}@staff.example`;
});

afterAll(() => gateway.close());

function create(given: string | undefined) {
  return gateway.wiring.services.administrators.create(byOperator('test', 'r'), {
    email,
    name: 'Åsa Lind',
    role: 'superadmin',
    password: given === undefined ? undefined : new Secret(given),
  });
}

const signIn = (text: string) =>
  browserIn(gateway).post('/api/auth/sign-in', { email, password: text });

/** Somebody signs up with the address of whoever is about to run the platform. */
async function squat(): Promise<string> {
  await browserIn(gateway).post('/api/auth/sign-up', {
    name: 'Thief',
    email,
    password: goodPassword,
  });
  return tokenIn((await mailsOf(gateway))[0]);
}

test.each([
  ['a password', password, 'made'],
  ['a link to choose one', undefined, 'mailed'],
] as const)(
  'whoever signed up before gets nothing of a role given with %s',
  async (_with, given, user) => {
    const token = await squat();

    expect(await create(given)).toEqual({ user, before: undefined });

    const verified = await browserIn(gateway).post('/api/auth/verify-email', {
      token,
      password: goodPassword,
    });
    expect(verified).toMatchObject({ status: 400, body: { code: 'token-invalid' } });
    const link = tokenIn((await mailsOf(gateway))[0]);
    if (!given) {
      const chosen = { token: link, newPassword: password };
      expect((await browserIn(gateway).post('/api/auth/password/reset', chosen)).status).toBe(200);
    }
    expect((await signIn(goodPassword)).status).toBe(401);
    expect((await signIn(password)).status).toBe(200);
  },
);

test('without a password nobody can sign in before the link was used', async () => {
  await squat();
  await create(undefined);

  expect((await signIn(goodPassword)).status).toBe(401);
});

test('who has proved the address gets the role, and keeps the password', async () => {
  ({ email } = await personIn(gateway));

  expect(await create(password)).toEqual({ user: 'known', before: undefined });

  expect((await signIn(password)).status).toBe(401);
  expect((await signIn(goodPassword)).status).toBe(200);
  expect(await mailsOf(gateway)).toEqual([]);
});
