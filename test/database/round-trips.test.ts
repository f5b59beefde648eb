import { randomBytes } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import type { Transaction } from '../../src/db/database.ts';
import { Secret } from '../../src/domain/secret.ts';
import { createApiKeys } from '../../src/services/api-keys.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { tapWire } from '../support/wire-tap.ts';
import { openKeys } from './support/keys.ts';
import { addTenant, connect, log, openDoors } from './support/open.ts';

const database = await createTestDatabase();
const owner = await connect(database.owner);
const admin = await connect(database.admin);
const tenant = await addTenant(owner, 'tenant-a');
const tap = await tapWire(database.app);
const platformTap = await tapWire(database.platform);
const { db, app, platform } = openDoors({ app: tap.url, platform: platformTap.url });
const { accounts } = await openKeys(db);
// The hello and the login are not part of what is counted.
await db.withTenant(tenant, ask);
await db.withPlatform(ask);

afterAll(async () => {
  await Promise.all([app.end(), platform.end(), owner.end(), admin.end()]);
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

test('a transaction of the platform of one statement is one round trip', async () => {
  expect(await platformTap.roundTripsOf(() => db.withPlatformOnce(ask))).toBe(1);
});

test('a key brings its tenant along, in one round trip', async () => {
  const { count, holder } = await lookUp(await addKey('null'));

  expect(count).toBe(1);
  expect(holder).toMatchObject({ tenant: { slug: 'tenant-a' } });
});

test.each([
  ['unknown', async () => `sk_test_${'0'.repeat(64)}`],
  ['revoked', () => addKey('now()')],
])('a key that is %s costs the same', async (_, find) => {
  const { count, holder } = await lookUp(await find());

  expect(count).toBe(1);
  expect(holder).toMatchObject({ code: 'key-invalid' });
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

/** A key that was just used, so that nothing has to be noted. */
async function addKey(revokedAt: 'null' | 'now()'): Promise<string> {
  const key = `sk_test_${randomBytes(32).toString('hex')}`;
  await admin.query(
    `insert into api_keys (tenant_id, prefix, key_hash, last_used_at, revoked_at)
     values ($1, 'sk_test_', sha256($2), now(), ${revokedAt})`,
    [tenant, key],
  );
  return key;
}

async function lookUp(key: string) {
  const apiKeys = createApiKeys({ db, accounts, log });
  // The first reader seals the account's key, and learns the key that opens it.
  await apiKeys.authenticate(new Secret(key)).catch(() => {});
  let holder: unknown;
  const count = await platformTap.roundTripsOf(async () => {
    holder = await apiKeys.authenticate(new Secret(key)).catch((refusal) => refusal);
  });
  return { count, holder };
}
