import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { removePostgres } from '../../local/postgres/start-postgres.ts';
import type { Demo } from '../../local/summary.ts';
import { freePorts } from './ports.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const settingNames = [
  'PORT',
  'MIDTRANS_EMULATOR_PORT',
  'INBOX_PORT',
  'INBOX_SMTP_PORT',
  'POSTGRES_PORT',
];

export type Place = { readonly dir: string; readonly settings: Record<string, string> };
export type Running = Demo & {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Ends it as Ctrl-C does, and waits for its last process. */
  stop(): Promise<void>;
};

/** A data folder and ports of its own, for one or more starts. */
export async function makePlace(): Promise<Place> {
  const dir = await mkdtemp(join(tmpdir(), 'kassa-start-'));
  const ports = await freePorts(settingNames.length);
  const settings = Object.fromEntries(settingNames.map((name, index) => [name, `${ports[index]}`]));
  return { dir, settings: { ...settings, KASSA_DIR: dir } };
}

export async function removePlace({ dir }: Place): Promise<void> {
  await removePostgres(join(dir, 'postgres'));
  await rm(dir, { recursive: true, force: true });
}

/** Runs `npm start` as a newcomer does, without waiting for anything. */
export function spawnStart(settings: Record<string, string>) {
  const child = spawn('npm', ['start', '--silent'], {
    cwd: root,
    // biome-ignore lint/style/noProcessEnv: the child needs the path and home of this process.
    env: { ...process.env, NODE_ENV: 'development', RATE_LIMITS: 'off', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own, which Ctrl-C reaches as a whole
  });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  child.stderr.on('data', (text) => {
    output += text;
  });
  return { child, output: () => output };
}

/** Starts everything and waits until it says that it is ready. */
export async function start(place: Place): Promise<Running> {
  const { child, output } = spawnStart(place.settings);
  const exited = once(child, 'exit');
  const file = join(place.dir, 'demo.json');
  const demo = await vi.waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(`npm start ended:\n${output()}`);
      if (!output().includes('Kassa is ready')) throw new Error(`Not ready:\n${output()}`);
      return JSON.parse(await readFile(file, 'utf8')) as Demo;
    },
    { timeout: 55_000, interval: 50 },
  );
  return {
    ...demo,
    child,
    output,
    async stop() {
      process.kill(-Number(child.pid), 'SIGINT');
      await exited;
      // npm does not wait for what it runs.
      await vi.waitFor(() => expectGone(Number(demo.processes.start)), { timeout: 20_000 });
    },
  };
}

function expectGone(pid: number): void {
  try {
    process.kill(pid, 0);
  } catch {
    return;
  }
  throw new Error(`Process ${pid} still runs.`);
}

export type HttpAnswer = { readonly status: number; readonly body: Record<string, never> };

/** A request to 127.0.0.1 with any Host: not every resolver knows names under localhost. */
export function send(
  url: string,
  options: { headers?: Record<string, string>; body?: unknown } = {},
): Promise<HttpAnswer> {
  const { port, pathname, search } = new URL(url);
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  return new Promise((resolve, reject) => {
    const req = request(
      {
        host: '127.0.0.1',
        port,
        path: `${pathname}${search}`,
        method: body === undefined ? 'GET' : 'POST',
        headers: { ...(body && { 'Content-Type': 'application/json' }), ...options.headers },
      },
      async (res) => {
        let text = '';
        for await (const chunk of res) text += chunk;
        resolve({ status: res.statusCode ?? 0, body: JSON.parse(text) });
      },
    );
    req.on('error', reject);
    req.end(body);
  });
}
