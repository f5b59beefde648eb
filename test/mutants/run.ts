import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Lane, openLane, root } from './lane.ts';
import { type Mutant, mutate } from './mutant.ts';
import { mutants } from './mutants.ts';
import {
  type Counts,
  countRun,
  failedIn,
  type Report,
  type Verdict,
  verdictOf,
} from './verdict.ts';

/** Two cores: each lane keeps one busy. */
const laneCount = 2;

/**
 * `npm run test:mutants [name…]`: breaks one protection at a time in a copy of the tree and runs
 * the tests that must notice. A suite that never fails is no evidence.
 */
async function main(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !mutants.some((mutant) => mutant.name === name));
  if (unknown.length > 0) throw new Error(`There is no mutant ${unknown.join(', ')}.`);
  const chosen = mutants.filter(({ name }) => names.length === 0 || names.includes(name));
  await refuseOutdated(chosen);
  const began = Date.now();
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stopping.abort(new Error(`Ended by ${signal}.`)));
  }
  const lanes: Lane[] = [];
  try {
    for (let at = 0; at < laneCount; at += 1) lanes.push(await openLane(stopping.signal));
    const clean = await runClean(lanes, [...new Set(chosen.flatMap(({ tests }) => tests))]);
    const verdicts = await tryOutAll(lanes, { chosen, clean, signal: stopping.signal });
    const killed = verdicts.filter(({ kind }) => kind === 'killed').length;
    const failed = verdicts.length - killed;
    say(`\n${verdicts.length} of ${mutants.length} mutants in ${secondsSince(began)} s`);
    say(`${killed} passed, ${failed} failed`);
    if (failed > 0) process.exitCode = 1;
  } finally {
    stopping.abort();
    await Promise.all(lanes.map((lane) => lane.close()));
  }
}

/** Before any time is spent; @throws Error that names the first one. */
async function refuseOutdated(chosen: readonly Mutant[]): Promise<void> {
  for (const { name, edits } of chosen) {
    for (const edit of edits) mutate(name, await readFile(join(root, edit.file), 'utf8'), edit);
  }
}

/** The tests have to be green where nothing is broken, or their going red says nothing. */
async function runClean(lanes: readonly Lane[], files: readonly string[]): Promise<Counts> {
  const shares = lanes.map((_, at) => files.filter((_file, index) => index % lanes.length === at));
  const counts = await Promise.all(
    lanes.map(async (lane, at) => {
      const share = shares[at] ?? [];
      if (share.length === 0) return [];
      const report = await lane.run(share);
      if (typeof report === 'string') throw new Error(`The clean copy did not run: ${report}`);
      const [failed] = failedIn(report);
      if (failed) throw new Error(`The clean copy is red: ${failed.name}\n${failed.messages}`);
      return [...countRun(report)];
    }),
  );
  const clean = new Map(counts.flat());
  const missing = files.filter((file) => !clean.get(file));
  if (missing.length > 0) throw new Error(`No test ran in ${missing.join(', ')}.`);
  return clean;
}

type Trial = {
  readonly chosen: readonly Mutant[];
  readonly clean: Counts;
  readonly signal: AbortSignal;
};

async function tryOutAll(lanes: readonly Lane[], trial: Trial): Promise<Verdict[]> {
  const { chosen, clean, signal } = trial;
  const columns = ['mutant', 'rule that it breaks', 'tests', 'seconds', 'killed by'] as const;
  const lines = chosen.map(({ name, rule, tests }) => [name, rule, tests.map(shorten).join(' ')]);
  const widths = columns.map((title, at) =>
    Math.max(title.length, ...lines.map((line) => line[at]?.length ?? 0)),
  );
  const row = (cells: readonly string[]) =>
    cells.map((cell, at) => (at < 4 ? cell.padEnd(widths[at] ?? 0) : cell)).join('  ');
  say(row(columns));
  const waiting = chosen.entries();
  const verdicts: Verdict[] = [];
  await Promise.all(
    lanes.map(async (lane) => {
      for (const [at, mutant] of waiting) {
        const began = Date.now();
        const verdict = await judge(lane, mutant, clean);
        signal.throwIfAborted();
        verdicts.push(verdict);
        say(row([...(lines[at] ?? []), secondsSince(began), describe(verdict)]));
      }
    }),
  );
  return verdicts;
}

/** One failed assertion is enough; whatever else fails first has the other tests asked as well. */
async function judge(lane: Lane, mutant: Mutant, clean: Counts): Promise<Verdict> {
  const own = new Map([...clean].filter(([file]) => mutant.tests.includes(file)));
  const verdictIn = (report: Report | string): Verdict =>
    typeof report === 'string' ? { kind: 'proves-nothing', why: report } : verdictOf(report, own);
  const verdict = verdictIn(await lane.tryOut(mutant, 'first-failure'));
  if (verdict.kind !== 'proves-nothing') return verdict;
  return verdictIn(await lane.tryOut(mutant, 'end'));
}

function describe(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'killed':
      return verdict.by;
    case 'survived':
      return 'NOBODY: it survived';
    case 'proves-nothing':
      return `NOBODY: it proves nothing, ${verdict.why}`;
    default:
      return verdict satisfies never;
  }
}

function secondsSince(began: number): string {
  return String(Math.round((Date.now() - began) / 1_000));
}

function shorten(file: string): string {
  return file.replace(/\.test\.ts$/, '');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
