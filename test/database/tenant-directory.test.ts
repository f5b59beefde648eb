import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, expect, onTestFinished, test } from 'vitest';
import type { Db } from '../../src/db/database.ts';
import { listen } from '../../src/db/listener.ts';
import { Slug, TenantId } from '../../src/domain/ids.ts';
import { createTenantDirectory } from '../../src/services/tenants.ts';
import { eventually } from '../support/eventually.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { openKeys } from './support/keys.ts';
import { addTenant, closeDoors, connect, log, openDoors } from './support/open.ts';

const database = await createTestDatabase();
const admin = await connect(database.admin);
const doors = openDoors({ ...database, max: 4 });
const { accounts } = await openKeys(doors.db);
const shop = Slug.parse('shop');
const shopId = await addTenant(admin, 'shop');

// Its first reader seals its key, which is a change like others.
await createTenantDirectory({ db: doors.db, accounts }).findBySlug(shop);

afterEach(async () => {
  await rename('shop');
});
afterAll(async () => {
  await closeDoors(doors);
  await admin.end();
  await database.drop();
});

test('a tenant is read once and then remembered', async () => {
  const { directory, reads } = countingDirectory();

  const first = await directory.findBySlug(shop);
  const second = await directory.findBySlug(shop);

  expect(first).toMatchObject({ id: shopId, name: 'shop' });
  expect(second).toBe(first);
  expect(reads()).toBe(1);
});

test('fifty requests that miss at once share one read', async () => {
  const { directory, reads } = countingDirectory();

  const found = await Promise.all(Array.from({ length: 50 }, () => directory.findBySlug(shop)));

  expect(new Set(found).size).toBe(1);
  expect(reads()).toBe(1);
});

test('a read that fails is not remembered, and fails all that shared it', async () => {
  const { directory, failNext } = countingDirectory();
  failNext();

  const found = await Promise.allSettled([directory.findBySlug(shop), directory.findBySlug(shop)]);

  expect(found.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await directory.findBySlug(shop)).toMatchObject({ id: shopId });
});

test('a name that nobody has is asked for once, and served as soon as somebody has it', async () => {
  const { directory, reads, heard } = await hearingDirectory();
  const slug = Slug.parse('newcomer');
  expect(await directory.findBySlug(slug)).toBeUndefined();
  expect(await directory.findBySlug(slug)).toBeUndefined();
  expect(reads()).toBe(1);

  // Without a key, for to seal one is a change that would be heard of, too.
  const { rows } = await admin.query(
    `insert into tenants (slug, name) values ($1, 'A newcomer') returning id`,
    [slug],
  );
  const id = rows[0]?.id;

  await eventually(() => expect(heard).toEqual([id]));
  expect(await directory.findBySlug(slug)).toMatchObject({ id });
  expect(reads()).toBe(2);
  await admin.query('delete from tenants where id = $1', [id]);
});

test('a name that nobody had is asked for again after a gap, and after a moment', async () => {
  const { directory, reads } = countingDirectory({ unknownTtlMs: 50 });
  const slug = Slug.parse('latecomer');
  await directory.findBySlug(slug);

  directory.forgetAll();
  await directory.findBySlug(slug);
  expect(reads()).toBe(2);

  await eventually(async () => {
    await directory.findBySlug(slug);
    expect(reads()).toBe(3);
  });
});

test('strangers who guess many names fill no memory', async () => {
  const { directory, reads } = countingDirectory();
  const first = Slug.parse('guess-0');
  await directory.findBySlug(first);
  const guesses = Array.from({ length: 1_000 }, (_, n) => Slug.parse(`guess-${n + 1}`));
  for (let at = 0; at < guesses.length; at += 50) {
    await Promise.all(guesses.slice(at, at + 50).map(directory.findBySlug));
  }

  await directory.findBySlug(first);

  expect(reads()).toBe(1_002);
});

test('a tenant that somebody changed by SQL is read again', async () => {
  const { directory, reads } = await hearingDirectory();
  await directory.findBySlug(shop);

  await rename('Renamed');

  await eventually(async () => {
    expect(await directory.findBySlug(shop)).toMatchObject({ name: 'Renamed' });
  });
  expect(reads()).toBe(2);
});

test.each([
  ['renamed away', `update tenants set slug = 'moved' where slug = 'passing'`],
  ['deleted', `delete from tenants where slug = 'passing'`],
])('a tenant that was %s is gone', async (_, statement) => {
  await addTenant(admin, 'passing');
  const { directory } = await hearingDirectory();
  expect(await directory.findBySlug(Slug.parse('passing'))).toBeDefined();

  await admin.query(statement);

  await eventually(async () => {
    expect(await directory.findBySlug(Slug.parse('passing'))).toBeUndefined();
  });
  await admin.query(`delete from tenants where slug in ('passing', 'moved')`);
});

test('the change of one tenant leaves what is known of the others', async () => {
  const { directory, reads, heard } = await hearingDirectory();
  const bystander = await addTenant(admin, 'bystander');
  await eventually(() => expect(heard).toContain(bystander));
  await directory.findBySlug(shop);

  await admin.query(`update tenants set name = 'B' where id = $1`, [bystander]);
  await eventually(() => expect(heard).toHaveLength(2));
  await directory.findBySlug(shop);

  expect(reads()).toBe(1);
  await admin.query('delete from tenants where id = $1', [bystander]);
});

