import { defineConfig } from 'vitest/config';
import { AttackReporter } from './test/attacks/support/attack-reporter.ts';
import { SkipReporter } from './test/support/skip-reporter.ts';

/** `npm run test:attacks`: a run of its own, with a summary of what was tried. */
export default defineConfig({
  test: {
    name: 'attacks',
    include: ['test/attacks/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Two cores: PostgreSQL and the emulators want one of them.
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000, interval: 50 } },
    reporters: ['default', new AttackReporter(), new SkipReporter()],
  },
});
