import { chmod, lstat, mkdir, rm } from 'node:fs/promises';

/**
 * Makes a folder that everybody may enter and only we may change. One that is there already must
 * be of that kind, or somebody else could put programs or data of their own in our way.
 */
export async function makeOwnFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true });
  if (made) await chmod(folder, 0o755); // what mkdir grants depends on the umask
  const found = await lstat(folder);
  const isOurs = found.isDirectory() && found.uid === process.getuid?.();
  if (isOurs && (found.mode & 0o022) === 0) return;
  throw new Error(`${folder} must be a folder that is ours and that no other user can change.`);
}

/** Removes it even while a program that is about to end still makes files in it. */
export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 10 });
}
