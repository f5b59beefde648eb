import { afterAll, afterEach, expect, test, vi } from 'vitest';
import type { TenantTx, Transaction } from '../../src/db/database.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { tapWire } from '../support/wire-tap.ts';
import { addCustomer, addTenant, closeDoors, connect, look, openDoors } from './support/open.ts';

const database = await createTestDatabase();
const owner = await connect(database.owner);
const admin = await connect(database.admin);
const mine = await addTenant(owner, 'tenant-a');
const other = await addTenant(owner, 'tenant-b');
// As short as it gets: PostgreSQL waits this long before it looks for a deadlock.
await admin.query(
  `alter role kassa_app in database ${nameOf(database.app)} set deadlock_timeout = '5ms'`,
);
const doors = openDoors(database);
const { db } = doors;

afterEach(async () => {
  await admin.query('truncate customers cascade');
});
afterAll(async () => {
  await closeDoors(doors);
  await Promise.all([owner.end(), admin.end()]);
  await database.drop();
});

const kinds = [
  ['withTenant', db.withTenant],
  ['withTenantOnce', db.withTenantOnce],
] as const;

test.each(kinds)('%s commits what its work did, and answers its result', async (_, open) => {
  const answer = await open(mine, async (tx) => {
    await addCustomer(tx, 'a@shop.example');
    return 'done';
  });

  expect(answer).toBe('done');
  expect(await customers()).toEqual(['a@shop.example']);
});

test('withTenant rolls back when its work throws, and throws the same', async () => {
  const reason = new Error('changed my mind');

  const run = db.withTenant(mine, async (tx) => {
    await addCustomer(tx, 'a@shop.example');
    throw reason;
  });

  await expect(run).rejects.toBe(reason);
  expect(await customers()).toEqual([]);
});

test('withTenantOnce has committed when its one statement is answered', async () => {
  const reason = new Error('too late');

  const run = db.withTenantOnce(mine, async (tx) => {
    await addCustomer(tx, 'a@shop.example');
    throw reason;
  });

  await expect(run).rejects.toBe(reason);
  expect(await customers()).toEqual(['a@shop.example']);
});

test('withTenantOnce refuses a second statement', async () => {
  const run = db.withTenantOnce(mine, async (tx) => {
    await addCustomer(tx, 'a@shop.example');
    await addCustomer(tx, 'b@shop.example');
  });

  await expect(run).rejects.toThrow('takes one statement');
  expect(await customers()).toEqual(['a@shop.example']);
});

test('withPlatform commits, and rolls back when its work throws', async () => {
  const rename = (name: string) =>
    db.withPlatform(async (tx) => {
      await tx.query('update tenants set name = $2 where id = $1', [mine, name]);
      if (name === 'never') throw new Error('changed my mind');
    });

  await rename('Once');
  await expect(rename('never')).rejects.toThrow('changed my mind');

  expect((await owner.query('select name from tenants where id = $1', [mine])).rows).toEqual([
    { name: 'Once' },
  ]);
});

test('work that asks nothing opens nothing', async () => {
  const tap = await tapWire(database.app);
  const tapped = openDoors({ ...database, app: tap.url });
  await tapped.db.withTenant(mine, look);

  expect(await tap.roundTripsOf(() => tapped.db.withTenant(mine, async () => {}))).toBe(0);
  expect(await tap.roundTripsOf(() => tapped.db.withTenantOnce(mine, async () => {}))).toBe(0);

  await closeDoors(tapped);
  await tap.close();
});

test('work that swallows a failure does not commit in silence', async () => {
  const run = db.withTenant(mine, async (tx) => {
    await addCustomer(tx, 'a@shop.example');
    await addCustomer(tx, 'a@shop.example').catch(() => {});
  });

  await expect(run).rejects.toThrow('rolled back at commit');
  expect(await customers()).toEqual([]);
});

test('what the server finds wrong at commit is the error', async () => {
  await admin.query('create table slow_check (email text unique deferrable initially deferred)');
  await admin.query('grant insert on slow_check to kassa_app');
  const text = `insert into slow_check values ('a'), ('a')`;

  for (const [, open] of kinds) {
    await expect(open(mine, (tx) => tx.query(text))).rejects.toMatchObject({ code: '23505' });
  }

  expect((await admin.query('select from slow_check')).rowCount).toBe(0);
  await admin.query('drop table slow_check');
});

test.each(kinds)("%s throws the failed statement's own error", async (_, open) => {
  await db.withTenant(mine, (tx) => addCustomer(tx, 'a@shop.example'));

  const run = open(mine, (tx) => addCustomer(tx, 'a@shop.example'));

  await expect(run).rejects.toMatchObject({ code: '23505', constraint: 'customers_email_key' });
});

