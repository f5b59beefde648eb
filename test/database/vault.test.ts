import { randomBytes, randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { TenantId } from '../../src/domain/ids.ts';
import { platformOwner } from '../../src/domain/sealed-columns.ts';
import { Secret } from '../../src/domain/secret.ts';
import type { MasterKeys } from '../../src/providers/keys/master-keys.ts';
import { openVault } from '../../src/services/vault.ts';
import { masterKeyOf, testMasterKeys } from '../support/master-keys.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { openKeys } from './support/keys.ts';
import { closeDoors, connect, openDoors } from './support/open.ts';

const database = await createTestDatabase();
const admin = await connect(database.admin);
const doors = openDoors({ ...database, max: 4 });
const { vault, masterKeys } = await openKeys(doors.db);
const tenant = newTenant();
const place = { table: 'tenants', column: 'midtrans_server_key', rowId: tenant };
const secret = 'SB-Mid-server-hunter2-hunter2';

afterAll(async () => {
  await closeDoors(doors);
  await admin.end();
  await database.drop();
});

function newTenant(): TenantId {
  return TenantId.parse(randomUUID());
}

const bytesOf = (text: string) => Buffer.from(text.slice('sealed:'.length), 'base64url');
const textOf = (bytes: Buffer) => `sealed:${bytes.toString('base64url')}`;

async function reasonOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => 'it was opened',
    (thrown: Error & { reason?: string }) => thrown,
  );
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('hunter2');
  return typeof error === 'string' ? error : (error.reason ?? error.message);
}

test('what was sealed is opened, by this process and by one that has just started', async () => {
  const text = await vault.seal(tenant, place, new Secret(secret));
  const other = await openKeys(doors.db);

  expect(text).toMatch(/^sealed:[A-Za-z0-9_-]+$/);
  expect(text).not.toContain('hunter2');
  expect(bytesOf(text).toString('latin1')).not.toContain('hunter2');
  expect((await vault.unseal(tenant, place, text)).reveal()).toBe(secret);
  expect((await other.vault.unseal(tenant, place, text)).reveal()).toBe(secret);
});

test.each(['', 'x', 'å🎬', 'y'.repeat(60), 'y'.repeat(61), 'z'.repeat(5_000)])(
  'a secret of %# comes back to the letter',
  async (plain) => {
    const text = await vault.seal(tenant, place, new Secret(plain));

    expect((await vault.unseal(tenant, place, text)).reveal()).toBe(plain);
  },
);

test('the length of a short secret cannot be told', async () => {
  const lengths = await Promise.all(
    ['', 'x', 'SB-Mid-server-1', 'y'.repeat(60)].map(
      async (plain) => (await vault.seal(tenant, place, new Secret(plain))).length,
    ),
  );

  expect(new Set(lengths).size).toBe(1);
});

test('a text opens for its own tenant, table, column and row, and nowhere else', async () => {
  const text = await vault.seal(tenant, place, new Secret(secret));
  const stranger = newTenant();
  await vault.seal(stranger, place, new Secret('of its own'));

  const swapped: [TenantId, typeof place][] = [
    [stranger, place],
    [platformOwner, place],
    [tenant, { ...place, table: 'platform_secrets' }],
    [tenant, { ...place, column: 'database_url' }],
    [tenant, { ...place, rowId: stranger }],
    // The same characters, cut elsewhere.
    [tenant, { ...place, table: 'tenantsm', column: 'idtrans_server_key' }],
  ];

  for (const [owner, where] of swapped) {
    expect(await reasonOf(vault.unseal(owner, where, text))).toBe('altered');
  }
});

test('a text opens for no other tenant, even if two had the same data key', async () => {
  const shared = randomBytes(32);
  const unwrap: MasterKeys['unwrap'] = async (wrapped, name) =>
    name.tenantId === platformOwner ? masterKeys.unwrap(wrapped, name) : shared;
  const careless = await openVault({ db: doors.db, masterKeys: { ...masterKeys, unwrap } });
  const [owner, stranger] = [newTenant(), newTenant()];
  const text = await careless.seal(owner, place, new Secret(secret));
  await careless.seal(stranger, place, new Secret('of its own'));

  const reason = await reasonOf(careless.unseal(stranger, place, text));

  expect((await careless.unseal(owner, place, text)).reveal()).toBe(secret);
  expect(reason).toBe('altered');
  // What it wrapped is the real key, which none of the texts opens with.
  await admin.query('delete from data_keys where tenant_id = any($1)', [[owner, stranger]]);
});

