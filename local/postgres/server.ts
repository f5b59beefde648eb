import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Binaries } from './binaries.ts';
import type { Mode } from './initdb.ts';
import type { Place } from './place.ts';
import { chooseFreePort, portTaken } from './port.ts';
import { findPostmaster, stopPostmaster } from './postmaster.ts';
import { identify, programEnvironment, spawnError } from './process.ts';

export type Server = {
  readonly pid: number;
  readonly port: number;
  readonly url: string;
  stop(): Promise<void>;
};

type Wanted = {
  readonly binaries: Binaries;
  readonly place: Place;
  readonly port: number;
  readonly mode: Mode;
  readonly superuserPassword: string;
  readonly log: string;
};

const startLimitMs = 60_000;
const logLimitBytes = 10 * 1024 * 1024;

const settings = {
  // A crash of the machine loses nothing: PostgreSQL's own defaults.
  durable: [],
  // Nothing is worth keeping: three times as fast on a disk.
  fast: ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'],
} satisfies Record<Mode, string[]>;

/** Starts the server and returns when it takes connections. */
export async function launch(wanted: Wanted, choosePort = chooseFreePort): Promise<Server> {
  const deadline = Date.now() + startLimitMs;
  for (;;) {
    const port = wanted.port || (await choosePort());
    const log = await openLog(wanted.log);
    const child = await spawnServer(wanted, port, log.handle).finally(() => log.handle.close());
    if (await isReady(child, wanted.place.dir, deadline)) {
      return finish(child, port, wanted.superuserPassword);
    }
    const said = await readLog(wanted.log, log.size);
    const isPortLost = said.includes('Address already in use');
    if (isPortLost && wanted.port !== 0) throw portTaken(port);
    // A server that was killed leaves processes behind that take a moment to notice.
    const isPassing = isPortLost || said.includes('pre-existing shared memory block');
    if (!isPassing || Date.now() > deadline) {
      const end = said.trim().split('\n').slice(-12).join('\n');
      throw new Error(`PostgreSQL did not start. The end of ${wanted.log}:\n${end}`);
    }
    await sleep(100);
  }
}

async function spawnServer(
  { binaries, place, mode }: Wanted,
  port: number,
  log: FileHandle,
): Promise<ChildProcess> {
  const assignments = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    'max_connections=200',
    ...settings[mode],
  ];
  const child = spawn(
    binaries.postgres,
    ['-D', place.dir, ...assignments.flatMap((assignment) => ['-c', assignment])],
    {
      ...place.account,
      cwd: '/',
      env: programEnvironment,
      stdio: ['ignore', log.fd, log.fd],
      // A process group of its own: Ctrl-C in a terminal goes to the whole group, and the server
      // must outlive the work that the launcher's own shutdown still does.
      detached: true,
    },
  );
  await once(child, 'spawn').catch((cause) => {
    throw spawnError(binaries.postgres, cause);
  });
  child.unref();
  return child;
}

/** False when the server has ended. Its own pid file says when it takes connections. */
async function isReady(child: ChildProcess, dir: string, deadline: number): Promise<boolean> {
  while (Date.now() < deadline) {
    const server = await findPostmaster(dir);
    if (server?.pid === child.pid && server?.isReady) return true;
    if (child.exitCode !== null || child.signalCode !== null) return false;
    await sleep(20);
  }
  child.kill('SIGQUIT');
  return false;
}

async function finish(child: ChildProcess, port: number, password: string): Promise<Server> {
  const identity = child.pid === undefined ? undefined : await identify(child.pid);
  if (!identity) throw new Error('PostgreSQL ended as soon as it had started.');
  const url = `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= stopPostmaster(identity);
    return stopped;
  };
  try {
    await logIn(url);
  } catch (cause) {
    await stop();
    throw new Error(
      'PostgreSQL started but refused our login. Its data may have been made with another ' +
        'password; start over with --fresh.',
      { cause },
    );
  }
  return { pid: identity.pid, port, url, stop };
}

async function logIn(url: string): Promise<void> {
  const client = new Client({ connectionString: url, ssl: false, connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined); // one that matters also fails the query
  try {
    await client.connect();
    await client.query('select 1');
  } finally {
    await client.end();
  }
}

/** The log goes on over restarts, up to a limit. Statements in it may hold data: it is private. */
async function openLog(path: string): Promise<{ handle: FileHandle; size: number }> {
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(path, 'a', 0o600);
  const { size } = await handle.stat();
  if (size <= logLimitBytes) return { handle, size };
  await handle.truncate();
  return { handle, size: 0 };
}

async function readLog(path: string, from: number): Promise<string> {
  return (await readFile(path)).subarray(from).toString();
}
