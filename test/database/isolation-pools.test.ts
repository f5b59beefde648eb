import { afterAll, expect, test } from 'vitest';
import { countTries } from '../support/isolation-tries.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { openDoors } from './support/open.ts';
import { playUnits, seed, setStage } from './support/pool-play.ts';

/*
 * Twenty tenants in turn on few connections, whose work goes well, fails, is given up, cancelled or
 * cut off. At every handover the connection must serve nobody and see nothing, and no unit of work
 * may see another row than its tenant's.
 */
const tries = countTries('pool', seed);
const database = await createTestDatabase();
const stage = await setStage(database);

afterAll(async () => {
  await stage.close();
  await database.drop();
});

test.each([1, 3])('on %i connections nothing of a tenant meets another', async (max) => {
  const doors = openDoors({ ...database, max });

  const wrongs = await playUnits({ stage, doors, tries });

  expect(wrongs, `KASSA_ISOLATION_SEED=${seed}`).toEqual([]);
});
