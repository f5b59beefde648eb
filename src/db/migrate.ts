import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';

const migrationsDir = fileURLToPath(new URL('../../migrations', import.meta.url));

type MigrateOptions = {
  /** The owner's login, on a direct connection: the runner holds a session lock. */
  readonly ownerUrl: string;
  /** Another folder than ours, for trying a migration out. */
  readonly dir?: string;
  readonly log?: (message: string) => void;
};

/** Brings a database to the newest schema. Safe to run at any time and by several at once. */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const { ownerUrl, dir = migrationsDir, log = () => {} } = options;
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'kassa-migrate' });
  // A connection that breaks fails its query; without a listener it would end the process too.
  client.on('error', () => {});
  await client.connect();
  try {
    // Under FORCE the owner sees no rows: a foreign key would be validated, and a backfill run,
    // against an empty table without a word. With this both raise.
    await client.query('set row_security = off');
    const applied = await runner({
      dbClient: client,
      dir,
      direction: 'up',
      migrationsTable: 'pgmigrations',
      checkOrder: true,
      // Of several at once one works and the others wait, to find nothing left to do.
      advisoryLockMode: 'wait',
      log: () => {},
      logger: { debug: () => {}, info: () => {}, warn: log, error: log },
    });
    return applied.map(({ name }) => name);
  } finally {
    await client.end();
  }
}