test('with any bit of it flipped it is refused', async () => {
  const text = await vault.seal(tenant, place, new Secret(secret));
  const bytes = bytesOf(text);
  let tries = 0;

  for (let at = 0; at < bytes.length; at += 1) {
    for (const bit of [0x01, 0x80]) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ bit;
      const reason = await reasonOf(vault.unseal(tenant, place, textOf(flipped)));
      expect(['malformed', 'key-gone', 'altered'], `byte ${at}`).toContain(reason);
      tries += 1;
    }
  }
  expect(tries).toBe(2 * bytes.length);
  expect(tries).toBeGreaterThan(200);
});

test('with any character of it changed, dropped or added it is refused', async () => {
  const text = await vault.seal(tenant, place, new Secret(secret));

  for (let at = 'sealed:'.length; at < text.length; at += 1) {
    const [before, after] = [text.slice(0, at), text.slice(at + 1)];
    const other = text[at] === 'A' ? 'B' : 'A';
    for (const altered of [`${before}${other}${after}`, `${before}${after}`]) {
      const reason = await reasonOf(vault.unseal(tenant, place, altered));
      expect(['malformed', 'key-gone', 'altered']).toContain(reason);
    }
  }
  for (const altered of [`${text}A`, `${text}=`, `${text} `, `${text}\n`, text.toUpperCase()]) {
    expect(['malformed', 'altered']).toContain(
      await reasonOf(vault.unseal(tenant, place, altered)),
    );
  }
});

test('cut at any length it is refused, the tag above all', async () => {
  const bytes = bytesOf(await vault.seal(tenant, place, new Secret(secret)));

  for (let length = 0; length < bytes.length; length += 1) {
    const reason = await reasonOf(vault.unseal(tenant, place, textOf(bytes.subarray(0, length))));
    expect(['malformed', 'altered']).toContain(reason);
  }
  // A tag of four bytes, which Node takes unless it is told otherwise.
  const tagAt = bytes.length - 64 - 16;
  const short = Buffer.concat([bytes.subarray(0, tagAt + 4), bytes.subarray(tagAt + 16)]);
  expect(await reasonOf(vault.unseal(tenant, place, textOf(short)))).toBe('altered');
});

test.each([0, 2, 255])('a text of format %i is refused', async (format) => {
  const bytes = bytesOf(await vault.seal(tenant, place, new Secret(secret)));
  bytes[0] = format;

  expect(await reasonOf(vault.unseal(tenant, place, textOf(bytes)))).toBe('malformed');
});

test('it opens with the key version that sealed it, and with no older or newer one', async () => {
  const owner = newTenant();
  const old = await vault.seal(owner, place, new Secret(secret));
  expect(await vault.succeed(owner, 1)).toBe(true);
  const current = await vault.seal(owner, place, new Secret(secret));
  const versionAt = 2 + 'test1'.length;
  const relabelled = (text: string, version: number) => {
    const bytes = bytesOf(text);
    bytes.writeUInt32BE(version, versionAt);
    return textOf(bytes);
  };

  expect(bytesOf(old).readUInt32BE(versionAt)).toBe(1);
  expect(bytesOf(current).readUInt32BE(versionAt)).toBe(2);
  expect((await vault.unseal(owner, place, old)).reveal()).toBe(secret);
  expect((await vault.unseal(owner, place, current)).reveal()).toBe(secret);
  expect(await reasonOf(vault.unseal(owner, place, relabelled(old, 2)))).toBe('altered');
  expect(await reasonOf(vault.unseal(owner, place, relabelled(current, 1)))).toBe('altered');
  expect(await reasonOf(vault.unseal(owner, place, relabelled(current, 3)))).toBe('key-gone');
});

test.each([
  ['altered', `set wrapped = overlay(wrapped placing '\\x00'::bytea from 20)`],
  ['of another tenant', 'set wrapped = (select wrapped from data_keys where tenant_id = $2)'],
  ['of another version', 'set version = 7'],
  ['under another master key', `set kek_id = 'k9'`],
])('a data key that is %s opens nothing', async (what, change) => {
  const [owner, other] = [newTenant(), newTenant()];
  const text = await vault.seal(owner, place, new Secret(secret));
  await vault.seal(other, place, new Secret(secret));
  const fresh = await openKeys(doors.db, {
    masterKeys: `${testMasterKeys},${masterKeyOf('k9')}`,
  });
  const values = change.includes('$2') ? [owner, other] : [owner];
  await admin.query(`update data_keys ${change} where tenant_id = $1`, values);

  const reason = await reasonOf(fresh.vault.unseal(owner, place, text));

  expect(reason).toBe(what === 'of another version' ? 'key-gone' : 'master-key');
  await admin.query('delete from data_keys where tenant_id = $1', [owner]);
});

