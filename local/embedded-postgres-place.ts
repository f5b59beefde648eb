import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  rmdir,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { chooseAccount, isRoot, mayEnter, ownerOf } from './embedded-postgres-account.ts';
import { makeOwnFolder, removeTree } from './embedded-postgres-folders.ts';
import { findPostmaster, stopPostmaster } from './embedded-postgres-postmaster.ts';
import { type Account, hasCode, identify, isRunning } from './embedded-postgres-process.ts';

/** Where the data really is, and the user that the server runs as. */
export type Place = { readonly dir: string; readonly account: Account | undefined };

/**
 * Data that root's stand-in cannot reach in the project lives in a folder of its own in here, and
 * the project has a link to it. The note beside it says which link, so that it goes when that has.
 */
const sharedFolder = '/var/lib/kassa';

const Note = z.object({
  pointer: z.string(),
  launcher: z.object({ pid: z.number(), startedAt: z.string() }),
});

/** Follows the link, whether or not there is something at its end. Changes nothing. */
export async function findData(dataDir: string): Promise<string | undefined> {
  try {
    const found = await lstat(dataDir);
    return found.isSymbolicLink() ? resolve(dirname(dataDir), await readlink(dataDir)) : dataDir;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Finds or chooses a place that the server's user can reach. */
export async function settle(dataDir: string): Promise<Place> {
  await mkdir(dirname(dataDir), { recursive: true });
  const found = await findData(dataDir);
  const place = found === undefined ? undefined : await usePlace(dataDir, found);
  const settled = place ?? (await choosePlace(dataDir));
  if (isRoot()) await prune();
  return settled;
}

/** The folder to remove together with the data, where the data does not live in the project. */
export function relocationOf(dir: string): string | undefined {
  return dirname(dirname(dir)) === sharedFolder ? dirname(dir) : undefined;
}

/** Undefined when there turns out to be nothing that could be lost: then a new place is chosen. */
async function usePlace(dataDir: string, dir: string): Promise<Place | undefined> {
  if (dir !== dataDir && (await findData(dirname(dir))) === undefined) {
    await rm(dataDir); // a link to a folder that is gone
    return undefined;
  }
  await refuseForeign(dir);
  const account = await chooseAccount(dir);
  if (account === undefined || (await mayEnter(account, dirname(dir)))) {
    if (isRoot() && relocationOf(dir)) await writeNote(dirname(dir), dataDir);
    return { dir, account };
  }
  try {
    await rmdir(dir);
    return undefined;
  } catch (cause) {
    throw new Error(
      `PostgreSQL would run as user ${account.uid}, who may not enter ${dirname(dir)}. ` +
        'Let everybody enter it (chmod a+x), or start over with --fresh.',
      { cause },
    );
  }
}

/** Root may start what anybody has made; the others only what is theirs. */
async function refuseForeign(dir: string): Promise<void> {
  const owner = await ownerOf(dir);
  if (!owner || isRoot() || owner.uid === process.getuid?.()) return;
  throw new Error(
    `${dir} belongs to user ${owner.uid}: Kassa was started as root or somebody else before. ` +
      'Start it as that user again, or let that user remove the folder.',
  );
}

async function choosePlace(dataDir: string): Promise<Place> {
  const account = await chooseAccount(undefined);
  if (account === undefined || (await mayEnter(account, dirname(dataDir)))) {
    return { dir: dataDir, account };
  }
  await makeOwnFolder(sharedFolder);
  const folder = await mkdtemp(join(sharedFolder, 'data-'));
  await chmod(folder, 0o755);
  await writeNote(folder, dataDir);
  const dir = join(folder, 'postgres');
  try {
    await symlink(dir, dataDir);
    return { dir, account };
  } catch (error) {
    await removeTree(folder);
    if (hasCode(error, 'EEXIST')) return settle(dataDir); // another launcher was faster
    throw error;
  }
}

async function writeNote(folder: string, pointer: string): Promise<void> {
  const launcher = await identify(process.pid);
  await writeFile(join(folder, 'pointer.json'), JSON.stringify({ pointer, launcher }));
}

/** Removes the data of projects that were deleted, with the server that may still run on it. */
async function prune(): Promise<void> {
  for (const folder of await listRelocations()) {
    const note = await readNote(folder);
    if (!note || (await isRunning(note.launcher))) continue;
    const dir = join(folder, 'postgres');
    if (await mayPointTo(note.pointer, dir)) continue;
    const server = await findPostmaster(dir);
    if (server) await stopPostmaster(server);
    await removeTree(folder);
  }
}

async function listRelocations(): Promise<string[]> {
  try {
    return (await readdir(sharedFolder)).map((name) => join(sharedFolder, name));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

async function readNote(folder: string): Promise<z.infer<typeof Note> | undefined> {
  try {
    return Note.parse(JSON.parse(await readFile(join(folder, 'pointer.json'), 'utf8')));
  } catch {
    return undefined; // not ours, or in the making: nothing that we may remove
  }
}

async function mayPointTo(pointer: string, dir: string): Promise<boolean> {
  try {
    return (await readlink(pointer)) === dir;
  } catch (error) {
    return !hasCode(error, 'ENOENT', 'ENOTDIR', 'EINVAL'); // what we may not read, we keep
  }
}
