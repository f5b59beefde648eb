import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUpDatabase } from '../../local/database.ts';
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
/** A file: a mutant that waits for ever has to be found by an assertion, or it is reported. */
const limitMs = 150_000;

export type Lane = Awaited<ReturnType<typeof openLane>>;

/**
 * A throw-away copy of the tree, and a PostgreSQL with a migrated template that its runs share. One
 * at a time: a mutant of a migration makes a template of its own, and with it all logins anew.
 */
export async function openLane(signal: AbortSignal) {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'kassa-mutants-')));
  for (const part of parts) await cp(join(root, part), join(folder, part), { recursive: true });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const postgres = await openPostgresSource({ testDatabaseUrl: undefined });
  if (postgres.name === 'none') throw new Error(postgres.why);
  const { adminUrl, stop } = postgres;
  const database = { adminUrl, name: 'kassa_template_whole', password: randomUUID() };
  await setUpDatabase(database).catch(async (error: unknown) => {
    await stop();
    throw error;
  });

  /** Runs test files in the copy; a string says why there is no report. */
  async function run(files: readonly string[], asked: Partial<Asked> = {}) {
    const { until = 'end', schema = 'whole' } = asked;
    const output = join(folder, 'report.json');
    const settings = {
      TEST_DATABASE_URL: adminUrl,
      TEST_DATABASE_PASSWORD: database.password,
      ...(schema === 'whole' && { TEST_DATABASE_TEMPLATE: database.name }),
    };
    await rm(output, { force: true });
    const ending = await runVitest(folder, { files, until, output, settings, signal });
    const text = await readFile(output, 'utf8').catch(() => undefined);
    if (text === undefined) return ending;
    const { testResults } = Report.parse(JSON.parse(text));
    const named = testResults.map((file) => ({ ...file, name: relative(folder, file.name) }));
    return { testResults: named };
  }

  /** Breaks the copy, runs the mutant's tests, and mends it. */
  async function tryOut({ name, edits, tests }: Mutant, until: Until): Promise<Report | string> {
    const originals = new Map<string, string>();
    // Most leave the schema as it is, and need not have it made once more.
    const isMigrated = edits.some(({ file }) => file.startsWith('migrations/'));
    const schema = isMigrated ? 'broken' : 'whole';
    try {
      for (const edit of edits) {
        const path = join(folder, edit.file);
        const source = await readFile(path, 'utf8');
        const broken = mutate(name, source, edit);
        if (!originals.has(path)) originals.set(path, source);
        await writeFile(path, broken);
      }
      return await run(tests, { until, schema });
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
type Asked = { readonly until: Until; readonly schema: 'whole' | 'broken' };
type Run = {
  readonly files: readonly string[];
  readonly until: Until;
  readonly output: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
};

/** Answers how the run ended, for the case that it left no report. */
async function runVitest(cwd: string, run: Run): Promise<string> {
  const { files, until, output, settings, signal } = run;
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const options = [
    '--reporter=json',
    `--outputFile=${output}`,
    '--maxWorkers=1',
    '--no-cache',
    // By content, so that a broken file is read anew and the two hundred others are not.
    '--fsModuleCache',
    `--fsModuleCachePath=${join(cwd, 'module-cache')}`,
    ...(until === 'first-failure' ? ['--bail=1'] : []),
  ];
  const child = spawn(process.execPath, [vitest, 'run', ...options, ...files], {
    cwd,
    // biome-ignore lint/style/noProcessEnv: the child needs the path and home of this process.
    env: { ...process.env, ...settings },
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
  const timer = setTimeout(stop, limitMs * files.length);
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