test('a message names the tenant and tells nothing else', async () => {
  const { heard } = await hearingDirectory();

  await rename('A name that nobody else may hear');

  await eventually(() => expect(heard).toEqual([shopId]));
});

test('what was changed while the listener was away is found when it is back', async () => {
  const { directory, gaps } = await hearingDirectory();
  await directory.findBySlug(shop);

  await killListeners();
  await rename('Changed meanwhile');

  await eventually(() => expect(gaps()).toBe(1));
  expect(await directory.findBySlug(shop)).toMatchObject({ name: 'Changed meanwhile' });
});

test('a listener that came back hears again, however often it was away', async () => {
  const { directory, gaps } = await hearingDirectory();
  for (const times of [1, 2]) {
    await killListeners();
    await eventually(() => expect(gaps()).toBe(times));
  }
  await directory.findBySlug(shop);

  await rename('Heard');

  await eventually(async () => {
    expect(await directory.findBySlug(shop)).toMatchObject({ name: 'Heard' });
  });
});

test('what was read before a change is neither answered nor remembered', async () => {
  const { directory, reads, afterRead } = countingDirectory();
  afterRead(async () => {
    await rename('New');
    directory.forget(shopId);
  });

  expect(await directory.findBySlug(shop)).toMatchObject({ name: 'New' });
  expect(await directory.findBySlug(shop)).toMatchObject({ name: 'New' });
  expect(reads()).toBe(2);
});

test('what was read before a gap is neither answered nor remembered', async () => {
  const { directory, afterRead } = countingDirectory();
  afterRead(async () => {
    await rename('New');
    directory.forgetAll();
  });

  expect(await directory.findBySlug(shop)).toMatchObject({ name: 'New' });
});

test('a storm of changes is answered without being remembered', async () => {
  const { directory, reads, afterEveryRead } = countingDirectory();
  afterEveryRead(() => directory.forget(randomUUID()));

  expect(await directory.findBySlug(shop)).toMatchObject({ id: shopId });
  expect(reads()).toBe(3);
  expect(await directory.findBySlug(shop)).toMatchObject({ id: shopId });
  expect(reads()).toBe(6);
});

test('only so many tenants are remembered, the ones used last', async () => {
  const { directory, reads } = countingDirectory({ maxEntries: 2 });
  const others = [Slug.parse('second'), Slug.parse('third')];
  for (const slug of others) await addTenant(admin, slug);

  for (const slug of [shop, ...others]) await directory.findBySlug(slug);
  expect(reads()).toBe(3);
  for (const slug of others) await directory.findBySlug(slug);
  expect(reads()).toBe(3);
  await directory.findBySlug(shop);
  expect(reads()).toBe(4);

  await admin.query(`delete from tenants where slug in ('second', 'third')`);
});

test('no tenant is believed for longer than the limit, also when nobody tells', async () => {
  const { directory } = countingDirectory({ ttlMs: 1 });
  await directory.findBySlug(shop);

  await rename('Untold');

  await eventually(async () => {
    expect(await directory.findBySlug(shop)).toMatchObject({ name: 'Untold' });
  });
});

test('jobs read a tenant anew each time, and nobody for an unknown id', async () => {
  const { directory, reads } = countingDirectory();

  await directory.find(shopId);
  expect(await directory.find(shopId)).toMatchObject({ slug: 'shop' });
  expect(await directory.find(TenantId.parse(randomUUID()))).toBeUndefined();
  expect(reads()).toBe(3);
});

type Options = {
  readonly maxEntries?: number;
  readonly ttlMs?: number;
  readonly unknownTtlMs?: number;
};

/** A directory whose reads are counted, and after which something can happen before the answer. */
function countingDirectory(options: Options = {}) {
  let reads = 0;
  let afterThis: (() => unknown) | undefined;
  let afterEach: (() => unknown) | undefined;
  const withPlatform: Db['withPlatform'] = async (work) => {
    reads += 1;
    const answer = await doors.db.withPlatform(work);
    const happens = afterThis ?? afterEach;
    afterThis = undefined;
    await happens?.();
    return answer;
  };
  return {
    directory: createTenantDirectory({ ...options, db: { ...doors.db, withPlatform }, accounts }),
    reads: () => reads,
    afterRead: (happens: () => unknown) => {
      afterThis = happens;
    },
    afterEveryRead: (happens: () => unknown) => {
      afterEach = happens;
    },
    failNext: () => {
      afterThis = () => Promise.reject(new Error('the database is away'));
    },
  };
}

/** A directory that hears of changes as the server's does. */
async function hearingDirectory() {
  const { directory, reads } = countingDirectory();
  const heard: string[] = [];
  let gaps = 0;
  const { close } = await listen({
    url: database.platform,
    channel: 'kassa_tenants',
    log,
    onMessage: (id) => {
      heard.push(id);
      directory.forget(id);
    },
    onGap: () => {
      gaps += 1;
      directory.forgetAll();
    },
  });
  onTestFinished(close);
  return { directory, reads, heard, gaps: () => gaps };
}

async function rename(name: string): Promise<void> {
  await admin.query('update tenants set name = $2 where id = $1 and name <> $2', [shopId, name]);
}

async function killListeners(): Promise<void> {
  const { rowCount } = await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'kassa-listener'`);
  expect(rowCount).toBe(1);
}
