import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { cloneDatabase, type DatabaseUrls, dropDatabase } from '../../local/database.ts';

export type TestDatabase = DatabaseUrls & {
  /** A superuser's login to this database, for arranging what no login of Kassa may. */
  readonly admin: string;
  drop(): Promise<void>;
};

/** A migrated, empty database of its own. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { adminUrl, template, password } = inject('postgres');
  const name = `kassa_test_${randomUUID().replaceAll('-', '')}`;
  const urls = await cloneDatabase({ adminUrl, name, password }, template);
  const admin = new URL(adminUrl);
  admin.pathname = `/${name}`;
  return { ...urls, admin: admin.href, drop: () => dropDatabase(adminUrl, name) };
}

/** A superuser's pool for arranging and looking; dropping the database may cut its connections. */
export function openAdminPool(database: TestDatabase): pg.Pool {
  const pool = new pg.Pool({ connectionString: database.admin, max: 3 });
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('error', () => {});
  return pool;
}
