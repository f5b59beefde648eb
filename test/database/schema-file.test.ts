import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, inject, onTestFinished, test } from 'vitest';
import { dropDatabase, setUpDatabase } from '../../local/database.ts';
import { dumpSchema } from '../../src/db/schema-dump.ts';
import { startOtherPostgres } from '../support/other-postgres.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { connect } from './support/open.ts';

const file = new URL('../../database/schema.sql', import.meta.url);

test('database/schema.sql is what the migrations make; else: npm run schema:dump', async () => {
  const database = await createTestDatabase();
  onTestFinished(database.drop);

  expect(await dumpOf(database.owner)).toBe(await readFile(file, 'utf8'));
});

test('database/schema.sql, loaded into an empty database, makes the same schema', async () => {
  const { adminUrl } = inject('postgres');
  const name = `kassa_loaded_${randomUUID().replaceAll('-', '')}`;
  const server = await connect(adminUrl);
  await server.query(`create database ${name} owner kassa_owner`);
  await server.end();
  onTestFinished(() => dropDatabase(adminUrl, name));
  const loaded = new URL(adminUrl);
  loaded.pathname = `/${name}`;
  const text = await readFile(file, 'utf8');

  const client = await connect(loaded.href);
  await client.query('set role kassa_owner');
  await client.query(text);
  await client.end();

  expect(await dumpOf(loaded.href)).toBe(text);
});

test('another major version makes the same schema, from several databases at once', async (context) => {
  const other = await startOtherPostgres();
  if (!other) return context.skip('there is no other PostgreSQL in /usr/lib/postgresql');
  onTestFinished(other.stop);
  const { adminUrl } = other;
  // This server has no roles of ours yet: all of them race to make the same ones.
  const make = (name: string) => setUpDatabase({ adminUrl, name, password: 'of-a-test' });
  const { owner } = await make('kassa');
  await dropRoles(adminUrl);

  const databases = await Promise.all(['kassa_1', 'kassa_2', 'kassa_3'].map(make));

  const text = await readFile(file, 'utf8');
  for (const { owner: url } of [{ owner }, ...databases]) expect(await dumpOf(url)).toBe(text);
});
