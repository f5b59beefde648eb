import { z } from 'zod';
import { readEnvironment } from '../config.ts';
import { migrate } from '../db/migrate.ts';
import { createLog } from '../log.ts';

const Environment = z.object({
  // The owner's login, which the server and the worker never see.
  DATABASE_OWNER_URL: z.string().regex(/^postgres(ql)?:\/\//, 'must start with postgresql://'),
});

const log = createLog({ name: 'kassa-migrate', level: 'info' });

/** `npm run migrate`: brings a database to the newest schema, and says which changes it made. */
async function main(): Promise<void> {
  const environment = Environment.safeParse(readEnvironment());
  if (!environment.success) throw new Error(z.prettifyError(environment.error));
  const { DATABASE_OWNER_URL: ownerUrl } = environment.data;
  const applied = await migrate({ ownerUrl, log: (message) => log.warn(message) });
  log.info({ applied }, 'the schema is the newest');
}

try {
  await main();
} catch (error) {
  log.fatal({ err: error }, 'the migration failed');
  process.exitCode = 1;
}
