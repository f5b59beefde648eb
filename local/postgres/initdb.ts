import {
  chown,
  lchown,
  mkdtemp,
  readdir,
  readFile,
  rename,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { removeTree } from './folders.ts';
import type { Place } from './place.ts';
import { type Account, hasCode, run } from './process.ts';

export type Mode = 'durable' | 'fast';

type Wanted = {
  readonly place: Place;
  readonly binaries: Binaries;
  readonly mode: Mode;
  readonly superuserPassword: string;
};

/** Leaves a data folder of the right version, made now if there was none. */
export async function ensureData({ place, binaries, ...wanted }: Wanted): Promise<void> {
  await removeHalfMade(place.dir);
  if (await isEmpty(place.dir)) return initialise({ place, binaries, ...wanted });
  const major = await readMajor(place.dir);
  if (major !== binaries.major) {
    throw new Error(
      `${place.dir} holds data of PostgreSQL ${major}; this is PostgreSQL ${binaries.major}, ` +
        'which cannot read it. Start over with --fresh.',
    );
  }
  await handOver(place);
}

/** Everything is made beside the folder and then renamed, so that what bears its name is whole. */
async function initialise({ place, binaries, mode, superuserPassword }: Wanted): Promise<void> {
  const work = await mkdtemp(halfMadePrefix(place.dir));
  const passwordFile = join(work, 'password');
  try {
    await writeFile(passwordFile, superuserPassword, { mode: 0o600 });
    await giveTo(place.account, work, passwordFile);
    const { code, output } = await run(
      binaries.initdb,
      [
        `--pgdata=${join(work, 'data')}`,
        '--username=postgres',
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        // The server's own C.UTF-8, because the C library of some machines has none.
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        ...(mode === 'fast' ? ['--no-sync'] : []),
      ],
      place.account,
    );
    if (code !== 0) throw new Error(`initdb could not make ${place.dir}:\n${output}`);
    await rename(join(work, 'data'), place.dir);
  } finally {
    await removeTree(work);
  }
}

/** What a launcher that was killed during initdb has left. Only the holder of the claim comes. */
export async function removeHalfMade(dir: string): Promise<void> {
  const prefix = basename(halfMadePrefix(dir));
  for (const name of await readdir(dirname(dir))) {
    if (name.startsWith(prefix)) {
      await removeTree(join(dirname(dir), name));
    }
  }
}

function halfMadePrefix(dir: string): string {
  return `${dir}.half-made-`;
}

async function isEmpty(dir: string): Promise<boolean> {
  try {
    return (await readdir(dir)).length === 0;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true;
    throw error;
  }
}

async function readMajor(dir: string): Promise<string> {
  try {
    return (await readFile(join(dir, 'PG_VERSION'), 'utf8')).trim();
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT')) throw cause;
    throw new Error(`${dir} is neither empty nor a PostgreSQL data folder, so it is left alone.`, {
      cause,
    });
  }
}

async function giveTo(account: Account | undefined, ...paths: string[]): Promise<void> {
  if (!account) return;
  for (const path of paths) await chown(path, account.uid, account.gid);
}

/** A folder that root has copied or restored belongs to root, whom PostgreSQL does not run as. */
async function handOver({ dir, account }: Place): Promise<void> {
  if (!account || (await stat(dir)).uid === account.uid) return;
  for (const name of await readdir(dir, { recursive: true })) {
    await lchown(join(dir, name), account.uid, account.gid);
  }
  await lchown(dir, account.uid, account.gid);
}
