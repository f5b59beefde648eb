import { afterAll, expect, test } from 'vitest';
import type { Transaction } from '../../src/db/database.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { tapWire } from '../support/wire-tap.ts';
import { addTenant, connect, openDoors } from './support/open.ts';

const database = await createTestDatabase();
const owner = await connect(database.owner);
const tenant = await addTenant(owner, 'tenant-a');
const tap = await tapWire(database.app);
const platformTap = await tapWire(database.platform);
const { db, app, platform } = openDoors({ app: tap.url, platform: platformTap.url });
// The hello and the login are not part of what is counted.
await db.withTenant(tenant, ask);
await db.withPlatform(ask);

afterAll(async () => {
  await Promise.all([app.end(), platform.end(), owner.end()]);
  await Promise.all([tap.close(), platformTap.close()]);
  await database.drop();
});

test('a transaction of one statement is one round trip', async () => {
  expect(await tap.roundTripsOf(() => db.withTenantOnce(tenant, ask))).toBe(1);
});

test('a transaction that may have more statements is one round trip more than they', async () => {
  const askThrice = async (tx: Transaction) => {
    for (const _ of [1, 2, 3]) await ask(tx);
  };

  expect(await tap.roundTripsOf(() => db.withTenant(tenant, ask))).toBe(2);
  expect(await tap.roundTripsOf(() => db.withTenant(tenant, askThrice))).toBe(4);
});

test('statements that do not wait for each other travel together', async () => {
  const askTogether = (tx: Transaction) => Promise.all([ask(tx), ask(tx), ask(tx)]);

  expect(await tap.roundTripsOf(() => db.withTenant(tenant, askTogether))).toBe(2);
});

test('the platform pays the same', async () => {
  expect(await platformTap.roundTripsOf(() => db.withPlatform(ask))).toBe(2);
});

test('the tap counts: four awaited statements are four round trips', async () => {
  const statements = ['begin', 'select 1', 'select 2', 'commit'];
  const client = await app.connect();

  const count = await tap.roundTripsOf(async () => {
    for (const statement of statements) await client.query(statement);
  });

  client.release();
  expect(count).toBe(4);
});

async function ask(tx: Transaction): Promise<unknown> {
  return tx.query('select $1::text as echo', ['x'.repeat(20_000)]);
}
