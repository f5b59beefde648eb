import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject, onTestFinished } from 'vitest';
import { dropDatabase } from '../../../local/database.ts';
import { migrate } from '../../../src/db/migrate.ts';
import { connect } from './open.ts';

const folder = fileURLToPath(new URL('../../../migrations', import.meta.url));

/** A database as it was before the migration of that number, until the test is over. */
export async function databaseBefore(number: string) {
  const { adminUrl, password } = inject('postgres');
  const name = `kassa_older_${randomUUID().replaceAll('-', '')}`;
  const server = await connect(adminUrl);
  await server.query(`create database ${name} owner kassa_owner`);
  await server.end();
  onTestFinished(() => dropDatabase(adminUrl, name));
  const dir = await mkdtemp(join(tmpdir(), 'kassa-migrations-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  for (const file of await readdir(folder)) {
    if (file < number) await cp(join(folder, file), join(dir, file));
  }
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const admin = await connect(url.href);
  onTestFinished(() => admin.end());
  url.username = 'kassa_owner';
  url.password = password;
  await migrate({ ownerUrl: url.href, dir });
  return { ownerUrl: url.href, admin };
}
