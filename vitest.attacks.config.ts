import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { AttackReporter } from './test/attacks/support/attack-reporter.ts';
import { SkipReporter } from './test/support/skip-reporter.ts';

/** Begun last, one of these would keep a core waiting for the other. */
const longest = ['injection', 'walls', 'sockets', 'paths'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rest = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification) => {
      const at = longest.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at < 0 ? longest.length : at;
    };
    return rest.toSorted((a, b) => rank(a) - rank(b));
  }
}

/** `npm run test:attacks`: a run of its own, with a summary of what was tried. */
export default defineConfig({
  test: {
    name: 'attacks',
    include: ['test/attacks/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Two cores: PostgreSQL and the emulators want one of them.
    maxWorkers: 2,
    // A minute on a quiet machine, and there is no harm in a busy one.
    testTimeout: 400_000,
    sequence: { sequencer: LongestFirst },
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000, interval: 50 } },
    reporters: ['default', new SkipReporter(), new AttackReporter()],
  },
});
