import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, expect, test } from 'vitest';
import { Slug, TenantId } from '../../src/domain/ids.ts';
import { sealedColumns } from '../../src/domain/sealed-columns.ts';
import { Secret } from '../../src/domain/secret.ts';
import { accountOf } from '../../src/domain/tenant.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { openKeys } from './support/keys.ts';
import { closeDoors, connect, openDoors } from './support/open.ts';

const database = await createTestDatabase();
const admin = await connect(database.admin);
const doors = openDoors({ ...database, max: 4 });
const { vault, sealing, directory } = await openKeys(doors.db);

afterEach(async () => {
  directory.forgetAll();
  await admin.query('delete from tenants');
});
afterAll(async () => {
  await closeDoors(doors);
  await admin.end();
  await database.drop();
});

const key = 'SB-Mid-server-0123456789';

/** A tenant as an operator adds one by SQL. */
async function add(columns: Record<string, unknown> = {}) {
  const row = { slug: `shop-${randomUUID().slice(0, 8)}`, midtrans_server_key: key, ...columns };
  const names = Object.keys(row);
  const { rows } = await admin.query(
    `insert into tenants (name, ${names.join(', ')})
     values ('Shop', ${names.map((_, index) => `$${index + 1}`).join(', ')}) returning id`,
    Object.values(row),
  );
  return { id: TenantId.parse(rows[0]?.id), slug: Slug.parse(row.slug) };
}

async function stored(id: string) {
  const { rows } = await admin.query(
    `select midtrans_server_key as key, midtrans_server_key_fingerprint as fingerprint,
            midtrans_server_key_end as "end", database_url as url from tenants where id = $1`,
    [id],
  );
  return rows[0];
}

const isSealed = expect.stringMatching(/^sealed:[A-Za-z0-9_-]+$/);

test('whoever reads a tenant first seals its key, and those who come later open it', async () => {
  const { id, slug } = await add();

  const first = await directory.findBySlug(slug);

  const row = await stored(id);
  expect(row).toMatchObject({ key: isSealed, end: '6789' });
  expect(row.fingerprint).toHaveLength(32);
  directory.forgetAll();
  const second = await directory.findBySlug(slug);
  const byId = await directory.find(id);
  for (const tenant of [first, second, byId]) {
    expect(tenant?.midtrans?.serverKey.reveal()).toBe(key);
  }
  expect((await stored(id)).key).toBe(row.key);
});

test('a start seals every column that holds a secret, and only what is one', async () => {
  const plain = await add({ database_url: 'postgresql://shop:hunter2@db/shop' });
  const elsewhere = await add({ midtrans_server_key: null, database_url: 'env:SHOP_DATABASE' });
  const empty = await add({ midtrans_server_key: '', database_url: '' });

  expect(await sealing.sealPlain()).toBe(2);
  expect(await sealing.sealPlain()).toBe(0);

  const row = await stored(plain.id);
  expect(row).toMatchObject({ key: isSealed, url: isSealed });
  const place = { table: 'tenants', column: 'database_url', rowId: plain.id };
  expect((await vault.unseal(plain.id, place, row.url)).reveal()).toContain('hunter2');
  expect(await stored(elsewhere.id)).toMatchObject({ key: null, url: 'env:SHOP_DATABASE' });
  expect(await stored(empty.id)).toMatchObject({ key: '', url: '' });
});

test('a start seals so many at once and no more, and the next one goes on', async () => {
  for (let n = 0; n < 5; n += 1) await add();

  expect(await sealing.sealPlain({ maxPerColumn: 3 })).toBe(3);
  expect(await sealing.sealPlain({ maxPerColumn: 3 })).toBe(2);
});

test('more values than a page holds are all sealed', async () => {
  await admin.query(
    `insert into tenants (slug, name, midtrans_server_key)
     select 'many-' || n, 'Many', 'SB-Mid-server-of-number-' || n from generate_series(1, 250) n`,
  );

  expect(await sealing.sealPlain()).toBe(250);

  const tenant = await directory.findBySlug(Slug.parse('many-217'));
  expect(tenant?.midtrans?.serverKey.reveal()).toBe('SB-Mid-server-of-number-217');
});

