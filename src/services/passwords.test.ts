import { expect, test } from 'vitest';
import { Problem } from '../domain/problems.ts';
import { currentCost, hashPassword, requireStrongPassword, verifyPassword } from './passwords.ts';

const owner = { email: 'siti.rahma@people.example', name: 'Siti Rahma' };
const cheap = { N: 1024, r: 8, p: 1 };

test('a password is stored at no less than the cost that OWASP asks of scrypt', async () => {
  const hash = await hashPassword('four brave otters juggle');
  const [kind, N, r, p, salt = '', key = ''] = hash.split('$');

  expect([kind, Number(N), Number(r), Number(p)]).toEqual(['scrypt', 32_768, 8, 3]);
  expect(currentCost).toEqual({ N: 32_768, r: 8, p: 3 });
  expect(Buffer.from(salt, 'base64')).toHaveLength(16);
  expect(Buffer.from(key, 'base64')).toHaveLength(32);
  expect(await verifyPassword(hash, 'four brave otters juggle')).toBe(true);
  expect(await verifyPassword(hash, 'four brave otters juggles')).toBe(false);
});

test('two hashes of one password differ, and each fits at the cost that it was made with', async () => {
  const [one, two] = [await hashPassword('a password', cheap), await hashPassword('a password')];

  expect(one).not.toBe(two);
  expect(await verifyPassword(one, 'a password')).toBe(true);
  expect(await verifyPassword(two, 'a password')).toBe(true);
});

test('the same letters are the same password, in whichever form a keyboard sends them', async () => {
  const hash = await hashPassword('Åsa går på lina', cheap);

  expect(await verifyPassword(hash, 'Åsa går på lina'.normalize('NFD'))).toBe(true);
});

test('a stored form that nobody knows is a defect, and no wrong password', async () => {
  await expect(verifyPassword('md5$abc', 'a password')).rejects.toThrow('nobody knows');
  expect(await verifyPassword('scrypt$1024$8$1$AAAA$', 'a password')).toBe(false);
});

test.each([
  'password1234',
  'qwertyuiop[]',
  'aaaaaaaaaaaa',
  '123456789012',
  'iloveyouiloveyou',
  'siti.rahma@people.example',
  'kassakassakassa',
])('"%s" is too easy to guess', (password) => {
  expect(() => requireStrongPassword('password', password, owner)).toThrow(Problem);
});

test.each([
  'four brave otters juggle',
  'xK9$mQ2v#Lp7',
  'värld 🌍 мир och fisk',
  'tr0ub4dour&3x9'.repeat(9),
])('"%s" is strong enough', (password) => {
  expect(() => requireStrongPassword('password', password, owner)).not.toThrow();
});

test('judging a password of any length takes no time to speak of', () => {
  const start = performance.now();
  requireStrongPassword('password', '4@8({[<369&#!1/|0$5+7%2'.repeat(6).slice(0, 128), owner);

  expect(performance.now() - start).toBeLessThan(1_000);
});
