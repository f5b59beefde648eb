import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TenantTx, Transaction } from '../../src/db/database.ts';
import { platformChain } from '../../src/domain/audit.ts';
import { bySystem } from '../../src/domain/caller.ts';
import type { TenantId } from '../../src/domain/ids.ts';
import { append, genesis } from '../../src/repositories/audit-entries.ts';
import { eventually } from '../support/eventually.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { tapWire } from '../support/wire-tap.ts';
import { addCustomer, addTenant, closeDoors, connect, openDoors } from './support/open.ts';

const database = await createTestDatabase();
const admin = await connect(database.admin);
const owner = await connect(database.owner);
const tap = await tapWire(database.app);
const doors = openDoors({ ...database, app: tap.url, max: 12 });
const { db } = doors;
const mine = await addTenant(owner, 'tenant-a');
const theirs = await addTenant(owner, 'tenant-b');

const event = { action: 'stats.rebuilt', subject: { kind: 'test', id: '1' } } as const;
const origin = bySystem('test', 'request');

beforeAll(async () => {
  for (const tenant of [mine, theirs]) {
    await db.withTenant(tenant, (tx) => append(tx, tenant, origin, event));
  }
  await db.withPlatform((tx) => append(tx, platformChain, origin, event));
});

afterAll(async () => {
  await closeDoors(doors);
  await tap.close();
  await Promise.all([admin.end(), owner.end()]);
  await database.drop();
});

async function seqs(tenant: TenantId): Promise<number[]> {
  const { rows } = await admin.query<{ seq: string }>(
    'select seq from audit_entries where tenant_id = $1 order by seq',
    [tenant],
  );
  return rows.map(({ seq }) => Number(seq));
}

const asApp = (work: (tx: Transaction) => Promise<unknown>) => db.withTenant(mine, work);
const asPlatform = (work: (tx: Transaction) => Promise<unknown>) => db.withPlatform(work);

const forbidden = [
  `update audit_entries set actor_label = 'somebody else'`,
  `update audit_entries set hash = hash where seq = 1`,
  `delete from audit_entries`,
  `delete from audit_entries where seq = 1`,
  `truncate audit_entries`,
  `delete from audit_heads`,
  `truncate audit_heads`,
  `update order_events set kind = 'x'`,
  `delete from order_events`,
  `merge into audit_entries e using (select 1) x on true when matched then delete`,
  `select 1 from audit_entries for update`,
];

test.each(
  forbidden.flatMap((sql) => [
    ['kassa_app', sql, asApp] as const,
    ['kassa_platform', sql, asPlatform] as const,
  ]),
)('%s may not: %s', async (_login, sql, open) => {
  await expect(open((tx) => tx.query(sql))).rejects.toMatchObject({ code: '42501' });
});

test('a shop’s login adds nothing to the chain of another, and sees nothing of it', async () => {
  await expect(
    db.withTenant(mine, (tx) => append(tx, theirs, origin, event)),
  ).rejects.toMatchObject({ code: '42501' });
  const { rows } = await db.withTenant(mine, (tx) =>
    tx.query<{ tenant_id: string }>('select distinct tenant_id from audit_entries'),
  );

  expect(rows).toEqual([{ tenant_id: mine }]);
  expect(await seqs(theirs)).toEqual([1]);
});

test('an entry and what it tells of are one: neither is there without the other', async () => {
  const before = await seqs(mine);

  const failed = db.withTenant(mine, async (tx) => {
    await append(tx, mine, origin, event);
    await addCustomer(tx, 'a@shop.example');
    throw new Error('changed my mind');
  });

  await expect(failed).rejects.toThrow('changed my mind');
  expect(await seqs(mine)).toEqual(before);
});

/** The statements of a transaction, in their order, by what they begin with. */
async function statementsOf(work: (tx: TenantTx) => Promise<void>): Promise<string[]> {
  const sent: string[] = [];
  await db.withTenant(mine, async (tx) => {
    const { query } = tx;
    const listening = Object.assign(tx, {
      query: (text: string, values?: readonly unknown[]) => {
        sent.push(text.trim().split(/\s+/).slice(0, 3).join(' '));
        return query(text, values);
      },
    });
    await work(listening as TenantTx);
  });
  return sent;
}