test('a value that somebody changed meanwhile is left as that one wrote it', async () => {
  const { id } = await add();
  const [column] = sealedColumns;
  const read = { tenantId: id, rowId: id, text: key };
  await admin.query(`update tenants set midtrans_server_key = 'changed' where id = $1`, [id]);

  expect(await sealing.sealValue(column, read)).toBe(false);
  expect((await stored(id)).key).toBe('changed');
});

test('two processes that read a plain key at once seal it once', async () => {
  const { id, slug } = await add();
  const other = await openKeys(doors.db);

  const both = await Promise.all([directory.findBySlug(slug), other.directory.findBySlug(slug)]);

  for (const tenant of both) expect(tenant?.midtrans?.serverKey.reveal()).toBe(key);
  const place = { table: 'tenants', column: 'midtrans_server_key', rowId: id };
  expect((await vault.unseal(id, place, (await stored(id)).key)).reveal()).toBe(key);
});

test('of a short key not even the end is told', async () => {
  const { id, slug } = await add({ midtrans_server_key: 'SB-Mid-server-short' });

  await directory.findBySlug(slug);

  expect((await stored(id)).end).toBeNull();
});

test('a plain key in the place of a sealed one is the key from now on, and sealed', async () => {
  const { id, slug } = await add();
  await directory.findBySlug(slug);
  const before = await stored(id);

  await admin.query(`update tenants set midtrans_server_key = 'SB-Mid-server-new' where id = $1`, [
    id,
  ]);
  directory.forgetAll();

  const tenant = await directory.findBySlug(slug);
  expect(tenant?.midtrans?.serverKey.reveal()).toBe('SB-Mid-server-new');
  const after = await stored(id);
  expect(after).toMatchObject({ key: isSealed, end: null });
  expect(after.fingerprint).not.toEqual(before.fingerprint);
});

const sharing: [string, (...ids: string[]) => Promise<unknown>][] = [
  ['both are plain', async () => undefined],
  ['both are sealed', () => sealing.sealPlain()],
  ['the other one is sealed', async (_, other) => directory.find(TenantId.parse(other))],
  // As a crash of the sweep leaves them.
  ['the one that asks is sealed', async (mine) => directory.find(TenantId.parse(mine))],
];

test.each(sharing)('that two tenants have one key is known when %s', async (_, arrange) => {
  const [mine, other, bystander] = [
    await add(),
    await add(),
    await add({ midtrans_server_key: 'SB-Mid-server-of-a-bystander' }),
  ];
  await arrange(mine.id, other.id);

  expect((await directory.find(mine.id))?.midtrans?.isShared).toBe(true);
  expect((await directory.find(other.id))?.midtrans?.isShared).toBe(true);
  expect((await directory.find(bystander.id))?.midtrans?.isShared).toBe(false);
});

test('a fingerprint of a key that was replaced by a plain one says nothing', async () => {
  const [mine, other] = [await add(), await add()];
  await sealing.sealPlain();

  await admin.query(`update tenants set midtrans_server_key = 'SB-Mid-server-new' where id = $1`, [
    other.id,
  ]);

  expect((await directory.find(mine.id))?.midtrans?.isShared).toBe(false);
});

test('two tenants with one merchant id share an account whatever their keys are', async () => {
  const mine = await add({ midtrans_merchant_id: 'G1', midtrans_server_key: 'SB-Mid-server-one' });
  await add({ midtrans_merchant_id: 'G1', midtrans_server_key: 'SB-Mid-server-two' });

  expect((await directory.find(mine.id))?.midtrans?.isShared).toBe(true);
});

test('the database takes no sealed key without its fingerprint', async () => {
  const { id } = await add();

  const update = admin.query(
    `update tenants set midtrans_server_key = 'sealed:x', midtrans_server_key_fingerprint = null
      where id = $1`,
    [id],
  );

  await expect(update).rejects.toMatchObject({ constraint: 'tenants_sealed_key_has_fingerprint' });
});

