import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { Client, type QueryResultRow } from 'pg';
import { getContainerRuntimeClient } from 'testcontainers';
import { afterEach, expect, test, vi } from 'vitest';
import { eventually } from './eventually.ts';
import { container, openPostgresSource, type PostgresSource } from './postgres-source.ts';

vi.setConfig({ testTimeout: 30_000 });

const opened: PostgresSource[] = [];
afterEach(async () => {
  for (const source of opened.splice(0)) await source.stop();
});

test('without a wish the embedded server serves, and leaves nothing when stopped', async () => {
  const before = await foldersOf(process.pid);
  const source = await open({ testDatabaseUrl: undefined });
  expect(source.name).toBe('embedded');
  expect(await query(source.adminUrl, 'show fsync')).toEqual([{ fsync: 'off' }]);

  await source.stop();

  await expect(query(source.adminUrl, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  expect(await foldersOf(process.pid)).toEqual(before);
});

test('the server that was asked for is used and outlives the tests', async () => {
  const { adminUrl } = await open({ testDatabaseUrl: '' });

  const source = await open({ testDatabaseUrl: adminUrl });
  await source.stop();

  expect(source).toMatchObject({ name: 'TEST_DATABASE_URL', adminUrl });
  expect(await query(adminUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a server that was asked for and does not answer is an error, not a reason to skip', async () => {
  const source = await open({ testDatabaseUrl: undefined });
  await source.stop();

  const refused = openPostgresSource({ testDatabaseUrl: source.adminUrl });

  await expect(refused).rejects.toThrow(/TEST_DATABASE_URL cannot be used: .*ECONNREFUSED/);
  const password = new URL(source.adminUrl).password;
  await expect(refused).rejects.not.toThrow(password);
});

test('a user who may not create databases is refused at once', async () => {
  const { adminUrl } = await open({ testDatabaseUrl: undefined });
  await query(adminUrl, `create role visitor login password 'visitor'`);
  const testDatabaseUrl = adminUrl.replace(/\/\/.*@/, '//visitor:visitor@');

  await expect(openPostgresSource({ testDatabaseUrl })).rejects.toThrow('may not create databases');
});

test('the server of a run that was killed is ended by the next one', async () => {
  const code = `
    import { openPostgresSource } from '${new URL('postgres-source.ts', import.meta.url)}';
    const { adminUrl } = await openPostgresSource({ testDatabaseUrl: undefined });
    console.log(adminUrl);
    setInterval(() => {}, 60_000);`;
  const killed = spawn(process.execPath, ['--input-type=module', '--eval', code]);
  const [abandoned] = await once(createInterface(killed.stdout), 'line');
  const current = await open({ testDatabaseUrl: undefined });
  // While that run lives, its server is none of our business.
  expect(await query(abandoned, 'select 1 as one')).toEqual([{ one: 1 }]);
  killed.kill('SIGKILL');
  await once(killed, 'exit');

  await open({ testDatabaseUrl: undefined });

  // Waits, because tests that run beside these may be sweeping it at this moment.
  await eventually(async () => {
    await expect(query(abandoned, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(await foldersOf(killed.pid)).toEqual([]);
  });
  expect(await query(current.adminUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('the first alternative that opens is taken', async () => {
  const adminUrl = 'postgres://somewhere';
  const stop = async () => undefined;

  const source = await openPostgresSource({ testDatabaseUrl: undefined }, [
    { name: 'embedded', open: () => Promise.reject(new Error('no binaries for this platform')) },
    { name: 'testcontainers', open: async () => ({ adminUrl, stop }) },
  ]);

  expect(source).toEqual({ name: 'testcontainers', adminUrl, stop });
});

test('where nothing can be had, every reason is told', async () => {
  const source = await openPostgresSource({ testDatabaseUrl: undefined }, [
    { name: 'embedded', open: () => Promise.reject(new Error('no binaries for this platform')) },
    { name: 'testcontainers', open: () => Promise.reject(new Error('no runtime answers')) },
  ]);

  expect(source.name).toBe('none');
  expect(source).toHaveProperty(
    'why',
    'There is no PostgreSQL for the tests. TEST_DATABASE_URL is not set. ' +
      'embedded: no binaries for this platform. testcontainers: no runtime answers',
  );
});

test('a container serves where a runtime answers, and says why where none does', async ({
  skip,
}) => {
  const hasRuntime = await getContainerRuntimeClient().then(
    () => true,
    () => false,
  );

  const source = await openPostgresSource({ testDatabaseUrl: undefined }, [container]);

  if (source.name === 'none') {
    expect(source.why).toMatch(/testcontainers: .*container runtime/);
    skip(!hasRuntime, 'no container runtime answers on this machine');
  } else {
    opened.push(source);
    expect(await query(source.adminUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
  }
  expect(source.name).toBe('testcontainers');
}, 300_000);

async function open(wish: { testDatabaseUrl: string | undefined }): Promise<PostgresSource> {
  const source = await openPostgresSource(wish);
  if (source.name === 'none') throw new Error(source.why);
  opened.push(source);
  return source;
}

async function foldersOf(pid: number | undefined): Promise<string[]> {
  const names = await readdir(tmpdir());
  return names.filter((name) => name.startsWith(`kassa-test-postgres-${pid}-`)).sort();
}

async function query(url: string, text: string): Promise<QueryResultRow[]> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}
