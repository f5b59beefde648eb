import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';

const migrationsDir = fileURLToPath(new URL('../../migrations', import.meta.url));

type MigrateOptions = {
  /** The owner's login, on a direct connection: the runner holds a session lock. */
  readonly ownerUrl: string;
  readonly log?: (message: string) => void;
};

/** Brings a database to the newest schema. Safe to run at any time and by several at once. */
export async function migrate({ ownerUrl, log = () => {} }: MigrateOptions): Promise<string[]> {
  const client = new pg.Client({ connectionString: ownerUrl, application_name: 'kassa-migrate' });
  await client.connect();
  try {
    // Under FORCE the owner sees no rows: a foreign key would be validated, and a backfill run,
    // against an empty table without a word. With this both raise.
    await client.query('set row_security = off');
    const applied = await runner({
      dbClient: client,
      dir: migrationsDir,
      direction: 'up',
      migrationsTable: 'pgmigrations',
      checkOrder: true,
      log: () => {},
      logger: { debug: () => {}, info: () => {}, warn: log, error: log },
    });
    return applied.map(({ name }) => name);
  } finally {
    await client.end();
  }
}
