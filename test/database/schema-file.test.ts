import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, inject, onTestFinished, test } from 'vitest';
import { dropDatabase } from '../../local/database.ts';
import { migrate } from '../../src/db/migrate.ts';
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
  const names = ['kassa_1', 'kassa_2', 'kassa_3'];
  const admin = await connect(other.adminUrl);
  await admin.query('create role kassa_owner login createrole');
  for (const name of names) await admin.query(`create database ${name} owner kassa_owner`);
  await admin.end();
  const urls = names.map((name) => {
    const url = new URL(other.adminUrl);
    url.username = 'kassa_owner';
    url.pathname = `/${name}`;
    return url.href;
  });

  // This server has no login of ours yet: all of them race to make the same ones.
  await Promise.all(urls.map((ownerUrl) => migrate({ ownerUrl })));

  const text = await readFile(file, 'utf8');
  for (const url of urls) expect(await dumpOf(url)).toBe(text);
});

async function dumpOf(url: string): Promise<string> {
  const client = await connect(url);
  try {
    return await dumpSchema(client);
  } finally {
    await client.end();
  }
}
