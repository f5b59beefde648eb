import type { Db } from '../db/database.ts';

export type HealthService = ReturnType<typeof createHealthService>;

export function createHealthService({
  db,
  version,
}: {
  db: Pick<Db, 'withPlatform'>;
  version: string;
}) {
  let running: Promise<boolean> | undefined;

  /**
   * Whether the database answers a question right now. Those who ask meanwhile get the same answer:
   * anybody may ask, and however many do, they take one connection.
   */
  function isDatabaseUp(): Promise<boolean> {
    running ??= ask().finally(() => {
      running = undefined;
    });
    return running;
  }

  async function ask(): Promise<boolean> {
    try {
      await db.withPlatform((tx) => tx.query('select 1'));
      return true;
    } catch {
      return false;
    }
  }

  return { version, isDatabaseUp };
}
