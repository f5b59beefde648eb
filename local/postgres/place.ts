import { lstat, mkdir, readlink, rm, rmdir, symlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { chooseAccount, isRoot, mayEnter, ownerOf } from './account.ts';
import { removeTree } from './folders.ts';
import { type Account, hasCode } from './process.ts';
import { makeRelocation, noteLink, prune, relocationOf } from './relocation.ts';

/** Where the data really is, and the user that the server runs as. */
export type Place = { readonly dir: string; readonly account: Account | undefined };

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

/** Undefined when there turns out to be nothing that could be lost: then a new place is chosen. */
async function usePlace(dataDir: string, dir: string): Promise<Place | undefined> {
  if (dir !== dataDir && (await findData(dirname(dir))) === undefined) {
    await rm(dataDir); // a link to a folder that is gone
    return undefined;
  }
  await refuseForeign(dir);
  const account = await chooseAccount(dir);
  if (account === undefined || (await mayEnter(account, dirname(dir)))) {
    if (isRoot() && relocationOf(dir)) await noteLink(dir, dataDir);
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
  const dir = await makeRelocation(dataDir);
  try {
    await symlink(dir, dataDir);
    return { dir, account };
  } catch (error) {
    await removeTree(dirname(dir));
    if (hasCode(error, 'EEXIST')) return settle(dataDir); // another launcher was faster
    throw error;
  }
}
