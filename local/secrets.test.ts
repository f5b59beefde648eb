import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadSecrets } from './secrets.ts';

const folder = await mkdtemp(join(tmpdir(), 'kassa-secrets-'));

afterAll(() => rm(folder, { recursive: true }));

test('secrets are made once, for their owner only', async () => {
  const file = join(folder, 'new.json');

  const secrets = await loadSecrets(file);

  expect(await loadSecrets(file)).toEqual(secrets);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(secrets.masterKeys).toMatch(/^demo1:[A-Za-z0-9+/]{43}=$/);
});

test('a folder of an older version is given what it lacks, and keeps the rest', async () => {
  const file = join(folder, 'old.json');
  const { masterKeys: _none, ...older } = await loadSecrets(join(folder, 'new.json'));
  await writeFile(file, JSON.stringify(older));

  const secrets = await loadSecrets(file);

  expect(secrets).toMatchObject(older);
  expect(secrets.masterKeys).toMatch(/^demo1:/);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(secrets);
  expect(await loadSecrets(file)).toEqual(secrets);
});
