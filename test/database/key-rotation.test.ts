import { afterAll, afterEach, expect, test } from 'vitest';
import type { Db } from '../../src/db/database.ts';
import { Slug, TenantId } from '../../src/domain/ids.ts';
import { Secret } from '../../src/domain/secret.ts';
import { masterKeyOf } from '../support/master-keys.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { dyingDoors, killed } from './support/dying-doors.ts';
import { openKeys, operator } from './support/keys.ts';
import { closeDoors, connect, openDoors } from './support/open.ts';

const database = await createTestDatabase();
const admin = await connect(database.admin);
const doors = openDoors({ ...database, max: 4 });
const slugs = ['one', 'two', 'six'].map((name) => Slug.parse(`shop-${name}`));
const keyOf = (slug: string) => `SB-Mid-server-of-${slug}`;

afterEach(async () => {
  await admin.query(
    'truncate tenants, data_keys, platform_secrets, key_rotations, audit_entries, audit_heads cascade',
  );
});
afterAll(async () => {
  await closeDoors(doors);
  await admin.end();
  await database.drop();
});

const masterKeys = (...ids: string[]) => ids.map(masterKeyOf).join(',');

/** A process with these master keys; the last wraps what is new. */
function started(ids: string[], db: Db = doors.db) {
  return openKeys(db, { masterKeys: masterKeys(...ids) });
}

async function addShops(wanted: readonly Slug[] = slugs): Promise<void> {
  for (const slug of wanted) {
    await admin.query(
      `insert into tenants (slug, name, midtrans_server_key, database_url)
       values ($1, 'Shop', $2, 'postgresql://shop@db/' || $1)`,
      [slug, keyOf(slug)],
    );
  }
}

/** Every secret as a process reads it. */
async function secretsBy({ directory }: Awaited<ReturnType<typeof started>>) {
  directory.forgetAll();
  const tenants = await Promise.all(slugs.map((slug) => directory.findBySlug(slug)));
  return tenants.map((tenant) => tenant?.midtrans?.serverKey.reveal());
}
const allSecrets = slugs.map(keyOf);

async function countOf(condition: string): Promise<number> {
  const { rows } = await admin.query(`select count(*)::int as n from data_keys where ${condition}`);
  return rows[0]?.n;
}

const isDone = {
  columns: [
    { name: 'tenants.midtrans_server_key', plain: 0, current: 3, older: 0 },
    { name: 'tenants.database_url', plain: 0, current: 3, older: 0 },
    { name: 'platform_secrets.value', plain: 0, current: 1, older: 0 },
  ],
};

test('a new master key takes over all data keys, and the old one can be left out then', async () => {
  await addShops();
  const before = await started(['k1']);
  await before.sealing.sealPlain();
  const both = await started(['k1', 'k2']);
  await expect(started(['k2'])).rejects.toThrow('master key "k1", which is not given');

  const counts = await both.rotation.rotateMaster(operator);

  expect(counts).toEqual({ kekId: 'k2', rewrapped: 4, failed: 0 });
  expect(await countOf(`kek_id <> 'k2'`)).toBe(0);
  const after = await started(['k2']);
  expect(await secretsBy(after)).toEqual(allSecrets);
  expect(await after.rotation.rotateMaster(operator)).toMatchObject({ rewrapped: 0 });
  // And back again: nothing is lost until the old key is thrown away.
  const reversed = await started(['k2', 'k1']);
  expect(await reversed.rotation.rotateMaster(operator)).toMatchObject({ rewrapped: 4 });
  expect(await secretsBy(await started(['k1']))).toEqual(allSecrets);
});

test('new data keys seal everything anew, and the old ones are retired', async () => {
  await addShops();
  const keys = await started(['k1']);
  await keys.sealing.sealPlain();

  const counts = await keys.rotation.rotateData(operator);

  expect(counts).toEqual({ renewed: 4, resealed: 7, unreadable: 0, destroyed: 0 });
  expect(await keys.rotation.status()).toMatchObject(isDone);
  expect(await countOf('version = 1 and retired_at is not null')).toBe(4);
  expect(await countOf('version = 2 and retired_at is null')).toBe(4);
  expect(await secretsBy(keys)).toEqual(allSecrets);
  expect(await secretsBy(await started(['k1']))).toEqual(allSecrets);
  expect(await keys.rotation.rotateData(operator)).toMatchObject({ renewed: 4, resealed: 7 });
});

