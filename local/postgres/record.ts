import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { hasCode, identify, isRunning, type ProcessIdentity } from './process.ts';

/** Our hold on a data folder. `isInherited`: its last holder died without giving it back. */
export type Claim = { readonly isInherited: boolean; release(): Promise<void> };

const Launcher = z.object({ pid: z.number(), startedAt: z.string() });

/** Somebody who lives holds the data folder; nothing was changed. */
export class AlreadyRunning extends Error {
  constructor(dir: string, pid: number) {
    const what = pid === process.pid ? 'This process' : `Another Kassa (process ${pid})`;
    super(`${what} already runs the PostgreSQL of ${dir}. Stop it first.`);
  }
}

/** Whose server runs, or may run, on a data folder: a file beside it that names the launcher. */
export async function findLauncher(dir: string): Promise<ProcessIdentity | undefined> {
  return parse(await readRecord(recordPath(dir)));
}

/** At most one process at a time holds a data folder; the file comes and goes as a whole. */
export function claim(dir: string): Promise<Claim> {
  return hold(recordPath(dir), dir);
}

/**
 * A record whose writer is dead may be replaced only by the one heir, who holds a record of its
 * own meanwhile. Without it, a slow heir could replace what a faster one has just written. An
 * heir can die too: its record is inherited in the same manner.
 */
async function hold(path: string, dir: string): Promise<Claim> {
  const draft = `${path}.${randomUUID()}`;
  const release = () => rm(path, { force: true });
  await writeFile(draft, JSON.stringify(await identify(process.pid)));
  try {
    if (await linkIfAbsent(draft, path)) return { isInherited: false, release };
    await refuseIfHeld(path, dir);
    const heir = await hold(`${path}.heir`, dir);
    try {
      if (await linkIfAbsent(draft, path)) return { isInherited: false, release };
      await refuseIfHeld(path, dir);
      await rename(draft, path);
      return { isInherited: true, release };
    } finally {
      await heir.release();
    }
  } finally {
    await rm(draft, { force: true });
  }
}

async function refuseIfHeld(path: string, dir: string): Promise<void> {
  const launcher = parse(await readRecord(path));
  if (launcher && (await isRunning(launcher))) throw new AlreadyRunning(dir, launcher.pid);
}

function recordPath(dir: string): string {
  return `${dir}.launcher.json`;
}

async function readRecord(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** A record that cannot be read was cut short by a crash of the machine: its writer is dead. */
function parse(text: string | undefined): ProcessIdentity | undefined {
  if (text === undefined) return undefined;
  try {
    return Launcher.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function linkIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}
