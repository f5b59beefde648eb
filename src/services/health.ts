import type { Db } from '../db/database.ts';

export type HealthService = ReturnType<typeof createHealthService>;

export function createHealthService({ db, version }: { db: Db; version: string }) {
  /** Whether the database answers a question right now. */
  async function isDatabaseUp(): Promise<boolean> {
    try {
      await db.withPlatform((tx) => tx.query('select 1'));
      return true;
    } catch {
      return false;
    }
  }

  return { version, isDatabaseUp };
}
