import { randomUUID } from 'node:crypto';
import type { TestProject } from 'vitest/node';
import { dropDatabase, setUpDatabase } from '../../local/database.ts';
import { openPostgresSource } from './postgres-source.ts';

declare module 'vitest' {
  // biome-ignore lint/style/useConsistentTypeDefinitions: merging into vitest's own needs one.
  interface ProvidedContext {
    postgres: { adminUrl: string; template: string; password: string };
  }
}

/** One migrated template for the whole run; each test file clones it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  // biome-ignore lint/style/noProcessEnv: the settings of the tests; the last two are for mutants.
  const { TEST_DATABASE_URL, TEST_DATABASE_PASSWORD, TEST_DATABASE_TEMPLATE } = process.env;
  const source = await openPostgresSource({ testDatabaseUrl: TEST_DATABASE_URL });
  if (source.name === 'none') throw new Error(`The tests need a PostgreSQL. ${source.why}`);
  const { adminUrl } = source;
  const password = TEST_DATABASE_PASSWORD ?? randomUUID();
  if (TEST_DATABASE_TEMPLATE) {
    project.provide('postgres', { adminUrl, template: TEST_DATABASE_TEMPLATE, password });
    return source.stop;
  }
  const template = `kassa_template_${randomUUID().slice(0, 8)}`;
  await setUpDatabase({ adminUrl, name: template, password });
  project.provide('postgres', { adminUrl, template, password });
  return async () => {
    await dropDatabase(adminUrl, template);
    await source.stop();
  };
}
