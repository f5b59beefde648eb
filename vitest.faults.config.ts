import { defineConfig } from 'vitest/config';
import { FaultReporter } from './test/faults/support/fault-reporter.ts';
import { SkipReporter } from './test/support/skip-reporter.ts';

/** `npm run test:faults`: too long for every save, and with a summary of its own. */
export default defineConfig({
  test: {
    name: 'faults',
    include: ['test/faults/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Two cores: PostgreSQL and the emulators want one of them.
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000, interval: 50 } },
    reporters: ['default', new SkipReporter(), new FaultReporter()],
  },
});
