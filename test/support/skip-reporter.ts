import type { Reporter, TestModule } from 'vitest/node';

/** Ends a run with what was left out and why, which is otherwise easily missed, and the counts. */
export class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    // A file that breaks before its first test has failed too.
    const brokenFiles = modules.filter((module) => module.errors().length > 0).length;
    const skipped = tests.flatMap((test) => {
      const result = test.result();
      return result.state === 'skipped' ? `  ${test.fullName}: ${result.note ?? 'no reason'}` : [];
    });
    const left = skipped.length === 0 ? 'Nothing was skipped.' : `Skipped:\n${skipped.join('\n')}`;
    const failed = count('failed') + brokenFiles;
    process.stdout.write(
      `\n${left}\n\n${count('passed')} passed, ${failed} failed, ${skipped.length} skipped\n`,
    );
  }
}
