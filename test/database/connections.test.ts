import pg from 'pg';
import { afterAll, afterEach, expect, test } from 'vitest';
import { createDb, type TenantTx } from '../../src/db/database.ts';
import { Problem } from '../../src/domain/problems.ts';
import { eventually } from '../support/eventually.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { tapWire } from '../support/wire-tap.ts';
import {
  addCustomer,
  addTenant,
  closeDoors,
  connect,
  look,
  lookText,
  openDoors,
} from './support/open.ts';

/* One connection serves all tenants in turn: what the one did must not reach the next. */
const database = await createTestDatabase();
const admin = await connect(database.admin);
const mine = await addTenant(admin, 'tenant-a');
const other = await addTenant(admin, 'tenant-b');
const doors = openDoors(database);
const { db } = doors;

afterEach(async () => {
  await admin.query('truncate customers cascade');
});
afterAll(async () => {
  await closeDoors(doors);
  await admin.end();
  await database.drop();
});

/** Ways for a unit of work to end. After each the connection serves another tenant. */
const endings: [string, (tx: TenantTx) => Promise<unknown>, object | undefined][] = [
  ['went well', look, undefined],
  ['threw', () => Promise.reject(new Error('changed my mind')), { message: 'changed my mind' }],
  ['failed', (tx) => tx.query('select 1 / 0'), { code: '22012' }],
  [
    'took too long',
    async (tx) => {
      await tx.query('set local statement_timeout = 10');
      await tx.query('select pg_sleep(60)');
    },
    { code: 'database-unavailable' },
  ],
  [
    'waited too long for a lock',
    async (tx) => {
      await tx.query(`set local lock_timeout = 10`);
      await admin.query('begin; lock table customers in access exclusive mode');
      await tx.query('select from customers').finally(() => admin.query('rollback'));
    },
    { code: 'database-unavailable' },
  ],
  [
    'sat idle too long',
    async (tx) => {
      const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
      await tx.query('set local idle_in_transaction_session_timeout = 10');
      await gone(rows[0]?.pid);
      await look(tx);
    },
    { code: 'database-unavailable' },
  ],
  [
    'lost its connection',
    (tx) => tx.query('select pg_terminate_backend(pg_backend_pid())'),
    { code: 'database-unavailable' },
  ],
];

test.each(endings)('nothing of a tenant is left when its work %s', async (_, work, refusal) => {
  await db.withTenant(mine, (tx) => addCustomer(tx, 'a@shop.example'));
  await db.withTenant(other, (tx) => addCustomer(tx, 'b@shop.example'));

  for (const [tenant, next] of [
    [mine, other],
    [other, mine],
  ] as const) {
    const run = db.withTenant(tenant, work);
    if (refusal) await expect(run).rejects.toMatchObject(refusal);
    else await run;

    expect((await doors.app.query(lookText)).rows).toEqual([{ tenant: null, customers: '0' }]);
    expect(await db.withTenant(next, look)).toEqual({ tenant: next, customers: '1' });
    expect(await db.withTenantOnce(next, look)).toEqual({ tenant: next, customers: '1' });
  }
  expect(doors.app).toMatchObject({ totalCount: 1, idleCount: 1, waitingCount: 0 });
});

test('two tenants at once on two connections see their own rows', async () => {
  const wide = openDoors({ ...database, max: 2 });
  await db.withTenant(mine, (tx) => addCustomer(tx, 'a@shop.example'));
  const tenants = Array.from({ length: 100 }, (_, index) => (index % 2 ? mine : other));

  const seen = await Promise.all(tenants.map((tenant) => wide.db.withTenant(tenant, look)));

  expect(seen).toEqual(
    tenants.map((tenant) => ({ tenant, customers: tenant === mine ? '1' : '0' })),
  );
  await closeDoors(wide);
});

test('a database that is away is a problem that may be retried', async () => {
  const tap = await tapWire(database.app);
  await tap.close();
  const away = openDoors({ app: tap.url, platform: tap.url });

  for (const run of [
    away.db.withTenant(mine, look),
    away.db.withPlatform(async (tx) => tx.query('select 1')),
  ]) {
    const error = await run.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Problem);
    expect(error).toMatchObject({ code: 'database-unavailable', status: 503, retryAfter: 2 });
  }
  await closeDoors(away);
});

test('a network that breaks under a statement is a problem, and the next one gets through', async () => {
  const tap = await tapWire(database.app);
  const broken = openDoors({ ...database, app: tap.url });

  for (const open of [broken.db.withTenant, broken.db.withTenantOnce]) {
    const run = open(mine, (tx) => {
      const answer = tx.query('select pg_sleep(60)');
      setImmediate(tap.cut);
      return answer;
    });
    await expect(run).rejects.toMatchObject({ code: 'database-unavailable' });
    expect(await open(mine, look)).toMatchObject({ tenant: mine });
  }
  await closeDoors(broken);
  await tap.close();
});

test('a pool without a free connection is a problem, and loses none', async () => {
  const app = new pg.Pool({ connectionString: database.app, max: 1, pipeline: true });
  const narrow = createDb({ app, platform: doors.platform });

  await narrow.withTenant(mine, async (tx) => {
    await look(tx);
    app.options.connectionTimeoutMillis = 20;
    await expect(narrow.withTenant(other, look)).rejects.toMatchObject({
      code: 'database-unavailable',
      cause: { message: expect.stringContaining('timeout exceeded') },
    });
  });

  expect(await narrow.withTenant(other, look)).toMatchObject({ tenant: other });
  expect(app).toMatchObject({ totalCount: 1, idleCount: 1, waitingCount: 0 });
  await app.end();
});

async function gone(pid: number | undefined): Promise<void> {
  await eventually(async () => {
    const { rowCount } = await admin.query('select from pg_stat_activity where pid = $1', [pid]);
    expect(rowCount).toBe(0);
  });
}
