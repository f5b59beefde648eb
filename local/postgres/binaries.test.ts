import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  readdir,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isRoot } from './account.ts';
import { findBinaries, locatePackage } from './binaries.ts';
import { run } from './process.ts';
import { createBench } from './test-kit.ts';

vi.setConfig({ testTimeout: 30_000 });

const nobody = { uid: 65534, gid: 65534 };
const bench = createBench();
afterEach(bench.end);

test('a platform without a package is told both ways out', async () => {
  await expect(locatePackage('sunos-sparc')).rejects.toThrow(
    /sunos-sparc.*npm ci.*--omit=optional.*DATABASE_URL/s,
  );
});

test('library links are made where no install script ran', async () => {
  const installed = await packageWithoutLinks(await bench.folder());

  const { postgres } = await findBinaries(undefined, installed, []);

  expect((await run(postgres, ['--version'])).output).toContain('(PostgreSQL)');
});

test('programs that cannot run are named with what they said, and no copy stays', async () => {
  const cache = join(await bench.folder(), 'cache');
  const installed = await packageWithoutLinks(await bench.folder());
  await writeFile(
    join(installed.root, 'native/bin/postgres'),
    '#!/bin/sh\necho no such libc\nexit 1',
  );

  const refused = findBinaries(undefined, installed, [cache]);

  await expect(refused).rejects.toThrow(
    /DATABASE_URL.*native\/bin\/postgres failed: no such libc/s,
  );
  expect(await readdir(cache)).toEqual([]);
});

test('a cache that somebody else could change is not used', async () => {
  const cache = await bench.folder({ mode: 0o777 });
  const installed = await packageWithoutLinks(await bench.folder());
  await chmod(join(installed.root, 'native/bin/postgres'), 0o644);

  await expect(findBinaries(undefined, installed, [cache])).rejects.toThrow('no other user');
  expect(await readdir(cache)).toEqual([]);
});

test('programs that lost their execute bits are copied with them, once', async () => {
  const cache = join(await bench.folder(), 'cache');
  const installed = await packageWithoutLinks(await bench.folder());
  await chmod(join(installed.root, 'native/bin/postgres'), 0o644);
  await mkdir(cache);
  await mkdir(join(cache, `${installed.name}.partial-999999999-left-by-a-crash`));

  const found = await Promise.all([1, 2].map(() => findBinaries(undefined, installed, [cache])));
  const again = await findBinaries(undefined, installed, [cache]);

  expect(found).toEqual([again, again]);
  expect(again.postgres).toBe(join(cache, installed.name, 'native/bin/postgres'));
  expect(await readdir(cache)).toEqual([installed.name]);
});

test('a damaged copy is made anew', async () => {
  const cache = join(await bench.folder(), 'cache');
  const installed = await packageWithoutLinks(await bench.folder());
  await chmod(join(installed.root, 'native/bin/postgres'), 0o644);
  const { postgres } = await findBinaries(undefined, installed, [cache]);
  const { size } = await stat(postgres);
  await truncate(postgres, 1000);

  await findBinaries(undefined, installed, [cache]);

  expect((await stat(postgres)).size).toBe(size);
});

describe('where root looks for another user', () => {
  beforeEach(({ skip }) => skip(!isRoot(), 'only root can be another user'));

  test('a package in a private home, unpacked under a strict umask, is copied for all', async () => {
    const cache = join(await bench.folder(), 'cache');
    const installed = await packageWithoutLinks(await bench.folder({ mode: 0o700 }));
    await run('chmod', ['-R', 'go-rwx', installed.root]);

    const { initdb } = await findBinaries(nobody, installed, [cache]);

    expect(initdb).toBe(join(cache, installed.name, 'native/bin/initdb'));
    expect((await run(initdb, ['--version'], nobody)).code).toBe(0);
    expect((await lstat(join(cache, installed.name))).uid).toBe(0);
  });

  test('an ordinary user copies what is incomplete and not theirs to complete', async () => {
    const installed = await packageWithoutLinks(await bench.folder());
    const cache = await bench.folder();
    await chown(cache, nobody.uid, nobody.gid);
    const code = `
      import { findBinaries } from '${new URL('binaries.ts', import.meta.url)}';
      const [installed, cache] = JSON.parse(process.argv[1]);
      console.log((await findBinaries(undefined, installed, [cache])).initdb);`;
    const args = ['--input-type=module', '--eval', code, JSON.stringify([installed, cache])];

    const { output } = await run(process.execPath, args, nobody);

    expect(output).toBe(join(cache, installed.name, 'native/bin/initdb'));
  });
});

/** The package as `npm ci --ignore-scripts` leaves it, less thousands of files not used here. */
async function packageWithoutLinks(folder: string) {
  const { root, name } = await locatePackage();
  const copy = join(folder, 'package');
  const unused = /\/(timezone|timezonesets|tsearch_data|extension|lib\/postgresql|pkgconfig)$/;
  const filter = async (path: string) =>
    !unused.test(path) && !(await lstat(path)).isSymbolicLink();
  await cp(root, copy, { recursive: true, filter });
  return { root: copy, name };
}