test('what is plain is never taken for something sealed', async () => {
  expect(await reasonOf(vault.unseal(tenant, place, secret))).toBe('malformed');
  expect(await reasonOf(vault.unseal(tenant, place, ''))).toBe('malformed');
  expect(await reasonOf(vault.unseal(tenant, place, 'sealed:'))).toBe('malformed');
});

test('every encryption has an IV and a text of its own, and is counted', async () => {
  const owner = newTenant();
  const ivAt = 2 + 'test1'.length + 4;
  const ivs = new Set<string>();
  const texts = new Set<string>();

  for (let round = 0; round < 10; round += 1) {
    const sealed = await Promise.all(
      Array.from({ length: 100 }, () => vault.seal(owner, place, new Secret(secret))),
    );
    for (const text of sealed) {
      ivs.add(bytesOf(text).toString('hex', ivAt, ivAt + 12));
      texts.add(text);
    }
  }

  expect(ivs.size).toBe(1_000);
  expect(texts.size).toBe(1_000);
  const { rows } = await admin.query('select version, seals from data_keys where tenant_id = $1', [
    owner,
  ]);
  expect(rows).toEqual([{ version: 1, seals: '1000' }]);
});

test('a data key that has sealed enough is followed by a new one', async () => {
  const owner = newTenant();
  const limited = await openKeys(doors.db, { sealsPerKey: 3 });
  const texts: string[] = [];

  for (let n = 0; n < 7; n += 1) {
    texts.push(await limited.vault.seal(owner, place, new Secret(`${secret} ${n}`)));
  }

  const { rows } = await admin.query(
    `select version, seals, retired_at is not null as is_retired from data_keys
      where tenant_id = $1 order by version`,
    [owner],
  );
  expect(rows).toEqual([
    { version: 1, seals: '3', is_retired: true },
    { version: 2, seals: '3', is_retired: true },
    { version: 3, seals: '1', is_retired: false },
  ]);
  for (const [n, text] of texts.entries()) {
    expect((await vault.unseal(owner, place, text)).reveal()).toBe(`${secret} ${n}`);
  }
});

test('two that seal first for a tenant use one key, and a fingerprint is the same for both', async () => {
  const owner = newTenant();
  const [one, other] = await Promise.all([openKeys(doors.db), openKeys(doors.db)]);

  const texts = await Promise.all(
    [one, other, one, other].map((keys) => keys.vault.seal(owner, place, new Secret(secret))),
  );

  for (const text of texts) {
    expect((await vault.unseal(owner, place, text)).reveal()).toBe(secret);
  }
  const { rows } = await admin.query('select version from data_keys where tenant_id = $1', [owner]);
  expect(rows).toEqual([{ version: 1 }]);
  const [a, b] = [one, other].map((keys) => keys.vault.fingerprint(place, new Secret(secret)));
  expect(a).toEqual(b);
  expect(a).not.toEqual(one.vault.fingerprint(place, new Secret(`${secret}x`)));
  expect(a).not.toEqual(
    one.vault.fingerprint({ ...place, column: 'database_url' }, new Secret(secret)),
  );
});

test('processes that start at once on an empty database agree on its keys', async () => {
  const empty = await createTestDatabase();
  const theirs = openDoors({ ...empty, max: 4 });

  const started = await Promise.all([1, 2, 3, 4].map(() => openKeys(theirs.db)));

  const prints = started.map((keys) => keys.vault.fingerprint(place, new Secret(secret)));
  expect(new Set(prints.map((print) => print.toString('hex'))).size).toBe(1);
  await closeDoors(theirs);
  await empty.drop();
});

test('without the master key of a database nothing starts, and it is said what to do', async () => {
  const missing = { masterKeys: masterKeyOf('k2') };
  const wrong = { masterKeys: `test1:${randomBytes(32).toString('base64')}` };

  await expect(openKeys(doors.db, missing)).rejects.toThrow(
    /will not start: .* master key "test1", which is not given. Add it to MASTER_KEYS or to the MASTER_KEY_FILE/,
  );
  await expect(openKeys(doors.db, wrong)).rejects.toThrow(
    /will not start: the master key "test1" of MASTER_KEYS or MASTER_KEY_FILE is not the one .* Put the right one back/,
  );
});

test('one damaged data key does not keep everybody from starting', async () => {
  const owner = newTenant();
  await vault.seal(owner, place, new Secret(secret));
  await admin.query(
    `update data_keys set wrapped = decode(repeat('00', 60), 'hex') where tenant_id = $1`,
    [owner],
  );

  await expect(openKeys(doors.db)).resolves.toBeDefined();
});
