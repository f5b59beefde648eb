import type { Reporter, TestModule } from 'vitest/node';
import type { IsolationTries } from './isolation-tries.ts';

/** Fewer than these in a whole run: something is not tried any more. */
const minTries = 5_000;
/** A run with all of these is a whole one; PgBouncer is not on every machine. */
const wholeRun = ['matrix', 'pool', 'http', 'job', 'canary'] as const;

/** Ends a run with how often the wall between tenants was tried, and how often it gave way. */
export class IsolationReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const all = modules
      .flatMap((module) => [...module.children.allTests()])
      .flatMap((test) => test.meta().isolation ?? []);
    if (all.length === 0) return;
    const { text, isTooLittle } = summarise(all);
    process.stdout.write(`\n${text}\n`);
    if (isTooLittle) process.exitCode = 1;
  }
}

export function summarise(all: readonly IsolationTries[]) {
  const sums = new Map<string, number>();
  for (const { way, tried } of all) sums.set(way, (sums.get(way) ?? 0) + tried);
  const tried = all.reduce((sum, each) => sum + each.tried, 0);
  const crossed = all.reduce((sum, each) => sum + each.crossed, 0);
  const isWhole = wholeRun.every((way) => sums.has(way));
  const isTooLittle = isWhole && tried < minTries;
  const parts = [...sums].map(([way, sum]) => `${way} ${sum}`).join(', ');
  const lines = [`isolation: ${tried} tries, ${crossed} crossed`, `  ${parts}`];
  const seeds = new Set(all.flatMap(({ seed }) => seed ?? []));
  if (seeds.size > 0)
    lines.push(`  seed ${[...seeds].join(', ')}: KASSA_ISOLATION_SEED repeats it`);
  if (isTooLittle) lines.push(`  A whole run has at least ${minTries} tries.`);
  return { text: lines.join('\n'), isTooLittle };
}