test('a rotation seals what was plain until now', async () => {
  await addShops();
  const keys = await started(['k1']);

  await keys.rotation.rotateData(operator);

  expect(await keys.rotation.status()).toMatchObject(isDone);
});

test('the status tells what is plain, what is old, and which master keys are in use', async () => {
  await addShops();
  const keys = await started(['k1']);
  const plain = await keys.rotation.status();
  await keys.sealing.sealPlain();
  const { rows } = await admin.query('select id from tenants where slug = $1', [slugs[0]]);
  await keys.vault.succeed(TenantId.parse(rows[0]?.id), 1);

  const status = await (await started(['k1', 'k2'])).rotation.status();

  expect(plain.columns[0]).toMatchObject({ plain: 3, current: 0, older: 0 });
  expect(status.masterKey).toBe('k2');
  expect(status.keys).toEqual([
    { kekId: 'k1', state: 'current', keys: 4n },
    { kekId: 'k1', state: 'retired', keys: 1n },
  ]);
  expect(status.columns[0]).toMatchObject({ plain: 0, current: 2, older: 1 });
});

test('rotations are written down: who, when and how many, and no key', async () => {
  await addShops();
  const keys = await started(['k1', 'k2']);
  await keys.sealing.sealPlain();

  await keys.rotation.rotateMaster(operator);
  await keys.rotation.rotateData(operator);

  const { rows } = await admin.query(
    `select action, actor_kind, actor_label, after from audit_entries order by seq`,
  );
  expect(rows).toEqual([
    {
      action: 'master-key.rotated',
      actor_kind: 'operator',
      actor_label: 'a test',
      after: '{"rewrapped":0,"failed":0}',
    },
    {
      action: 'data-keys.rotated',
      actor_kind: 'operator',
      actor_label: 'a test',
      after: '{"renewed":4,"resealed":7,"unreadable":0}',
    },
  ]);
});

test.each(['before', 'after'] as const)(
  'killed %s any of its statements, a rotation loses nothing, and the next one finishes it',
  async (moment) => {
    const [shop = Slug.parse('shop')] = slugs;
    await addShops([shop]);
    const ids = ['k1', 'k2'];
    await (await started(['k1'])).sealing.sealPlain();
    const server = await started(ids);
    let deaths = 0;

    for (let nth = 1; ; nth += 1) {
      // Back and forth, so that there is something to move each time.
      const order = nth % 2 === 0 ? ids : ids.toReversed();
      const { db, isDead } = dyingDoors(doors.db, { nth, moment });
      const outcome = await started(order, db)
        .then(async ({ rotation }) => {
          await rotation.rotateMaster(operator);
          await rotation.rotateData(operator);
        })
        .catch((error: unknown) => error);
      expect([undefined, killed]).toContain(outcome);
      expect((await secretsBy(server))[0], `killed at ${nth}`).toBe(keyOf(shop));
      if (!isDead()) break;
      deaths += 1;
      const next = await started(order);
      await next.rotation.rotateMaster(operator);
      await next.rotation.rotateData(operator);
      const { columns } = await next.rotation.status();
      expect(columns.map(({ plain, older }) => plain + older)).toEqual([0, 0, 0]);
      expect(await countOf(`kek_id <> '${order.at(-1)}'`)).toBe(0);
      expect((await secretsBy(next))[0]).toBe(keyOf(shop));
      // Or there would be more to move each time, and no end.
      expect(await next.sealing.destroyRetired(0)).toBeGreaterThan(0);
    }

    // Fewer would mean that the killing misses: some statements for each of 2 keys and 3 secrets.
    expect(deaths).toBeGreaterThan(40);
    const { rows } = await admin.query('select from key_rotations where finished_at is null');
    expect(rows).toEqual([]);
  },
  120_000,
);

