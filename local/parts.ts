import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

type PartOptions = {
  readonly name: string;
  /** The entry file, from the project's root. */
  readonly entry: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly nodeOptions?: readonly string[];
};

export type Part = {
  readonly name: string;
  readonly pid: number;
  /** Resolves when the process has ended by itself, with what to tell about it. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
};

const root = fileURLToPath(new URL('..', import.meta.url));
const followParent = new URL('./follow-parent.ts', import.meta.url).href;
const tailLength = 1_500;

/** Starts one process of the demo and waits until it says that it is ready. */
export async function startPart(options: PartOptions): Promise<Part> {
  const { name, entry, environment, logFile, nodeOptions = [] } = options;
  const log = await open(logFile, 'a');
  const child = spawn(process.execPath, [...nodeOptions, '--import', followParent, entry], {
    cwd: root,
    env: environment,
    stdio: ['ignore', log.fd, log.fd, 'ipc'],
  });
  await log.close();
  const ended = endOf(child, { name, logFile });
  const ready = once(child, 'message').then(() => undefined);
  const failure = await Promise.race([ready, ended]);
  if (failure !== undefined) throw new Error(failure);
  // A process that has spoken has an id.
  return { name, pid: child.pid ?? 0, ended, stop: () => stopChild(child) };
}

async function endOf(child: ChildProcess, part: { name: string; logFile: string }) {
  const how = await new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ? `by ${signal}` : `with code ${code}`));
    child.once('error', (error) => resolve(`before it began: ${error.message}`));
  });
  const text = await readFile(part.logFile, 'utf8').catch(() => '');
  return `The ${part.name} ended ${how}. Its last lines, from ${part.logFile}:\n${text.slice(-tailLength)}`;
}

/** Resolves with `message` when a process that is not our child has ended. */
export function endOfProcess(pid: number, message: string): Promise<string> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      try {
        process.kill(pid, 0);
      } catch {
        clearInterval(timer);
        resolve(message);
      }
    }, 500);
    timer.unref();
  });
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

/** @throws Error that names the port and the setting that changes it */
export async function requireFreePort(port: number, setting: string): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
  } catch {
    throw new Error(
      `Port ${port} is taken. Stop what uses it, or choose another one: ${setting}=${port + 1} npm start`,
    );
  }
  await new Promise((resolve) => server.close(resolve));
}
