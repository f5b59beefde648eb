import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openPostgresSource } from '../support/postgres-source.ts';
import { type Mutant, mutate } from './mutant.ts';
import { Report } from './verdict.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const parts = [
  'src',
  'local',
  'emulators',
  'migrations',
  'database',
  'test',
  'web',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
];
/** A mutant that waits for ever has to be found by an assertion, or it is reported. */
const limitMs = 150_000;

export type Lane = Awaited<ReturnType<typeof openLane>>;

/**
 * A throw-away copy of the tree, and a PostgreSQL that its runs share. One at a time: the logins of
 * a server have one password, which each run sets.
 */
export async function openLane(signal: AbortSignal) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'kassa-mutants-')));
  for (const part of parts) await cp(join(root, part), join(folder, part), { recursive: true });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const postgres = await openPostgresSource({ testDatabaseUrl: undefined });
  if (postgres.name === 'none') throw new Error(postgres.why);
  const { adminUrl, stop } = postgres;

  /** Runs test files in the copy; a string says why there is no report. */
  async function run(files: readonly string[], until: Until = 'end'): Promise<Report | string> {
    const output = join(folder, 'report.json');
    await rm(output, { force: true });
    const ending = await runVitest(folder, { files, until, output, adminUrl, signal });
    const text = await readFile(output, 'utf8').catch(() => undefined);
    if (text === undefined) return ending;
    const { testResults } = Report.parse(JSON.parse(text));
    const named = testResults.map((file) => ({ ...file, name: relative(folder, file.name) }));
    return { testResults: named };
  }

  /** Breaks the copy, runs the mutant's tests, and mends it. */
  async function tryOut({ name, edits, tests }: Mutant, until: Until): Promise<Report | string> {
    const originals = new Map<string, string>();
    try {
      for (const edit of edits) {
        const path = join(folder, edit.file);
        const source = await readFile(path, 'utf8');
        const broken = mutate(name, source, edit);
        if (!originals.has(path)) originals.set(path, source);
        await writeFile(path, broken);
      }
      return await run(tests, until);
    } finally {
      for (const [path, source] of originals) await writeFile(path, source);
    }
  }

  async function close(): Promise<void> {
    await stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }

  return { run, tryOut, close };
}

type Until = 'first-failure' | 'end';
type Run = {
  readonly files: readonly string[];
  readonly until: Until;
  readonly output: string;
  readonly adminUrl: string;
  readonly signal: AbortSignal;
};

/** Answers how the run ended, for the case that it left no report. */
async function runVitest(cwd: string, run: Run): Promise<string> {
  const { files, until, output, adminUrl, signal } = run;
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const options = [
    '--reporter=json',
    `--outputFile=${output}`,
    '--maxWorkers=1',
    '--no-cache',
    '--no-fsModuleCache',
    ...(until === 'first-failure' ? ['--bail=1'] : []),
  ];
  const child = spawn(process.execPath, [vitest, 'run', ...options, ...files], {
    cwd,
    // biome-ignore lint/style/noProcessEnv: the child needs the path and home of this process.
    env: { ...process.env, TEST_DATABASE_URL: adminUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own, which is ended as a whole
  });
  let said = '';
  const listen = (text: Buffer) => {
    said = `${said}${text}`.slice(-2_000);
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const stop = () => endGroup(child);
  const timer = setTimeout(stop, limitMs);
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  await once(child, 'close');
  clearTimeout(timer);
  signal.removeEventListener('abort', stop);
  return child.signalCode ? `the run was ended by ${child.signalCode}` : `no report: ${said}`;
}

function endGroup({ pid, exitCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null) process.kill(-pid, 'SIGKILL');
}
