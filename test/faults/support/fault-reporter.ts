import type { Reporter, TestModule } from 'vitest/node';
import type { Evidence } from './evidence.ts';

/** Ends a run with what was done to Kassa, where, and what came of it. */
export class FaultReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const all = modules
      .flatMap((module) => [...module.children.allTests()])
      .flatMap((test) => test.meta().evidence ?? []);
    const lines = [
      ...describeFaults(all),
      '',
      ...describeSeams(all),
      '',
      ...describeCrashPoints(all),
      '',
      ...describeInvariants(all),
    ];
    process.stdout.write(`\n${lines.join('\n')}\n`);
  }
}

function describeFaults(all: readonly Evidence[]): string[] {
  const sums = new Map<string, number>();
  for (const [kind, times] of all.flatMap(({ faults }) => Object.entries(faults))) {
    sums.set(kind, (sums.get(kind) ?? 0) + times);
  }
  const total = [...sums.values()].reduce((a, b) => a + b, 0);
  return [`Faults injected: ${total}`, ...[...sums].sort().map((each) => row(...each))];
}

function describeSeams(all: readonly Evidence[]): string[] {
  const seams = all.flatMap((each) => each.seams);
  const sum = (of: 'count' | 'hit' | 'runs') => seams.reduce((total, each) => total + each[of], 0);
  return [
    `Seams: ${sum('hit')} of ${sum('count')} hit, in ${sum('runs')} runs`,
    ...seams.map(({ flow, kind, count, hit, runs }) =>
      row(`${flow}, ${kind}`, `${hit} of ${count} hit, ${runs} runs`),
    ),
  ];
}

function describeCrashPoints(all: readonly Evidence[]): string[] {
  const points = all.flatMap((each) => each.crashPoints);
  const sum = (of: 'count' | 'hit') => points.reduce((total, each) => total + each[of], 0);
  return [
    `Crash points: ${sum('hit')} of ${sum('count')} hit`,
    ...points.map(({ flow, count, hit }) => row(flow, `${hit} of ${count} hit`)),
  ];
}

function describeInvariants(all: readonly Evidence[]): string[] {
  const sums = new Map<string, number>();
  for (const [name, { violations }] of all.flatMap((each) => Object.entries(each.invariants))) {
    sums.set(name, (sums.get(name) ?? 0) + violations);
  }
  return ['Violations:', ...[...sums].map((each) => row(...each))];
}

function row(name: string, value: string | number): string {
  return `  ${name.padEnd(56)} ${value}`;
}