test('a chain’s end is locked after everything else, wherever the entry was made', async () => {
  const sent = await statementsOf(async (tx) => {
    await append(tx, mine, origin, event);
    await addCustomer(tx, 'b@shop.example');
  });

  expect(sent).toEqual([
    'insert into customers',
    'select seq, hash',
    'insert into audit_entries',
    'update audit_heads set',
  ]);
});

test('entries of one transaction stay in the order of their making', async () => {
  const before = (await seqs(mine)).length;

  await db.withTenant(mine, async (tx) => {
    for (const id of ['first', 'second', 'third']) {
      await append(tx, mine, origin, { ...event, subject: { kind: 'test', id } });
    }
  });

  const { rows } = await admin.query<{ subject_id: string }>(
    'select subject_id from audit_entries where tenant_id = $1 and seq > $2 order by seq',
    [mine, before],
  );
  expect(rows.map((row) => row.subject_id)).toEqual(['first', 'second', 'third']);
});

test('chains are locked in the order of their ids, so that no two transactions wait in a circle', async () => {
  const locked: unknown[] = [];
  const write = (chains: readonly TenantId[]) =>
    db.withPlatform(async (tx) => {
      const { query } = tx;
      Object.assign(tx, {
        query: (text: string, values: readonly unknown[]) => {
          if (text.includes('for update')) locked.push(values[0]);
          return query(text, values);
        },
      });
      for (const chain of chains) await append(tx, chain, origin, event);
    });

  await write([theirs, platformChain, mine]);
  await write([mine, theirs, platformChain]);

  const inOrder = [platformChain, ...[mine, theirs].sort()];
  expect(locked).toEqual([...inOrder, ...inOrder]);
});

test('of two who begin a chain at the same moment both are in it', async () => {
  const fresh = await addTenant(owner, 'tenant-raced');
  const blocker = await connect(database.admin);
  await blocker.query('begin');
  // Nobody sees this end of a chain, and nobody can make another one until it is gone.
  await blocker.query(`insert into audit_heads (tenant_id, seq, hash) values ($1, 0, $2)`, [
    fresh,
    genesis,
  ]);
  const begin = () => db.withTenant(fresh, (tx) => append(tx, fresh, origin, event));

  const both = Promise.allSettled([begin(), begin()]);
  await eventually(async () => expect(await countWaiting()).toBe(2));
  await blocker.query('rollback');

  expect((await both).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
  expect(await seqs(fresh)).toEqual([1, 2]);
  await blocker.end();
});

async function countWaiting(): Promise<number> {
  const { rowCount } = await admin.query(
    `select from pg_stat_activity
      where datname = current_database() and usename = 'kassa_app' and wait_event_type = 'Lock'`,
  );
  return rowCount ?? 0;
}

test('of many who begin a chain at once all are in it, in one line', async () => {
  const fresh = await addTenant(owner, 'tenant-fresh');
  const count = 12;
  const gate = Promise.withResolvers<void>();
  let waiting = 0;

  const done = await Promise.allSettled(
    Array.from({ length: count }, () =>
      db.withTenant(fresh, async (tx) => {
        await tx.query('select 1');
        await append(tx, fresh, origin, event);
        waiting += 1;
        if (waiting === count) gate.resolve();
        await gate.promise;
      }),
    ),
  );

  expect(done.map(({ status }) => status)).not.toContain('rejected');
  expect(await seqs(fresh)).toEqual(Array.from({ length: count }, (_, at) => at + 1));
  const { rows } = await admin.query('select seq from audit_heads where tenant_id = $1', [fresh]);
  expect(rows).toEqual([{ seq: '12' }]);
});

test('an entry costs two round trips', async () => {
  const bare = await tap.roundTripsOf(() => db.withTenant(mine, (tx) => tx.query('select 1')));
  const audited = await tap.roundTripsOf(() =>
    db.withTenant(mine, async (tx) => {
      await append(tx, mine, origin, event);
      await tx.query('select 1');
    }),
  );

  expect(audited - bare).toBe(2);
});

test('what comes too late, or into a transaction of one statement, is an error and not lost', async () => {
  const kept: TenantTx[] = [];
  await db.withTenant(mine, async (tx) => {
    kept.push(tx);
    await tx.query('select 1');
  });

  await expect(append(kept[0] as TenantTx, mine, origin, event)).rejects.toThrow('is over');
  await expect(db.withTenantOnce(mine, (tx) => append(tx, mine, origin, event))).rejects.toThrow(
    'takes one statement',
  );
});
