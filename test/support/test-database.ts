import { randomUUID } from 'node:crypto';
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
