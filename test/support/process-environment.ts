import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseUrls } from '../../local/database.ts';
import { testMasterKeys } from './master-keys.ts';

/** What each process of Kassa needs before it starts; a test adds what it is about. */
export function processEnvironment(database: DatabaseUrls) {
  return {
    NODE_ENV: 'test',
    // Where Node keeps it by default: a process that finds its code compiled starts in half the time.
    NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache'),
    RATE_LIMITS: 'off',
    // One for all processes of a run: a session of one is one at the others too.
    SESSION_SECRET: 'a secret of tests, which nobody else may use',
    DATABASE_URL: database.app,
    DATABASE_PLATFORM_URL: database.platform,
    DATABASE_WORKER_URL: database.worker,
    MASTER_KEYS: testMasterKeys,
  };
}