const damages: [string, string][] = [
  ['altered', `set midtrans_server_key = overlay(midtrans_server_key placing 'AAAA' from 60)`],
  ['cut short', `set midtrans_server_key = left(midtrans_server_key, 40)`],
  [
    "another tenant's",
    `set midtrans_server_key = (select o.midtrans_server_key from tenants o where o.id = $2)`,
  ],
  ['of nobody', `set midtrans_server_key = 'sealed:SB-Mid-server-0123456789'`],
];

test.each(damages)(
  'a key that is %s opens no account, and no other tenant suffers',
  async (_, change) => {
    const [mine, other] = [await add(), await add({ midtrans_server_key: 'SB-Mid-server-other' })];
    await sealing.sealPlain();
    const values = change.includes('$2') ? [mine.id, other.id] : [mine.id];
    await admin.query(`update tenants ${change} where id = $1`, values);
    const damaged = await stored(mine.id);

    const tenant = await directory.findBySlug(mine.slug);

    expect(tenant).toMatchObject({ id: mine.id, midtrans: undefined });
    expect(() => tenant && accountOf(tenant)).toThrow('no Midtrans server key that can be used');
    expect(await sealing.sealPlain()).toBe(0);
    expect(await stored(mine.id)).toEqual(damaged);
    const bystander = await directory.findBySlug(other.slug);
    expect(bystander?.midtrans?.serverKey.reveal()).toBe('SB-Mid-server-other');
  },
);

test('who holds a text whose key was destroyed reads the row once more', async () => {
  const { id } = await add();
  await sealing.sealPlain();
  const holder = await openKeys(doors.db);
  const before = (await stored(id)).key;
  await vault.succeed(id, 1);
  await sealing.reseal();
  await admin.query(
    `update data_keys set retired_at = now() - interval '2 days'
                      where tenant_id = $1 and version = 1`,
    [id],
  );
  expect(await sealing.destroyRetired()).toBe(1);

  const tenant = await holder.accounts.open({
    ...(await tenantAsRead(id)),
    midtrans: { ...(await accountAsRead(before)) },
  });

  expect(tenant.midtrans?.serverKey.reveal()).toBe(key);
  await expect(holder.vault.unseal(id, placeOf(id), before)).rejects.toMatchObject({
    reason: 'key-gone',
  });
});

const placeOf = (rowId: string) => ({ table: 'tenants', column: 'midtrans_server_key', rowId });

async function tenantAsRead(id: TenantId) {
  const tenant = await directory.find(id);
  if (!tenant) throw new Error('There is no such tenant.');
  return tenant;
}

async function accountAsRead(text: string) {
  const account = { environment: 'sandbox', merchantId: undefined, isShared: false } as const;
  return { ...account, serverKey: new Secret(text), hasPlainNeighbours: false };
}

test('a retired key is destroyed a day later, and never while something needs it', async () => {
  const { id } = await add();
  await sealing.sealPlain();
  const old = (await stored(id)).key;
  await vault.succeed(id, 1);
  const age = (interval: string) =>
    admin.query(
      `update data_keys set retired_at = now() - $2::interval where tenant_id = $1 and version = 1`,
      [id, interval],
    );

  await age('2 days');
  expect(await sealing.destroyRetired()).toBe(0);
  expect(await sealing.reseal()).toEqual({ resealed: 1, unreadable: 0 });
  await age('23 hours');
  expect(await sealing.destroyRetired()).toBe(0);
  expect((await vault.unseal(id, placeOf(id), old)).reveal()).toBe(key);
  await age('25 hours');
  expect(await sealing.destroyRetired()).toBe(1);

  const fresh = await openKeys(doors.db);
  await expect(fresh.vault.unseal(id, placeOf(id), old)).rejects.toMatchObject({
    reason: 'key-gone',
  });
  expect((await fresh.directory.find(id))?.midtrans?.serverKey.reveal()).toBe(key);
});
