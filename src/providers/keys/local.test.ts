import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { TenantId } from '../../domain/ids.ts';
import { Secret } from '../../domain/secret.ts';
import { decrypt, encrypt } from './aead.ts';
import { openLocalMasterKeys } from './local.ts';

const folder = await mkdtemp(join(tmpdir(), 'kassa-keys-'));
const file = join(folder, 'master-keys');
const tenantId = TenantId.parse('0192a000-0000-7000-8000-000000000001');
const name = { tenantId, version: 1 };
const newKey = () => randomBytes(32).toString('base64');

afterAll(() => rm(folder, { recursive: true }));

function given(keys: string, isProduction = false) {
  return openLocalMasterKeys({ source: { keys: new Secret(keys) }, isProduction });
}

async function inFile(text: string, mode = 0o600) {
  await writeFile(file, text);
  await chmod(file, mode);
  return openLocalMasterKeys({ source: { file }, isProduction: true });
}

test('the last key wraps, and every key unwraps', async () => {
  const [first, second] = [newKey(), newKey()];
  const key = randomBytes(32);
  const old = await (await given(`k1:${first}`)).wrap(key, name);
  const both = await given(`k1:${first}, k2:${second}`);

  const wrapped = await both.wrap(key, name);

  expect(old.kekId).toBe('k1');
  expect(wrapped.kekId).toBe('k2');
  expect(await both.currentId()).toBe('k2');
  expect(await both.unwrap(old, name)).toEqual(key);
  expect(await both.unwrap(wrapped, name)).toEqual(key);
});

test('a wrapped key is of one tenant, one version and one master key', async () => {
  const text = newKey();
  const keys = await given(`k1:${text},k2:${text}`);
  const wrapped = await keys.wrap(randomBytes(32), name);
  const other = TenantId.parse('0192a000-0000-7000-8000-000000000002');

  const wrong = { name: 'MasterKeyError', reason: 'wrong' };
  await expect(keys.unwrap(wrapped, { ...name, tenantId: other })).rejects.toMatchObject(wrong);
  await expect(keys.unwrap(wrapped, { ...name, version: 2 })).rejects.toMatchObject(wrong);
  await expect(keys.unwrap({ ...wrapped, kekId: 'k1' }, name)).rejects.toMatchObject(wrong);
  await expect(keys.unwrap({ ...wrapped, kekId: 'k3' }, name)).rejects.toMatchObject({
    name: 'MasterKeyError',
    reason: 'missing',
  });
});

test.each([
  ['', 'holds no key'],
  ['k1', 'key 1 is not an id, a colon and a key'],
  ['k1:not base64', 'key 1 is not an id, a colon and a key'],
  [`k 1:${newKey()}`, 'key 1 is not an id, a colon and a key'],
  [`k1:${randomBytes(16).toString('base64')}`, 'key 1 does not have 32 bytes'],
  [`k1:${newKey()},k2:${randomBytes(33).toString('base64')}`, 'key 2 does not have 32 bytes'],
  [`k1:${Buffer.alloc(32).toString('base64')}`, 'key 1 is not random'],
  [`k1:${newKey()},k1:${newKey()}`, 'key 2 has the id "k1" of another one'],
])('MASTER_KEYS=%s is refused', async (keys, message) => {
  const error = await given(keys).catch((thrown: Error) => thrown);

  expect(error).toMatchObject({ message: expect.stringContaining(`MASTER_KEYS`) });
  expect(inspect(error)).toContain(message);
  for (const [, key] of keys.matchAll(/:([^,]{20,})/g)) expect(inspect(error)).not.toContain(key);
});

test.each(['demo1', 'demo', 'test1'])('production refuses the key %s', async (id) => {
  const keys = `k1:${newKey()},${id}:${newKey()}`;

  await expect(given(keys, true)).rejects.toThrow(`("${id}") is one of the demo or of tests`);
  await expect(given(keys, false)).resolves.toBeDefined();
});

test.each([0o600, 0o400, 0o440])('a file of mode %o is read', async (mode) => {
  const keys = await inFile(`# the keys of production\nk1:${newKey()}\n\nk2:${newKey()}\n`, mode);

  expect(await keys.currentId()).toBe('k2');
  await chmod(file, 0o600);
});

test.each([0o644, 0o604, 0o640, 0o660, 0o666, 0o700, 0o444])(
  'a file of mode %o is refused, with what to do',
  async (mode) => {
    await expect(inFile(`k1:${newKey()}`, mode)).rejects.toThrow(
      `has the mode ${mode.toString(8)}, so others can read or change it. Set it: chmod 400`,
    );
    await chmod(file, 0o600);
  },
);

test('a file that is not there is named', async () => {
  const source = { file: join(folder, 'nowhere') };

  await expect(openLocalMasterKeys({ source, isProduction: true })).rejects.toThrow(
    `MASTER_KEY_FILE: ${source.file} cannot be read.`,
  );
});

test('a key that is added to the file is learnt without a restart', async () => {
  const [first, second] = [newKey(), newKey()];
  const running = await inFile(`k1:${first}`);
  const early = await running.wrap(randomBytes(32), name);
  await writeFile(file, `k1:${first}\nk2:${second}`);
  const key = randomBytes(32);
  const elsewhere = await (await given(`k2:${second}`)).wrap(key, name);

  expect(await running.unwrap(elsewhere, name)).toEqual(key);
  expect((await running.wrap(key, name)).kekId).toBe('k2');

  // One that is taken out is forgotten by the next start only: what it wraps may be met until then.
  await writeFile(file, `k2:${second}`);
  await running.currentId();
  await expect(running.unwrap(early, name)).resolves.toBeDefined();
});

test('a file that has gone since fails closed', async () => {
  const running = await inFile(`k1:${newKey()}`);
  await rm(file);

  await expect(running.wrap(randomBytes(32), name)).rejects.toThrow('cannot be read');
  await expect(
    running.unwrap({ kekId: 'k9', wrapped: randomBytes(60) }, name),
  ).rejects.toMatchObject({ reason: 'missing' });
});

test('10 000 encryptions of one text have 10 000 IVs and 10 000 bodies', () => {
  const key = randomBytes(32);
  const sealed = Array.from({ length: 10_000 }, () =>
    encrypt(key, Buffer.from('secret'), Buffer.from('here')).toString('hex'),
  );

  expect(new Set(sealed.map((hex) => hex.slice(0, 24))).size).toBe(10_000);
  expect(new Set(sealed.map((hex) => hex.slice(24))).size).toBe(10_000);
});

test('a tag that is cut is refused, at every length', () => {
  const key = randomBytes(32);
  const context = Buffer.from('here');
  const bytes = encrypt(key, Buffer.from('secret'), context);
  const [iv, tag, body] = [bytes.subarray(0, 12), bytes.subarray(12, 28), bytes.subarray(28)];

  for (let length = 0; length < 16; length += 1) {
    const cut = Buffer.concat([iv, tag.subarray(0, length), body]);
    expect(() => decrypt(key, cut, context), `${length} bytes`).toThrow();
  }
  expect(decrypt(key, bytes, context).toString()).toBe('secret');
});
