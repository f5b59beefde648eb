import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdtemp, readdir, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { removeTree } from '../../local/postgres/folders.ts';
import { hasCode, identify, isRunning } from '../../local/postgres/process.ts';
import { removePostgres, startPostgres } from '../../local/postgres/start-postgres.ts';

/** A PostgreSQL for tests. `adminUrl` may create roles and databases; `stop` gives it back. */
export type PostgresSource = Opened & {
  readonly name: 'TEST_DATABASE_URL' | 'embedded' | 'testcontainers';
};

export type NoPostgres = { readonly name: 'none'; readonly why: string };

type Opened = { readonly adminUrl: string; stop(): Promise<void> };
type Alternative = { readonly name: PostgresSource['name']; open(): Promise<Opened> };

/** The binaries that npm installed: here on nearly every machine, and under a second to start. */
export const embedded: Alternative = { name: 'embedded', open: openEmbedded };

/** For platforms without such binaries, as Alpine. */
export const container: Alternative = { name: 'testcontainers', open: openContainer };

/**
 * The server that was asked for, else the first one that can be had. One that was asked for and
 * does not serve is an error: tests left out because of a typing mistake would look like success.
 */
export async function openPostgresSource(
  { testDatabaseUrl }: { readonly testDatabaseUrl: string | undefined },
  alternatives: readonly Alternative[] = [embedded, container],
): Promise<PostgresSource | NoPostgres> {
  if (testDatabaseUrl) {
    await refuseUnfit(testDatabaseUrl);
    return { name: 'TEST_DATABASE_URL', adminUrl: testDatabaseUrl, stop: async () => undefined };
  }
  const reasons = ['TEST_DATABASE_URL is not set'];
  for (const { name, open } of alternatives) {
    try {
      return { name, ...(await open()) };
    } catch (error) {
      reasons.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { name: 'none', why: `There is no PostgreSQL for the tests. ${reasons.join('. ')}` };
}

async function refuseUnfit(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined); // one that matters also fails the query
  try {
    await client.connect();
    const { rows } = await client.query<{ version: number; may_create: boolean }>(
      `select current_setting('server_version_num')::int as version,
              rolsuper or (rolcreatedb and rolcreaterole) as may_create
         from pg_roles where rolname = current_user`,
    );
    const [found] = rows;
    if (!found || found.version < 150_000) throw new Error('it is older than PostgreSQL 15');
    if (!found.may_create) throw new Error('its user may not create databases and roles');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`The server of TEST_DATABASE_URL cannot be used: ${reason}`, { cause });
  } finally {
    await client.end();
  }
}

async function openEmbedded(): Promise<Opened> {
  await sweep();
  const folder = await mkdtemp(join(tmpdir(), `${await ownPrefix()}-`));
  const dataDir = join(folder, 'data');
  const remove = async () => {
    await removePostgres(dataDir);
    await removeTree(folder);
  };
  try {
    await chmod(folder, 0o755); // root's server runs as somebody else
    const superuserPassword = randomBytes(16).toString('hex');
    const server = await startPostgres({ dataDir, mode: 'fast', superuserPassword });
    return { adminUrl: server.url, stop: () => server.stop().then(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The owner is part of the name, so that a folder has one from the moment that it exists. */
async function ownPrefix(): Promise<string> {
  const self = await identify(process.pid);
  if (!self) throw new Error('This process cannot find itself in the list of processes.');
  return `kassa-test-postgres-${self.pid}-${encodeURIComponent(self.startedAt)}`;
}

/** Removes what runs before this one left when they were killed: folders and live servers. */
async function sweep(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, pid, startedAt, rest] = /^kassa-test-postgres-(\d+)-(.+)-([^-]+)$/.exec(name) ?? [];
    if (!pid || !startedAt) continue;
    if (await isRunning({ pid: Number(pid), startedAt: decodeURIComponent(startedAt) })) continue;
    const taken = join(tmpdir(), `${await ownPrefix()}-${rest}`);
    if (!(await takeOver(join(tmpdir(), name), taken))) continue;
    await removePostgres(join(taken, 'data'));
    await removeTree(taken);
  }
}

/** Two runs may sweep at once: the folder is whose name it gets first. */
async function takeOver(folder: string, taken: string): Promise<boolean> {
  try {
    const found = await lstat(folder);
    // Anybody can make a folder of this name in the temporary folder, and let us remove things.
    if (!found.isDirectory() || found.uid !== process.getuid?.()) return false;
    await rename(folder, taken);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

async function openContainer(): Promise<Opened> {
  // Imported when it is needed, which is seldom: it takes longer to load than a server to start.
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import('testcontainers');
  await getContainerRuntimeClient(); // fails at once, and says so, where no runtime answers
  const password = randomBytes(16).toString('hex');
  const settings = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];
  const started = await new GenericContainer('postgres:18')
    .withEnvironment({ POSTGRES_PASSWORD: password, POSTGRES_INITDB_ARGS: '--no-sync' })
    .withCommand(['postgres', ...[...settings, 'max_connections=200'].flatMap((s) => ['-c', s])])
    .withExposedPorts(5432)
    // Twice, because the image starts a server for its set-up scripts first and stops it again.
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
    .start();
  const address = `${started.getHost()}:${started.getMappedPort(5432)}`;
  return {
    adminUrl: `postgres://postgres:${password}@${address}/postgres`,
    stop: async () => {
      await started.stop();
    },
  };
}
