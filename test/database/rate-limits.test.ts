import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { accountAt, type Limit, type LimitName, limits } from '../../src/domain/limits.ts';
import { createRateLimits } from '../../src/services/rate-limits.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { closeDoors, connect, log, openDoors } from './support/open.ts';

// Ten points, of which a process counts two by itself where the limit is `local-first`.
const small = Object.fromEntries(
  Object.entries(limits).map(([name, limit]) => [name, { ...limit, points: 10 }]),
) as Record<LimitName, Limit>;
const strict = 'sign-in-account';
const localFirst = 'create-tenant';

const database = await createTestDatabase();
const admin = await connect(database.admin);
const doors = openDoors({ ...database, max: 4 });

beforeEach(async () => {
  await admin.query('delete from rate_limits');
});
afterAll(async () => {
  await Promise.all([closeDoors(doors), admin.end()]);
  await database.drop();
});

/** What one process of several holds in its memory. */
const startLimits = () => createRateLimits({ db: doors.db, log, limits: small });
type Process = ReturnType<typeof startLimits>;

/** How many of so many tries are let through. */
async function passed(process: Process, name: LimitName, key: string, tries: number) {
  const results = await Promise.allSettled(
    Array.from({ length: tries }, () => process.take(name, key)),
  );
  return results.filter(({ status }) => status === 'fulfilled').length;
}

async function countedRows(): Promise<{ key: string; points: number }[]> {
  return (await admin.query('select key, points from rate_limits order by key')).rows;
}

test.each([strict, localFirst] as const)(
  '%s: what is one too many is refused, and says when to come again',
  async (name) => {
    const process = startLimits();
    const key = randomUUID();

    expect(await passed(process, name, key, 10)).toBe(10);

    await expect(process.take(name, key)).rejects.toMatchObject({
      code: 'too-many-requests',
      status: 429,
      retryAfter: limits[name].seconds,
    });
    expect(await passed(process, name, randomUUID(), 1)).toBe(1);
  },
);

test.each([
  [strict, 10],
  // The share of one process, which has not reported it.
  [localFirst, 12],
] as const)('%s: three processes share one count', async (name, most) => {
  const processes = [startLimits(), startLimits(), startLimits()];
  const key = randomUUID();
  let total = 0;

  for (let round = 0; round < 10; round += 1) {
    for (const process of processes) total += await passed(process, name, key, 1);
  }

  expect(total).toBeGreaterThanOrEqual(10);
  expect(total).toBeLessThanOrEqual(most);
});

test('what happens at once is counted one by one', async () => {
  const processes = [startLimits(), startLimits()];
  const key = randomUUID();

  const totals = await Promise.all(processes.map((each) => passed(each, strict, key, 30)));

  expect(totals.reduce((sum, each) => sum + each)).toBe(10);
});

test('ordinary traffic costs no query, and a process reports its share at once', async () => {
  const process = startLimits();
  const key = randomUUID();

  await passed(process, localFirst, key, 2);
  expect(await countedRows()).toEqual([]);

  await passed(process, localFirst, key, 1);
  expect(await countedRows()).toMatchObject([{ points: 3 }]);
});

test('who goes on after the refusal costs no query', async () => {
  const process = startLimits();
  const key = randomUUID();
  await passed(process, strict, key, 11);
  const query = vi.spyOn(doors.db, 'withPlatformOnce');
  onTestFinished(() => query.mockRestore());

  expect(await passed(process, strict, key, 50)).toBe(0);
  await expect(process.check(strict, key)).rejects.toMatchObject({ code: 'too-many-requests' });

  expect(query).not.toHaveBeenCalled();
  expect(await countedRows()).toMatchObject([{ points: 11 }]);
});

test.each([strict, localFirst] as const)(
  '%s: a look counts nothing and refuses what the next try would be refused',
  async (name) => {
    const process = startLimits();
    const key = randomUUID();

    await passed(process, name, key, 9);
    for (let looks = 0; looks < 20; looks += 1) await process.check(name, key);
    expect(await passed(process, name, key, 1)).toBe(1);

    await expect(process.check(name, key)).rejects.toMatchObject({ code: 'too-many-requests' });
  },
);

test('a success begins the count anew, for every process', async () => {
  const [here, there] = [startLimits(), startLimits()];
  const key = randomUUID();
  await passed(here, strict, key, 11);

  await here.forgive(strict, key);

  expect(await passed(here, strict, key, 5)).toBe(5);
  expect(await passed(there, strict, key, 20)).toBe(5);
});

test('a window that is over is no hindrance', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const process = startLimits();
  const key = randomUUID();
  for (const name of [strict, localFirst] as const) {
    expect(await passed(process, name, key, 20)).toBe(10);

    vi.setSystemTime(Date.now() + limits[name].seconds * 1_000 + 1);

    expect(await passed(process, name, key, 20)).toBe(10);
  }
});

test.each([
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', 'an address of the same /64'],
  ['203.0.113.7', '::ffff:203.0.113.7', 'an IPv4 address in IPv6 dress'],
  ['2001:DB8:1:2::1', '2001:db8:1:2::1', 'another letter case'],
])('%s and %s are one: %s', async (first, second) => {
  const process = startLimits();
  await passed(process, 'sign-in-address', first, 10);

  expect(await passed(process, 'sign-in-address', second, 1)).toBe(0);
});

test('an account is one in any letter case, and is not used up at another address', async () => {
  const process = startLimits();
  const name = 'sign-in-account-address';
  await passed(process, name, accountAt('owner@shop.example', '203.0.113.7'), 10);

  const again = await passed(process, name, accountAt('Owner@Shop.Example ', '203.0.113.7'), 1);
  const elsewhere = await passed(process, name, accountAt('owner@shop.example', '203.0.113.8'), 1);

  expect([again, elsewhere]).toEqual([0, 1]);
});

test('neither addresses nor accounts stand in the table', async () => {
  const process = startLimits();

  await process.take(strict, 'owner@shop.example');
  await process.take('sign-in-address', '203.0.113.7');

  const text = JSON.stringify(await countedRows());
  expect(text).toContain('sign-in-account:');
  expect(text).not.toMatch(/owner|203\.0/);
});

test('while the database is away, each process counts by itself', async () => {
  const away = openDoors({ ...database, max: 1 });
  await closeDoors(away);
  const process = createRateLimits({ db: away.db, log, limits: small });
  const key = randomUUID();

  expect(await passed(process, strict, key, 20)).toBe(10);
  expect(await passed(process, localFirst, key, 20)).toBe(10);
  await expect(process.check(strict, key)).rejects.toMatchObject({ code: 'too-many-requests' });
  await process.check(strict, randomUUID());
  await process.forgive(strict, key);
  await process.check(strict, key);
});

test('counts that are over are cleared, and no others', async () => {
  const process = startLimits();
  await process.take(strict, 'over');
  await admin.query(`update rate_limits set expire = expire - 7200000`);
  await process.take(strict, 'running');

  expect(await process.sweep()).toBe(1);

  expect(await countedRows()).toHaveLength(1);
  expect(await process.sweep()).toBe(0);
});
