import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, type TestContext, test, vi } from 'vitest';
import { isRoot } from './account.ts';
import { settle } from './place.ts';
import { run } from './process.ts';
import { removePostgres } from './start-postgres.ts';
import { createBench, kill, query } from './test-kit.ts';

vi.setConfig({ testTimeout: 30_000 });

const nobody = { uid: 65534, gid: 65534 };
const bench = createBench();
afterEach(bench.end);

describe('where root starts the server', () => {
  beforeEach(({ skip }) => skip(!isRoot(), 'only root can start it as another user'));

  test('it runs as a user with few rights, who owns the data', async () => {
    const dataDir = join(await bench.folder(), 'postgres');

    const server = await bench.start({ dataDir });

    const runsAs = (await stat(`/proc/${server.pid}`)).uid;
    expect(runsAs).not.toBe(0);
    expect((await lstat(dataDir)).uid).toBe(runsAs);
    expect((await lstat(dataDir)).isDirectory()).toBe(true);
  });

  test('data in a private home lives elsewhere, behind a link, and is found again', async () => {
    const home = await bench.folder({ mode: 0o700 });
    const dataDir = join(home, '.kassa', 'postgres');
    const first = await bench.start({ dataDir });
    await query(first.url, 'create table kept as select 7 as number');
    await first.stop();

    const second = await bench.start({ dataDir });

    expect((await lstat(dataDir)).isSymbolicLink()).toBe(true);
    expect(dirname(dirname(await readlink(dataDir)))).toBe('/var/lib/kassa');
    expect((await stat(dirname(await readlink(dataDir)))).uid).toBe(0);
    expect(await query(second.url, 'select number from kept')).toEqual([{ number: 7 }]);
  });

  test('a launcher in a private home that was killed is survived by its data', async () => {
    const dataDir = join(await bench.folder({ mode: 0o700 }), 'postgres');
    const { child, server } = await bench.startElsewhere({ dataDir });
    await query(server.url, 'create table kept as select 7 as number');
    await expect(bench.start({ dataDir })).rejects.toThrow(`process ${child.pid}`);
    await kill(child);

    const next = await bench.start({ dataDir });

    expect(await query(next.url, 'select number from kept')).toEqual([{ number: 7 }]);
  });

  test('of a deleted project the server goes at once, and the data after a week', async () => {
    const deleted = join(await bench.folder({ mode: 0o700 }), 'postgres');
    const { child, server } = await bench.startElsewhere({ dataDir: deleted });
    await kill(child);
    const folder = dirname(await readlink(deleted));
    await rm(deleted);

    await startAnother();
    // Waits, because launchers that run beside this test tidy up the same folder.
    await vi.waitFor(async () => {
      await expect(query(server.url, 'select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      expect(await readNote(folder)).toHaveProperty('withoutLinkSince');
    });
    await startAnother();
    expect(await readdir(folder)).toContain('postgres');
    const withoutLinkSince = new Date(Date.now() - 8 * 24 * 60 * 60 * 1000).toISOString();
    const note = { ...(await readNote(folder)), withoutLinkSince };
    await writeFile(join(folder, 'pointer.json'), JSON.stringify(note));
    await startAnother();

    await vi.waitFor(() => expect(lstat(folder)).rejects.toMatchObject({ code: 'ENOENT' }));
  });

  test('the server of a live launcher goes on when its link is moved', async () => {
    const home = await bench.folder({ mode: 0o700 });
    const { child, server } = await bench.startElsewhere({ dataDir: join(home, 'lost') });
    await rename(join(home, 'lost'), join(home, 'moved'));

    await startAnother();

    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await kill(child);
    await rename(join(home, 'moved'), join(home, 'lost')); // where the clean-up looks for it
  });

  test('a project that was moved keeps its data, and is noted at its new path', async () => {
    const home = await bench.folder({ mode: 0o700 });
    const { child, server } = await bench.startElsewhere({ dataDir: join(home, 'lost') });
    await query(server.url, 'create table kept as select 7 as number');
    await kill(child);
    await rename(join(home, 'lost'), join(home, 'moved'));
    await startAnother();

    // Until it succeeds: a launcher beside this test may hold the folder while it looks at it.
    const moved = await vi.waitFor(() => bench.start({ dataDir: join(home, 'moved') }));

    expect(await query(moved.url, 'select number from kept')).toEqual([{ number: 7 }]);
    const note = await readNote(dirname(await readlink(join(home, 'moved'))));
    expect(note).toMatchObject({ pointer: join(home, 'moved') });
    expect(note).not.toHaveProperty('withoutLinkSince');
  });

  test('a link to data that is gone is made anew', async () => {
    const dataDir = join(await bench.folder(), 'postgres');
    await symlink('/var/lib/kassa/gone/postgres', dataDir);

    const { url } = await bench.start({ dataDir });

    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('data that root has copied is handed to the server', async () => {
    const folder = await bench.folder();
    const dataDir = join(folder, 'postgres');
    const first = await bench.start({ dataDir });
    await first.stop();
    await run('chown', ['-R', '0:0', dataDir]);

    const { pid } = await bench.start({ dataDir });

    expect((await stat(`/proc/${pid}`)).uid).not.toBe(0);
  });

  test('data that cannot be reached any more is not replaced by new data', async () => {
    const home = await bench.folder();
    const dataDir = join(home, 'postgres');
    const first = await bench.start({ dataDir });
    await first.stop();
    await chmod(home, 0o700);

    await expect(bench.start({ dataDir })).rejects.toThrow('chmod a+x');

    expect(await readdir(dataDir)).toContain('PG_VERSION');
  });

  test('an empty folder in a private home makes way for the link', async () => {
    const dataDir = join(await bench.folder({ mode: 0o700 }), 'postgres');
    await mkdir(dataDir);

    await bench.start({ dataDir });

    expect((await lstat(dataDir)).isSymbolicLink()).toBe(true);
  });

  test('removal follows the link to the data', async () => {
    const home = await bench.folder({ mode: 0o700 });
    const dataDir = join(home, 'postgres');
    const server = await bench.start({ dataDir });
    const folder = dirname(await readlink(dataDir));
    await server.stop();

    await removePostgres(dataDir);

    await expect(lstat(folder)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await readdir(home)).toEqual([]);
  });

  test('an ordinary user starts it as themselves, and root then goes on as that user', async (context) => {
    await skipUnlessNobodyCanLaunch(context);
    const home = await bench.folder({ mode: 0o700 });
    await chown(home, nobody.uid, nobody.gid);
    const dataDir = join(home, '.kassa', 'postgres');
    const { child, server } = await bench.startElsewhere({ dataDir }, nobody);
    expect((await stat(`/proc/${server.pid}`)).uid).toBe(nobody.uid);
    await query(server.url, 'create table kept as select 7 as number');
    await kill(child);

    const next = await bench.start({ dataDir });

    expect((await stat(`/proc/${next.pid}`)).uid).toBe(nobody.uid);
    expect(await query(next.url, 'select number from kept')).toEqual([{ number: 7 }]);
  });

  test('an ordinary user is told when the data is not theirs', async (context) => {
    await skipUnlessNobodyCanLaunch(context);
    const dataDir = join(await bench.folder(), 'postgres');
    const server = await bench.start({ dataDir });
    const { uid } = await stat(dataDir);
    await server.stop();

    const refused = bench.startElsewhere({ dataDir }, nobody);

    await expect(refused).rejects.toThrow(`belongs to user ${uid}`);
  });
});

/** Every start of root's looks for the data of projects that are gone. */
async function startAnother(): Promise<void> {
  await settle(join(await bench.folder(), 'postgres'));
}

async function readNote(folder: string): Promise<object> {
  return JSON.parse(await readFile(join(folder, 'pointer.json'), 'utf8'));
}

/** The project or Node itself may lie in a home that nobody else can enter. */
async function skipUnlessNobodyCanLaunch({ skip }: TestContext): Promise<void> {
  const code = `import '${new URL('start-postgres.ts', import.meta.url)}'`;
  const args = ['--input-type=module', '--eval', code];
  const tried = await run(process.execPath, args, nobody).catch(() => undefined);
  skip(tried?.code !== 0, 'the user `nobody` cannot read Node or this project');
}
