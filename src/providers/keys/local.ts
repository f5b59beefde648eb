import { open } from 'node:fs/promises';
import type { Secret } from '../../domain/secret.ts';
import { contextOf, decrypt, encrypt } from './aead.ts';
import {
  type DataKeyName,
  MasterKeyError,
  type MasterKeys,
  type WrappedKey,
} from './master-keys.ts';

export type MasterKeySource =
  /** `MASTER_KEYS`: ids and keys, separated by commas. */
  | { readonly keys: Secret }
  /** `MASTER_KEY_FILE`: the same, one a line. Read again whenever a key in it may be new. */
  | { readonly file: string };

type Options = { readonly source: MasterKeySource; readonly isProduction: boolean };
type KeyRing = { readonly keys: ReadonlyMap<string, Buffer>; readonly currentId: string };

const keyLength = 32;
/** Read by nobody but the process's own user and, for a secret that is mounted, its group. */
const soundModes = [0o600, 0o400, 0o440];
/** The demo and the tests name theirs so. */
const demoId = /^(demo|test)/;

/**
 * Master keys from the environment or from a file.
 *
 * @throws Error that says which variable is at fault and what to do
 */
export async function openLocalMasterKeys({ source, isProduction }: Options): Promise<MasterKeys> {
  let ring = await readRing();

  async function readRing(): Promise<KeyRing> {
    if ('keys' in source) return parseKeys(source.keys.reveal(), 'MASTER_KEYS', isProduction);
    return parseKeys(await readKeyFile(source.file), 'MASTER_KEY_FILE', isProduction);
  }

  async function refresh(): Promise<void> {
    if ('keys' in source) return;
    const read = await readRing();
    // What this process was started with stays: a key is withdrawn by a restart.
    ring = { ...read, keys: new Map([...read.keys, ...ring.keys]) };
  }

  async function unwrap({ kekId, wrapped }: WrappedKey, name: DataKeyName): Promise<Buffer> {
    const missing = (cause?: unknown) =>
      new MasterKeyError('missing', `There is no master key "${kekId}".`, { cause });
    if (!ring.keys.has(kekId)) {
      await refresh().catch((error: unknown) => {
        throw missing(error);
      });
    }
    const key = ring.keys.get(kekId);
    if (!key) throw missing();
    try {
      return decrypt(key, wrapped, contextFor(name, kekId));
    } catch (error) {
      throw new MasterKeyError(
        'wrong',
        `The master key "${kekId}" is not the one that wrapped it.`,
        {
          cause: error,
        },
      );
    }
  }

  return {
    async currentId() {
      await refresh();
      return ring.currentId;
    },
    async wrap(key, name) {
      // Rare, and a key wrapped by an older master key would have to be wrapped once more.
      await refresh();
      const { keys, currentId: kekId } = ring;
      const current = keys.get(kekId);
      if (!current) throw new Error(`The current master key "${kekId}" is not there.`);
      return { kekId, wrapped: encrypt(current, key, contextFor(name, kekId)) };
    },
    unwrap,
  };
}

function contextFor({ tenantId, version }: DataKeyName, kekId: string): Buffer {
  return contextOf(['v1', tenantId, String(version), kekId]);
}

function parseKeys(text: string, variable: string, isProduction: boolean): KeyRing {
  const entries = text
    .split(/[,\n]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '' && !entry.startsWith('#'));
  const keys = new Map<string, Buffer>();
  for (const [index, entry] of entries.entries()) {
    const fault = (what: string) => new Error(`${variable}: key ${index + 1} ${what}.`);
    const [, id, encoded] = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]+=*)$/.exec(entry) ?? [];
    if (!id || !encoded) throw fault('is not an id, a colon and a key in base64, as k1:…');
    const key = Buffer.from(encoded, 'base64');
    if (key.length !== keyLength) {
      throw fault('does not have 32 bytes; make one with: openssl rand -base64 32');
    }
    if (new Set(key).size < 8) throw fault('is not random; make one with: openssl rand -base64 32');
    if (keys.has(id)) throw fault(`has the id "${id}" of another one`);
    if (isProduction && demoId.test(id)) {
      throw fault(`("${id}") is one of the demo or of tests, which production refuses`);
    }
    keys.set(id, key);
  }
  const currentId = [...keys.keys()].at(-1);
  if (!currentId)
    throw new Error(`${variable} holds no key; make one with: openssl rand -base64 32`);
  return { keys, currentId };
}

/** @throws Error when it cannot be read, or when others than its owner can read it too */
async function readKeyFile(file: string): Promise<string> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw new Error(`MASTER_KEY_FILE: ${file} cannot be read.`, { cause: error });
  });
  try {
    const mode = (await handle.stat()).mode & 0o777;
    if (!soundModes.includes(mode)) {
      throw new Error(
        `MASTER_KEY_FILE: ${file} has the mode ${mode.toString(8)}, so others can read or change it. ` +
          'Set it: chmod 400',
      );
    }
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}
