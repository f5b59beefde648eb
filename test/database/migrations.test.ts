import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MigrationBuilder } from 'node-pg-migrate';
import pg from 'pg';
import { afterAll, expect, inject, onTestFinished, test } from 'vitest';
import { dropDatabase } from '../../local/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { dumpSchema } from '../../src/db/schema-dump.ts';
import { eventually } from '../support/eventually.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { tapWire } from '../support/wire-tap.ts';
import { addTenant, connect } from './support/open.ts';
import { createRowFactory } from './support/row-factory.ts';
import { statementsIn } from './support/statements.ts';
import { readTenantTables } from './support/tenant-tables.ts';

const folder = fileURLToPath(new URL('../../migrations', import.meta.url));
const files = (await readdir(folder)).sort();
const names = files.map((file) => basename(file, '.ts'));
const { adminUrl } = inject('postgres');
const admin = await connect(adminUrl);

afterAll(() => admin.end());

test('an empty database gets every migration, and a second run finds nothing to do', async () => {
  const ownerUrl = await emptyDatabase();

  expect(await migrate({ ownerUrl })).toEqual(names);
  const before = await dumpOf(ownerUrl);
  expect(await migrate({ ownerUrl })).toEqual([]);

  expect(await dumpOf(ownerUrl)).toBe(before);
});

test('of several runs at once one migrates and the others wait', async () => {
  const ownerUrl = await emptyDatabase();

  const runs = await Promise.all([1, 2, 3].map(() => migrate({ ownerUrl })));

  expect(runs.toSorted((a, b) => b.length - a.length)).toEqual([names, [], []]);
});

test('databases of one server can be migrated at once', async () => {
  const urls: string[] = [];
  for (const _ of [1, 2, 3, 4]) urls.push(await emptyDatabase());

  const runs = await Promise.all(urls.map((ownerUrl) => migrate({ ownerUrl })));

  expect(runs).toEqual(urls.map(() => names));
});

const runnersLock = 7_241_865_325_823_964n; // node-pg-migrate's own
const waitingRun = (what: string) => `select ${what} from pg_stat_activity
  where datname = current_database() and application_name = 'kassa-migrate'
    and wait_event_type = 'Lock'`;

test('a run whose connection is ended is an error, and the next one works', async () => {
  const ownerUrl = await emptyDatabase();
  const holder = await connect(ownerUrl);
  onTestFinished(() => holder.end());
  await holder.query('select pg_advisory_lock($1)', [runnersLock]);

  const run = migrate({ ownerUrl });
  const refused = expect(run).rejects.toThrow(/terminat/);
  await eventually(async () => {
    const { rowCount } = await holder.query(waitingRun('pg_terminate_backend(pid)'));
    expect(rowCount).toBe(1);
  });
  await refused;

  await holder.query('select pg_advisory_unlock($1)', [runnersLock]);
  expect(await migrate({ ownerUrl })).toEqual(names);
});

test('a run whose network breaks is an error, and does not end the process', async () => {
  const ownerUrl = await emptyDatabase();
  const tap = await tapWire(ownerUrl);
  onTestFinished(tap.close);
  const holder = await connect(ownerUrl);
  onTestFinished(() => holder.end());
  await holder.query('select pg_advisory_lock($1)', [runnersLock]);

  const refused = expect(migrate({ ownerUrl: tap.url })).rejects.toThrow(/ECONNRESET|terminated/);
  await eventually(async () => {
    const { rowCount } = await holder.query(waitingRun('pid'));
    expect(rowCount).toBe(1);
  });
  tap.cut();

  await refused;
});

test('a migration that fails half-way leaves nothing behind', async () => {
  const { owner: ownerUrl } = await testDatabase();
  const before = await dumpOf(ownerUrl);
  const dir = await withMigration('create table gadgets (id int)', 'select 1 / 0');

  await expect(migrate({ ownerUrl, dir })).rejects.toThrow('division by zero');

  expect(await dumpOf(ownerUrl)).toBe(before);
  expect(await migrate({ ownerUrl })).toEqual([]);
});

