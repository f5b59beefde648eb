import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { countTries } from '../support/isolation-tries.ts';
import { findPgBouncer, type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { tapWire } from '../support/wire-tap.ts';
import { closeDoors, look, openDoors } from './support/open.ts';
import { playUnits, seed, setStage } from './support/pool-play.ts';

/*
 * As isolation-pools, by way of a real PgBouncer in transaction mode: several clients' connections
 * take turns on fewer of PostgreSQL's, and neither side knows of the other.
 */
const binary = await findPgBouncer();
const tries = countTries('pgbouncer', seed);

const why = 'there is no pgbouncer on this machine; Debian has a package of that name';

describe.each([1, 2])('on %i connections behind PgBouncer', (poolSize) => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let stage: Awaited<ReturnType<typeof setStage>>;
  let bouncer: PgBouncer;

  beforeAll(async () => {
    if (!binary) return;
    database = await createTestDatabase();
    stage = await setStage(database);
    bouncer = await startPgBouncer(database, { binary, poolSize });
  });

  afterAll(async () => {
    if (!binary) return;
    await bouncer.stop();
    await stage.close();
    await database.drop();
  });

  beforeEach(({ skip }) => skip(!binary, why));

  test('nothing of a tenant meets another', async () => {
    const doors = openDoors({ app: bouncer.app, platform: database.platform, max: 4 });

    const wrongs = await playUnits({ stage, doors, tries });

    expect(wrongs, `KASSA_ISOLATION_SEED=${seed}`).toEqual([]);
  });

  test('a transaction still travels in one piece', async () => {
    const [party] = stage.parties;
    if (!party) throw new Error('There is no tenant.');
    const tap = await tapWire(bouncer.app);
    const doors = openDoors({ app: tap.url, platform: database.platform });
    const own = { tenant: party.id, customers: '2' };
    expect(await doors.db.withTenant(party.id, look)).toEqual(own);

    const turns = await tap.roundTripsOf(async () => {
      expect(await doors.db.withTenantOnce(party.id, look)).toEqual(own);
    });

    await closeDoors(doors);
    await tap.close();
    expect(turns).toBe(1);
  });

  test('no wait is without a limit', async () => {
    const { app, ...doors } = openDoors({ app: bouncer.app, platform: database.platform });

    const { rows } = await app.query(`select name, setting from pg_settings
      where name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout')
      order by name`);

    await closeDoors({ app, ...doors });
    expect(rows.map(({ setting }) => setting)).toEqual(['15000', '10000', '15000']);
  });
});
