import { chmod, mkdtemp, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { makeOwnFolder, removeTree } from './folders.ts';
import { findPostmaster, stopPostmaster } from './postmaster.ts';
import { hasCode, identify, isRunning } from './process.ts';
import { AlreadyRunning, type Claim, claim } from './record.ts';

/**
 * Data that root's stand-in cannot reach in the project lives in a folder of its own in here, and
 * the project has a link to it. The note beside it says which link, so that it goes when that has.
 */
const sharedFolder = '/var/lib/kassa';
const dataName = 'postgres';

/** A project that was only moved has this long to start again and to be noted at its new path. */
const keptWithoutLinkMs = 7 * 24 * 60 * 60 * 1000;

const Note = z.object({
  pointer: z.string(),
  launcher: z.object({ pid: z.number(), startedAt: z.string() }),
  withoutLinkSince: z.iso.datetime().optional(),
});
type Note = z.infer<typeof Note>;

/** Makes the folder for the data that `pointer` is going to be a link to. */
export async function makeRelocation(pointer: string): Promise<string> {
  await makeOwnFolder(sharedFolder);
  const folder = await mkdtemp(join(sharedFolder, 'data-'));
  await chmod(folder, 0o755);
  const dir = join(folder, dataName);
  await noteLink(dir, pointer);
  return dir;
}

/** The folder to remove together with the data, where the data does not live in the project. */
export function relocationOf(dir: string): string | undefined {
  return dirname(dirname(dir)) === sharedFolder ? dirname(dir) : undefined;
}

export async function noteLink(dir: string, pointer: string): Promise<void> {
  const launcher = await identify(process.pid);
  if (!launcher) throw new Error('This process cannot find itself in the list of processes.');
  await writeNote(dirname(dir), { pointer, launcher });
}

/** Stops the servers of projects that are gone, and removes their data when it is certain. */
export async function prune(): Promise<void> {
  for (const folder of await listRelocations()) {
    if (!(await readNoteWithoutLink(folder))) continue;
    const held = await claimUnlessRunning(join(folder, dataName));
    if (!held) continue;
    try {
      await pruneOne(folder);
    } finally {
      await held.release();
    }
  }
}

async function pruneOne(folder: string): Promise<void> {
  const note = await readNoteWithoutLink(folder); // again, as another launcher may have come first
  if (!note) return;
  const server = await findPostmaster(join(folder, dataName));
  if (server) await stopPostmaster(server);
  const { withoutLinkSince } = note;
  if (withoutLinkSince === undefined) {
    await writeNote(folder, { ...note, withoutLinkSince: new Date().toISOString() });
  } else if (Date.now() - Date.parse(withoutLinkSince) > keptWithoutLinkMs) {
    await removeTree(folder);
  }
}

async function claimUnlessRunning(dir: string): Promise<Claim | undefined> {
  try {
    return await claim(dir);
  } catch (error) {
    if (error instanceof AlreadyRunning || hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function readNoteWithoutLink(folder: string): Promise<Note | undefined> {
  const note = await readNote(folder);
  if (!note || (await isRunning(note.launcher))) return undefined;
  return (await mayPointTo(note.pointer, join(folder, dataName))) ? undefined : note;
}

async function listRelocations(): Promise<string[]> {
  try {
    return (await readdir(sharedFolder)).map((name) => join(sharedFolder, name));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

async function writeNote(folder: string, note: Note): Promise<void> {
  await writeFile(join(folder, 'pointer.json'), JSON.stringify(note));
}

async function readNote(folder: string): Promise<Note | undefined> {
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
