import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, readlink, realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A user of the operating system to run a program as; undefined stands for the one we are. */
export type Account = { readonly uid: number; readonly gid: number };

/** A pid alone names another process after enough time; a pid and its start do not. */
export type ProcessIdentity = { readonly pid: number; readonly startedAt: string };

export type Finished = { readonly code: number | null; readonly output: string };

/**
 * What our programs see of the environment: nothing of the caller's, whose PGDATA or PGOPTIONS
 * would change what they do, and English messages, because some of them are read below.
 */
export const programEnvironment = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };

/**
 * Runs a program to its end and collects what it says. It works in `/`, because a user that may
 * not enter the caller's folder cannot even start there.
 */
export function run(command: string, args: readonly string[], account?: Account) {
  return new Promise<Finished>((resolve, reject) => {
    const child = spawn(command, args, {
      ...account,
      cwd: '/',
      env: programEnvironment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', (cause) => reject(spawnError(command, cause)));
    child.once('close', (code) => resolve({ code, output: output.trim() }));
  });
}

/** Without a listener that makes one of these, a failed spawn would end the whole process. */
export function spawnError(command: string, cause: Error): Error {
  return new Error(`Could not run ${command}: ${cause.message}`, { cause });
}

/** Undefined when there is no such process, or when only its unreaped entry is left. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const startedAt = await startOf(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  return (await startOf(identity.pid)) === identity.startedAt;
}

/** Sends nothing to a process that has merely inherited the pid. */
export async function signal(identity: ProcessIdentity, name: NodeJS.Signals): Promise<void> {
  if (!(await isRunning(identity))) return;
  try {
    process.kill(identity.pid, name);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

export async function isGoneWithin(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (await isRunning(identity)) {
    if (Date.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}

/** A server works inside its data folder, which tells it from a process that inherited its pid. */
export async function isPostmasterOf(dataDir: string, pid: number): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 1 || (await startOf(pid)) === undefined) return false;
  const dir = await realpath(dataDir);
  if (hasProcFolder()) {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    const program = await readlink(`/proc/${pid}/exe`).catch(() => '');
    return cwd === dir && basename(program).startsWith('postgres');
  }
  const { output } = await run('/bin/ps', ['-ww', '-o', 'args=', '-p', String(pid)]);
  return output.includes('postgres') && output.includes(dir);
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

function hasProcFolder(): boolean {
  return existsSync('/proc/self/stat'); // Linux has it, macOS does not
}

async function startOf(pid: number): Promise<string | undefined> {
  return hasProcFolder() ? startFromProc(pid) : startFromPs(pid);
}

async function startFromProc(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The program's name comes second, in parentheses, and may itself hold blanks and parentheses.
  const [state, ...rest] = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? [];
  if (state === undefined || state === 'Z' || state === 'X') return undefined;
  return rest[18];
}

async function startFromPs(pid: number): Promise<string | undefined> {
  const { output } = await run('/bin/ps', ['-o', 'stat=,lstart=', '-p', String(pid)]);
  const [state, ...start] = output.split(/\s+/);
  return state === undefined || state === '' || state.startsWith('Z') ? undefined : start.join(' ');
}
