import type { Reporter, TestModule } from 'vitest/node';

/** Ends a run with what was left out and why, which is otherwise easily missed. */
export class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) =>
      [...module.children.allTests('skipped')].map((test) => {
        const result = test.result();
        const note = result.state === 'skipped' ? result.note : undefined;
        return `  ${test.fullName}${note ? `: ${note}` : ''}`;
      }),
    );
    process.stdout.write(
      skipped.length === 0 ? 'Nothing was skipped.\n' : `Skipped:\n${skipped.join('\n')}\n`,
    );
  }
}