test('a rotation that was begun is gone on with, and makes no key twice', async () => {
  await addShops();
  const keys = await started(['k1']);
  await keys.sealing.sealPlain();
  await admin.query('insert into key_rotations default values');
  const { rows } = await admin.query('select id from tenants where slug = $1', [slugs[0]]);
  await keys.vault.succeed(TenantId.parse(rows[0]?.id), 1);

  const counts = await keys.rotation.rotateData(operator);

  expect(counts).toMatchObject({ renewed: 3, resealed: 7 });
  expect(await countOf('version > 2')).toBe(0);
});

test('two rotations at once do no harm to each other', async () => {
  await addShops();
  await (await started(['k1'])).sealing.sealPlain();
  const [one, other] = [await started(['k1', 'k2']), await started(['k1', 'k2'])];
  await one.rotation.rotateData(operator);

  await Promise.all(
    [one, other].map(async ({ rotation }) => {
      await rotation.rotateMaster(operator);
      await rotation.rotateData(operator);
    }),
  );

  expect(await one.rotation.status()).toMatchObject(isDone);
  expect(await countOf(`kek_id <> 'k2'`)).toBe(0);
  for (const keys of [one, other, await started(['k2'])]) {
    expect(await secretsBy(keys)).toEqual(allSecrets);
  }
});

test('what is sealed while its key is being retired is found by the rotation', async () => {
  await addShops();
  const keys = await started(['k1']);
  await keys.sealing.sealPlain();
  const { rows } = await admin.query('select id from tenants where slug = $1', [slugs[0]]);
  const id = TenantId.parse(rows[0]?.id);
  const place = { table: 'tenants', column: 'database_url', rowId: id };
  let isRotated = false;
  let rotating: Promise<unknown> | undefined;

  await keys.vault.sealInto(id, { place, secret: new Secret('late') }, async (tx, text) => {
    // The key is taken. The rotation has to wait for this transaction before it looks for rows.
    rotating = keys.rotation.rotateData(operator).then(() => {
      isRotated = true;
    });
    await expect.poll(waiters).toBeGreaterThan(0);
    await tx.query('update tenants set database_url = $2 where id = $1', [id, text]);
  });

  expect(isRotated).toBe(false);
  await rotating;
  expect(await keys.rotation.status()).toMatchObject(isDone);
  const after = await admin.query('select database_url from tenants where id = $1', [id]);
  expect((await keys.vault.unseal(id, place, after.rows[0]?.database_url)).reveal()).toBe('late');
});

async function waiters(): Promise<number> {
  const { rows } = await admin.query(
    `select count(*)::int as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return rows[0]?.n;
}

test('what cannot be read is told, keeps its key, and does not stop the others', async () => {
  await addShops();
  const keys = await started(['k1']);
  await keys.sealing.sealPlain();
  await admin.query(
    `update tenants set midtrans_server_key = overlay(midtrans_server_key placing 'AAAA' from 60)
      where slug = $1`,
    [slugs[0]],
  );

  const counts = await keys.rotation.rotateData(operator);
  await admin.query(
    `update data_keys set retired_at = now() - interval '2 days' where version = 1`,
  );

  expect(counts).toMatchObject({ renewed: 4, resealed: 6, unreadable: 1 });
  expect((await keys.rotation.status()).columns[0]).toMatchObject({ current: 2, older: 1 });
  expect(await keys.sealing.destroyRetired()).toBe(3);
  expect(await secretsBy(keys)).toEqual([undefined, ...allSecrets.slice(1)]);
});

test('a data key that no master key opens is told, and the others are moved', async () => {
  await addShops();
  await (await started(['k1'])).sealing.sealPlain();
  const keys = await started(['k1', 'k2']);
  await admin.query(
    `update data_keys set wrapped = decode(repeat('00', 60), 'hex')
      where tenant_id = (select id from tenants where slug = $1)`,
    [slugs[0]],
  );

  expect(await keys.rotation.rotateMaster(operator)).toMatchObject({ rewrapped: 3, failed: 1 });
});