test('of statements sent together the one that failed is told, not its echo', async () => {
  await db.withTenant(mine, (tx) => addCustomer(tx, 'a@shop.example'));
  const sendAll = (tx: TenantTx) =>
    Promise.all([addCustomer(tx, 'a@shop.example'), look(tx), look(tx)]);

  await expect(db.withTenant(mine, sendAll)).rejects.toMatchObject({ code: '23505' });
  const sendLater = async (tx: TenantTx) => [await look(tx), await sendAll(tx)];
  await expect(db.withTenant(mine, sendLater)).rejects.toMatchObject({ code: '23505' });
});

test('what follows a failure that was swallowed is told the failure', async () => {
  const run = db.withTenant(mine, async (tx) => {
    await tx.query('select 1 / 0').catch(() => {});
    await look(tx);
  });

  await expect(run).rejects.toMatchObject({ code: '22012' });
});

test.each(kinds)('%s tells when the tenant could not be set', async (_, open) => {
  const notAnId = 'not-a-uuid' as typeof mine;

  await expect(open(notAnId, look)).rejects.toMatchObject({ code: '22P02' });
});

test.each(kinds)('%s survives a value that cannot be sent', async (_, open) => {
  const endless: Record<string, unknown> = {};
  endless.self = endless;

  const run = open(mine, (tx) => tx.query('select $1::text', [endless]));

  await expect(run).rejects.toThrow('circular');
  expect(await open(mine, look)).toEqual({ tenant: mine, customers: '0' });
});

test('a transaction that somebody kept is refused once it is over', async () => {
  const kept: TenantTx[] = [];
  for (const [, open] of kinds) {
    await open(mine, async (tx) => void kept.push(tx));
  }
  await expect(
    db.withTenant(mine, async (tx) => {
      kept.push(tx);
      throw new Error('changed my mind');
    }),
  ).rejects.toThrow('changed my mind');

  // With one connection, what they send would run in the other tenant's transaction.
  await db.withTenant(other, async (tx) => {
    await look(tx);
    for (const stale of kept) await expect(look(stale)).rejects.toThrow('is over');
  });
  expect(kept).toHaveLength(3);
});

test('a tenant cannot be changed within a transaction', async () => {
  const run = db.withTenant(mine, async (tx) => {
    await tx.query('select app.set_tenant($1)', [mine]);
    await tx.query('select app.set_tenant($1)', [other]);
  });

  await expect(run).rejects.toMatchObject({ code: '28000', message: /belongs to another tenant/ });
});

test('a transaction without a tenant cannot be asked for', async () => {
  const nobody = null as unknown as typeof mine;

  await expect(db.withTenant(nobody, look)).rejects.toMatchObject({ code: '28000' });
});

test('work that a deadlock ended is run again', async () => {
  const wide = openDoors({ ...database, max: 2 });
  await db.withTenant(mine, (tx) => addCustomer(tx, 'a@shop.example'));
  await db.withTenant(mine, (tx) => addCustomer(tx, 'b@shop.example'));
  const bothHoldOne = Promise.withResolvers<void>();
  let tries = 0;
  let held = 0;

  const lockInOrder = (first: string, second: string) =>
    wide.db.withTenant(mine, async (tx) => {
      tries += 1;
      // The one that is run again takes the other's order, so that they cannot meet once more.
      const emails = tries <= 2 ? [first, second] : [second, first];
      for (const email of emails) {
        await tx.query('select from customers where email = $1 for update', [email]);
        held += 1;
        if (held === 2) bothHoldOne.resolve();
        await bothHoldOne.promise;
      }
      await tx.query(`update customers set name = name || '!'`);
    });
  await Promise.all([
    lockInOrder('a@shop.example', 'b@shop.example'),
    lockInOrder('b@shop.example', 'a@shop.example'),
  ]);

  expect(tries).toBe(3);
  expect((await admin.query('select distinct name from customers')).rows).toEqual([
    { name: 'A!!' },
  ]);
  await closeDoors(wide);
});

test.each<[string, (work: Work) => Promise<unknown>]>([
  ['withTenant', (work) => db.withTenant(mine, work)],
  ['withTenantOnce', (work) => db.withTenantOnce(mine, work)],
  ['withPlatform', (work) => db.withPlatform(work)],
])('%s gives up after three conflicts', async (_, open) => {
  const work = vi.fn((tx: Transaction) =>
    tx.query(`do $$ begin raise exception using errcode = '40001'; end $$`),
  );

  await expect(open(work)).rejects.toMatchObject({ code: '40001' });
  expect(work).toHaveBeenCalledTimes(3);
});

type Work = (tx: Transaction) => Promise<unknown>;

async function customers(): Promise<string[]> {
  const { rows } = await admin.query('select email from customers order by email');
  return rows.map(({ email }) => email);
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}
