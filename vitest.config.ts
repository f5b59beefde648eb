import { defineConfig } from 'vitest/config';
import { IsolationReporter } from './test/support/isolation-reporter.ts';
import { SkipReporter } from './test/support/skip-reporter.ts';

export default defineConfig({
  test: {
    // Two cores: PostgreSQL and the emulators want one of them.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000, interval: 50 } },
    reporters: ['default', new SkipReporter(), new IsolationReporter()],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'local/**/*.test.ts', 'emulators/**/*.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts'],
          // Runs of their own: `npm run test:faults`, `npm run test:attacks`.
          exclude: ['test/faults/**', 'test/attacks/**'],
          globalSetup: ['test/support/global-setup.ts'],
        },
      },
    ],
  },
});