const addKey = `alter table outbox add constraint outbox_order_fkey
  foreign key (tenant_id, id) references orders (tenant_id, id)`;

test('a foreign key is not validated blindly under forced row-level security', async () => {
  const { owner: ownerUrl } = await databaseWithStray();

  const dir = await withMigration(addKey);

  // Without `row_security = off` PostgreSQL sees no rows here, and calls the key valid.
  await expect(migrate({ ownerUrl, dir })).rejects.toMatchObject({ code: '42501' });
});

test('a foreign key that is violated is found where the migration lifts force', async () => {
  const { owner: ownerUrl } = await databaseWithStray();
  const before = await dumpOf(ownerUrl);

  const dir = await withMigration(
    'alter table outbox no force row level security',
    'alter table orders no force row level security',
    addKey,
  );

  await expect(migrate({ ownerUrl, dir })).rejects.toMatchObject({ code: '23503' });
  expect(await dumpOf(ownerUrl)).toBe(before);
});

test('a backfill of rows that the owner cannot see fails instead of doing nothing', async () => {
  const { owner: ownerUrl } = await databaseWithStray();

  const dir = await withMigration(`update outbox set topic = 'changed'`);

  await expect(migrate({ ownerUrl, dir })).rejects.toMatchObject({ code: '42501' });
});

test.each(files)('%s sends one statement a call, and nothing else', async (file) => {
  const { up } = await import(join(folder, file));
  const sent: string[] = [];
  const builder = new Proxy({} as MigrationBuilder, {
    get(_, name) {
      if (name !== 'sql') throw new Error(`A migration is plain SQL; it called ${String(name)}.`);
      return (text: string) => sent.push(text);
    },
  });

  up(builder);

  expect(sent.length).toBeGreaterThan(0);
  for (const text of sent) expect(statementsIn(text)).toEqual([text.trim()]);
});

test.each([
  ['select 1', ['select 1']],
  ['select 1; select 2', ['select 1', 'select 2']],
  ['select 1;', ['select 1', '']],
  [`select ';', "a;b" -- one; still one`, [`select ';', "a;b" -- one; still one`]],
  [`select 'it''s; one' /* ; */`, [`select 'it''s; one' /* ; */`]],
  ['do $$ begin null; end $$', ['do $$ begin null; end $$']],
  ['do $a$ x; $$ ; $a$; do $$;$$', ['do $a$ x; $$ ; $a$', 'do $$;$$']],
])('the statements of %s are told apart', (text, statements) => {
  expect(statementsIn(text)).toEqual(statements);
});

async function emptyDatabase(): Promise<string> {
  const name = `kassa_empty_${randomUUID().replaceAll('-', '')}`;
  await admin.query(`create database ${name} owner kassa_owner`);
  onTestFinished(() => dropDatabase(adminUrl, name));
  return ownerUrlOf(name);
}

function ownerUrlOf(name: string): string {
  const url = new URL(adminUrl);
  url.username = 'kassa_owner';
  url.password = inject('postgres').password;
  url.pathname = `/${name}`;
  return url.href;
}

async function testDatabase() {
  const database = await createTestDatabase();
  onTestFinished(database.drop);
  return database;
}

/** With an outbox row that is no order, which nobody but a superuser sees. */
async function databaseWithStray() {
  const database = await testDatabase();
  const superuser = await connect(database.admin);
  const tenant = await addTenant(superuser, 'tenant-a');
  const factory = createRowFactory(superuser, await readTenantTables(superuser));
  await factory.store('orders', tenant);
  await factory.store('outbox', tenant);
  await superuser.end();
  return database;
}

/** Our migrations and one more. */
async function withMigration(...statements: string[]): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'kassa-migrations-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  await cp(folder, dir, { recursive: true });
  const calls = statements.map((statement) => `pgm.sql(${JSON.stringify(statement)});`);
  await writeFile(join(dir, '9999-tried.ts'), `export function up(pgm) { ${calls.join(' ')} }`);
  return dir;
}

async function dumpOf(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await dumpSchema(client);
  } finally {
    await client.end();
  }
}
