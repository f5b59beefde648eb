import { lstat, readFile } from 'node:fs/promises';
import { type Account, hasCode, run } from './process.ts';

/**
 * PostgreSQL refuses to run as root, so root borrows a user that has few rights: the one that owns
 * the data already, else `postgres`, else `nobody`. Anybody else runs it as themselves.
 */
export async function chooseAccount(dataDir: string | undefined): Promise<Account | undefined> {
  if (!isRoot()) return undefined;
  const owner = dataDir === undefined ? undefined : await ownerOf(dataDir);
  if (owner && owner.uid !== 0) return owner;
  const passwd = await readFile('/etc/passwd', 'utf8');
  const account = findAccount(passwd, 'postgres') ?? findAccount(passwd, 'nobody');
  if (account) return account;
  throw new Error(
    'PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody` here. ' +
      'Start Kassa as another user, or set DATABASE_URL.',
  );
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

export function findAccount(passwd: string, name: string): Account | undefined {
  const line = passwd.split('\n').find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined;
}

/** Asks the system by trying: modes say too little where there are ACLs, mounts and sandboxes. */
export async function mayEnter(account: Account | undefined, folder: string): Promise<boolean> {
  const { code } = await run('/bin/sh', ['-c', 'test -x "$1"', 'sh', folder], account);
  return code === 0;
}

export async function ownerOf(path: string): Promise<Account | undefined> {
  try {
    const { uid, gid } = await lstat(path);
    return { uid, gid };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
