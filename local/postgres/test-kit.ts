import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client, type QueryResultRow } from 'pg';
import { removeTree } from './folders.ts';
import type { Account } from './process.ts';
import type { Server } from './server.ts';
import { type PostgresOptions, removePostgres, startPostgres } from './start-postgres.ts';

type Options = Partial<PostgresOptions> & { readonly dataDir: string };

/** Folders, servers and processes of one test, and their end. */
export function createBench() {
  const running: (() => Promise<unknown>)[] = [];
  const dataDirs = new Set<string>();
  const folders: string[] = [];

  /** 0755 unless told otherwise: `mkdtemp` alone makes a folder that only we can enter. */
  async function folder({ mode = 0o755 } = {}): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'kassa-launcher-'));
    await chmod(path, mode);
    folders.push(path);
    return path;
  }

  async function start(options: Options): Promise<Server> {
    dataDirs.add(options.dataDir);
    const server = await startPostgres(complete(options));
    running.push(() => server.stop());
    return server;
  }

  /** Starts the server from another process, as `npm start` in another terminal would. */
  async function startElsewhere(options: Options, account?: Account) {
    const child = launchElsewhere(options, account);
    return { child, server: await firstLine(child) };
  }

  function launchElsewhere(options: Options, account?: Account): ChildProcess {
    dataDirs.add(options.dataDir);
    const code = `import { startPostgres } from '${new URL('start-postgres.ts', import.meta.url)}';
      const { url, port, pid } = await startPostgres(JSON.parse(process.argv[1]));
      console.log(JSON.stringify({ url, port, pid }));
      setInterval(() => {}, 60_000);`;
    const args = ['--input-type=module', '--eval', code, JSON.stringify(complete(options))];
    // A group of its own, so that a test can do to all of it what a terminal does.
    const child = spawn(process.execPath, args, { ...account, cwd: '/', detached: true });
    running.push(() => kill(child));
    return child;
  }

  async function bystander(account: Account | undefined): Promise<ChildProcess> {
    const child = spawn('sleep', ['600'], { ...account, cwd: '/', detached: true });
    running.push(() => kill(child));
    await once(child, 'spawn');
    return child;
  }

  async function end(): Promise<void> {
    for (const stop of running.splice(0).reverse()) await stop();
    for (const dataDir of dataDirs) await removePostgres(dataDir);
    dataDirs.clear();
    for (const path of folders.splice(0)) await removeTree(path);
  }

  return { folder, start, startElsewhere, launchElsewhere, bystander, end };
}

/** Kills the whole process group, so that nothing in it could clean up. */
export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  process.kill(-child.pid, 'SIGKILL');
  await once(child, 'exit');
}

export async function query<Row extends QueryResultRow>(url: string, text: string): Promise<Row[]> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

function complete(options: Options): PostgresOptions {
  return { mode: 'fast', superuserPassword: 'a pass/word', ...options };
}

async function firstLine(child: ChildProcess): Promise<Omit<Server, 'stop'>> {
  if (!child.stdout || !child.stderr) throw new Error('The child must have pipes.');
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  for await (const line of createInterface(child.stdout)) return JSON.parse(line);
  throw new Error(`The launcher ended: ${complaints}`);
}
