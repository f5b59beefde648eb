import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  hasCode,
  identify,
  isGoneWithin,
  isPostmasterOf,
  type ProcessIdentity,
  signal,
} from './process.ts';

/** A PostgreSQL server that is alive and works in a given data folder. */
export type Postmaster = ProcessIdentity & { readonly port: number; readonly isReady: boolean };

const shutdownLimitMs = 60_000;

/** Reads the server's own pid file, and believes it only when the process is what it says. */
export async function findPostmaster(dir: string): Promise<Postmaster | undefined> {
  const lines = await readPidFile(dir);
  const pid = Number(lines?.[0]);
  if (!lines || !(await isPostmasterOf(dir, pid))) return undefined;
  const identity = await identify(pid);
  return identity && { ...identity, port: Number(lines[3]), isReady: lines[7]?.trim() === 'ready' };
}

/**
 * A fast shutdown: it breaks off what clients do and writes everything to disk. A server that
 * does not come to an end is cut off, which its log makes good at the next start.
 */
export async function stopPostmaster(server: ProcessIdentity): Promise<void> {
  await signal(server, 'SIGINT');
  if (await isGoneWithin(server, shutdownLimitMs)) return;
  await signal(server, 'SIGQUIT');
  if (await isGoneWithin(server, shutdownLimitMs)) return;
  throw new Error(`PostgreSQL (process ${server.pid}) does not stop; end it with kill -9.`);
}

/**
 * After a crash the pid in the file may belong to some other program by now, and the server would
 * refuse to start. The file is not removed, because the server also finds in it the shared memory
 * of a dead server whose clients still write. It disregards only its parent's pid: ours.
 */
export async function disownPidFile(dir: string): Promise<void> {
  const lines = await readPidFile(dir);
  if (!lines) return;
  await writeFile(join(dir, 'postmaster.pid'), [process.pid, ...lines.slice(1)].join('\n'));
}

async function readPidFile(dir: string): Promise<string[] | undefined> {
  try {
    return (await readFile(join(dir, 'postmaster.pid'), 'utf8')).split('\n');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return undefined;
    throw error;
  }
}
