import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DatabaseUrls } from '../../local/database.ts';
import { freePorts } from './ports.ts';
import { processEnvironment } from './process-environment.ts';

type Options = {
  readonly database: DatabaseUrls;
  readonly settings: Record<string, string>;
  /** Takes what the process writes, which otherwise goes to the terminal. */
  readonly onOutput?: (text: string) => void;
};

const root = fileURLToPath(new URL('../..', import.meta.url));

export type KassaProcess = {
  readonly url: string;
  readonly pid: number;
  /** Ends it, and answers with what. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
  /** Stops it where it is, without its knowing, or lets it go on. */
  send(signal: 'SIGSTOP' | 'SIGCONT'): void;
  readonly exited: Promise<number | null>;
};

/** Runs the real `src/server.ts` or `src/worker.ts` as PM2 would, and waits until it is ready. */
export async function startProcess(
  entry: 'server' | 'worker',
  { database, settings, onOutput }: Options,
): Promise<KassaProcess> {
  const port = settings.PORT ?? String((await freePorts(1))[0]);
  const child: ChildProcess = spawn(process.execPath, [`src/${entry}.ts`], {
    cwd: root,
    env: {
      ...processEnvironment(database),
      LOG_LEVEL: 'warn',
      PORT: port,
      ...settings,
    },
    stdio: ['ignore', onOutput ? 'pipe' : 'inherit', onOutput ? 'pipe' : 'inherit', 'ipc'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => onOutput?.(text));
  }
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const ready = once(child, 'message').then(() => 'ready' as const);
  const first = await Promise.race([ready, exited]);
  if (first !== 'ready') throw new Error(`The ${entry} ended with ${first}.`);
  return {
    url: `http://127.0.0.1:${port}`,
    pid: Number(child.pid),
    kill(signal) {
      child.kill(signal);
      return exited;
    },
    send: (signal) => void child.kill(signal),
    exited,
  };
}
