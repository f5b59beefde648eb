import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { chooseAccount } from './account.ts';
import { run } from './process.ts';
import { removePostgres } from './start-postgres.ts';
import { createBench, kill, query } from './test-kit.ts';

vi.setConfig({ testTimeout: 30_000 });

const bench = createBench();
const shared = createBench();
let template = '';

beforeAll(async () => {
  template = join(await shared.folder(), 'postgres');
  const server = await shared.start({ dataDir: template });
  await server.stop();
});
afterEach(bench.end);
afterAll(shared.end);

/** Data as an earlier start has made it: a copy takes a tenth of the time of making it. */
async function madeData(): Promise<string> {
  const dataDir = join(await bench.folder(), 'postgres');
  await run('cp', ['-a', template, dataDir]);
  return dataDir;
}

test('a new server takes the superuser with its password, and nobody without', async () => {
  const dataDir = join(await bench.folder(), 'postgres');

  const server = await bench.start({ dataDir });

  expect(await query(server.url, 'select current_user as name')).toEqual([{ name: 'postgres' }]);
  const wrong = server.url.replace('a%20pass%2Fword', 'guess');
  await expect(query(wrong, 'select 1')).rejects.toMatchObject({ code: '28P01' });
});

test('a fast server waits for no disk, a durable one for every commit', async () => {
  const dataDir = await madeData();
  const read = `select name, setting from pg_settings where name in ('fsync', 'full_page_writes',
    'synchronous_commit', 'listen_addresses', 'unix_socket_directories', 'max_connections',
    'server_encoding') order by name`;
  const common = {
    listen_addresses: '127.0.0.1',
    max_connections: '200',
    server_encoding: 'UTF8',
    unix_socket_directories: '',
  };

  const fast = await bench.start({ dataDir, mode: 'fast' });
  const inFast = await query<{ name: string; setting: string }>(fast.url, read);
  await fast.stop();
  const durable = await bench.start({ dataDir, mode: 'durable' });
  const inDurable = await query<{ name: string; setting: string }>(durable.url, read);

  const asObject = (rows: typeof inFast) =>
    Object.fromEntries(rows.map((r) => [r.name, r.setting]));
  const off = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' };
  const on = { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on' };
  expect(asObject(inFast)).toEqual({ ...common, ...off });
  expect(asObject(inDurable)).toEqual({ ...common, ...on });
});

test('text is compared by code point and upper-cased by Unicode on every machine', async () => {
  const { url } = await bench.start({ dataDir: await madeData() });

  const [row] = await query(url, `select 'a' > 'Z' as bytewise, upper('å') as upper`);

  expect(row).toEqual({ bytewise: true, upper: 'Å' });
});

test('data is still there after a stop, which may be asked for twice', async () => {
  const dataDir = await madeData();
  const first = await bench.start({ dataDir });
  await query(first.url, 'create table kept as select 7 as number');
  await Promise.all([first.stop(), first.stop()]);
  await first.stop();

  const second = await bench.start({ dataDir });

  expect(await query(second.url, 'select number from kept')).toEqual([{ number: 7 }]);
});

test('a stop frees the port and leaves data and log, and nothing else', async () => {
  const dataDir = await madeData();
  const folder = dirname(dataDir);
  const { port, stop } = await bench.start({ dataDir });
  await stop();

  expect((await readdir(folder)).sort()).toEqual(['postgres', 'postgres.log']);
  expect((await stat(join(folder, 'postgres.log'))).mode & 0o777).toBe(0o600);
  const again = await bench.start({ dataDir, port });
  expect(again.port).toBe(port);
});

test('the log goes where the caller wants it', async () => {
  const dataDir = await madeData();
  const log = join(dirname(dataDir), 'logs', 'server.log');

  await bench.start({ dataDir, log });

  expect(await readFile(log, 'utf8')).toContain('ready to accept connections');
});

test('a launcher killed with its whole process group is survived by its data', async () => {
  const dataDir = await madeData();
  const { child, server } = await bench.startElsewhere({ dataDir });
  await query(server.url, 'create table kept as select 7 as number');
  await kill(child);
  // The server was not in that group, as it must not be when Ctrl-C reaches the group.
  expect(await query(server.url, 'select number from kept')).toEqual([{ number: 7 }]);

  const next = await bench.start({ dataDir, port: server.port });

  expect(next.pid).not.toBe(server.pid);
  expect(await query(next.url, 'select number from kept')).toEqual([{ number: 7 }]);
});

test('a second launcher is refused, is told whom to stop, and disturbs nothing', async () => {
  const dataDir = await madeData();
  const { child, server } = await bench.startElsewhere({ dataDir });

  await expect(bench.start({ dataDir })).rejects.toThrow(`process ${child.pid}`);
  await expect(removePostgres(dataDir)).rejects.toThrow(`process ${child.pid}`);

  expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await kill(child);
});

test('one process cannot start the same data twice either', async () => {
  const dataDir = await madeData();
  const server = await bench.start({ dataDir });

  await expect(bench.start({ dataDir })).rejects.toThrow('This process already runs');

  expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a server that was killed recovers at the next start', async () => {
  const dataDir = await madeData();
  const { url, pid, stop } = await bench.start({ dataDir, mode: 'durable' });
  await query(url, 'create table kept as select 7 as number');
  process.kill(pid, 'SIGKILL');
  await stop();

  const next = await bench.start({ dataDir });

  expect(await query(next.url, 'select number from kept')).toEqual([{ number: 7 }]);
});

test('a pid file whose pid is another program by now stops neither us nor that program', async () => {
  const dataDir = await madeData();
  const first = await bench.start({ dataDir });
  const lines = (await readFile(join(dataDir, 'postmaster.pid'), 'utf8')).split('\n');
  await first.stop();
  const bystander = await bench.bystander(await chooseAccount(dataDir));
  const stale = [bystander.pid, ...lines.slice(1)].join('\n');
  await writeFile(join(dataDir, 'postmaster.pid'), stale);

  const next = await bench.start({ dataDir });

  expect(await query(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect([bystander.exitCode, bystander.signalCode]).toEqual([null, null]);
});

test('nor one whose pid is the server of other data', async () => {
  const [dataDir, otherData] = [await madeData(), await madeData()];
  const first = await bench.start({ dataDir });
  const lines = (await readFile(join(dataDir, 'postmaster.pid'), 'utf8')).split('\n');
  await first.stop();
  const other = await bench.start({ dataDir: otherData });
  const stale = [other.pid, ...lines.slice(1)].join('\n');
  await writeFile(join(dataDir, 'postmaster.pid'), stale);

  const next = await bench.start({ dataDir });

  expect(await query(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(await query(other.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a record whose pid is another program by now does not count as a launcher', async () => {
  const dataDir = await madeData();
  const forged = JSON.stringify({ pid: process.pid, startedAt: 'at another time' });
  await writeFile(`${dataDir}.launcher.json`, forged);

  const { url } = await bench.start({ dataDir });

  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a taken port is named together with its setting before anything is made', async () => {
  const folder = await bench.folder();
  const occupant = createServer().listen(0, '127.0.0.1');
  await once(occupant, 'listening');
  const address = occupant.address();
  const port = typeof address === 'object' ? address?.port : undefined;

  const refused = bench.start({ dataDir: join(folder, 'postgres'), port });

  await expect(refused).rejects.toThrow(new RegExp(`Port ${port} .* POSTGRES_PORT`));
  expect(await readdir(folder)).toEqual([]);
  occupant.close();
});

test('a launcher killed while it made the data leaves nothing that the next one trusts', async () => {
  const folder = await bench.folder();
  const dataDir = join(folder, 'postgres');
  const child = bench.launchElsewhere({ dataDir });
  await vi.waitFor(
    async () => expect((await readdir(folder)).join()).toContain('postgres.half-made-'),
    { timeout: 10_000, interval: 5 },
  );
  await kill(child);
  expect(await readdir(folder)).not.toContain('postgres');

  const { url } = await bench.start({ dataDir });

  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect((await readdir(folder)).join()).not.toContain('half-made');
});

test('data of another major version is refused with the way out', async () => {
  const dataDir = join(await bench.folder(), 'postgres');
  await mkdir(dataDir);
  await writeFile(join(dataDir, 'PG_VERSION'), '15\n');

  await expect(bench.start({ dataDir })).rejects.toThrow(/PostgreSQL 15; .*--fresh/s);
  expect(await readdir(dataDir)).toEqual(['PG_VERSION']);
});

test('a folder that holds something else is left alone', async () => {
  const dataDir = join(await bench.folder(), 'postgres');
  await mkdir(dataDir);
  await writeFile(join(dataDir, 'thesis.txt'), 'years of work');

  await expect(bench.start({ dataDir })).rejects.toThrow('left alone');
  expect(await readFile(join(dataDir, 'thesis.txt'), 'utf8')).toBe('years of work');
});

test('another password than the data was made with is said to be the trouble', async () => {
  const dataDir = await madeData();

  await expect(bench.start({ dataDir, superuserPassword: 'another' })).rejects.toThrow('password');
  expect(await readdir(dirname(dataDir))).not.toContain('postgres.launcher.json');
});

test('a server that somebody else started on our data is not stopped', async () => {
  const dataDir = await madeData();
  const { child, server } = await bench.startElsewhere({ dataDir });
  await kill(child);
  const record = await readFile(`${dataDir}.launcher.json`, 'utf8');
  await rm(`${dataDir}.launcher.json`);

  await expect(bench.start({ dataDir })).rejects.toThrow(`kill -INT ${server.pid}`);

  expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await writeFile(`${dataDir}.launcher.json`, record); // so that the end of the test may stop it
});

test('removal takes everything, with a server whose launcher was killed', async () => {
  const dataDir = await madeData();
  const { child, server } = await bench.startElsewhere({ dataDir });
  await kill(child);

  await removePostgres(dataDir);

  expect(await readdir(dirname(dataDir))).toEqual([]);
  await expect(query(server.url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
