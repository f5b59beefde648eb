import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends a run with what failed, what was left out and why, which are otherwise easily missed, and the
 * counts. `.ci/run` reads all three.
 */
export class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: string) => tests.filter((test) => test.result().state === state).length;
    const skipped = tests.flatMap((test) => {
      const result = test.result();
      return result.state === 'skipped' ? `  ${test.fullName}: ${result.note ?? 'no reason'}` : [];
    });
    // A file that breaks before its first test has failed too.
    const failures = tests
      .filter((test) => test.result().state === 'failed')
      .map((test) => `  ${test.module.relativeModuleId}: ${test.fullName}`);
    const broken = modules
      .filter((module) => module.errors().length > 0)
      .map(({ relativeModuleId }) => `  ${relativeModuleId}: the file itself`);
    const red = [...failures, ...broken];
    if (red.length > 0) process.stdout.write(`\nFailed:\n${red.join('\n')}\n`);
    const left = skipped.length === 0 ? 'Nothing was skipped.' : `Skipped:\n${skipped.join('\n')}`;
    process.stdout.write(
      `\n${left}\n\n${count('passed')} passed, ${red.length} failed, ${skipped.length} skipped\n`,
    );
  }
}
