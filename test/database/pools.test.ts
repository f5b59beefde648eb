import { afterAll, expect, test } from 'vitest';
import { createPool } from '../../src/db/pools.ts';
import { eventually } from '../support/eventually.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { tapWire } from '../support/wire-tap.ts';
import { connect, log } from './support/open.ts';

const database = await createTestDatabase();
const admin = await connect(database.admin);
const pool = createPool({ url: database.app, applicationName: 'test-app', max: 2, log });

afterAll(async () => {
  await pool.end();
  await admin.end();
  await database.drop();
});

test('amounts and counts arrive exact, days as they are written', async () => {
  const { rows } = await pool.query(`select 9007199254740993::bigint as amount,
    count(*) as count, date '2026-03-01' as day, null::bigint as nothing from generate_series(1, 3)`);

  expect(rows).toEqual([
    { amount: 9_007_199_254_740_993n, count: 3n, day: '2026-03-01', nothing: null },
  ]);
});

test('a bigint goes out as exactly as it comes in', async () => {
  const { rows } = await pool.query('select $1::bigint as amount', [9_223_372_036_854_775_807n]);

  expect(rows).toEqual([{ amount: 9_223_372_036_854_775_807n }]);
});

test('nothing may wait without a limit, and the server knows who asks', async () => {
  const { rows } = await pool.query(`select name, setting from pg_settings where name in
    ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'application_name')
    order by name`);

  expect(rows).toEqual([
    { name: 'application_name', setting: 'test-app' },
    { name: 'idle_in_transaction_session_timeout', setting: '15000' },
    { name: 'lock_timeout', setting: '10000' },
    { name: 'statement_timeout', setting: '15000' },
  ]);
  expect(pool.options).toMatchObject({ connectionTimeoutMillis: 3_000, idleTimeoutMillis: 60_000 });
});

test('connections that are ended while idle or in use do not end the process', async () => {
  const used = await pool.connect();
  await Promise.all([pool.query('select 1'), used.query('select 1')]);

  const { rowCount } = await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'test-app'`);

  expect(rowCount).toBe(2);
  await expect(used.query('select 1')).rejects.toThrow();
  used.release(true);
  await eventually(() => expect(pool.totalCount).toBe(0));
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('a network that breaks under a connection in use does not end the process', async () => {
  const tap = await tapWire(database.app);
  const tapped = createPool({ url: tap.url, applicationName: 'test-tapped', max: 1, log });
  const used = await tapped.connect();
  const ended = new Promise((resolve) => used.once('end', resolve));

  tap.cut();

  await ended;
  used.release(true);
  await tapped.end();
  await tap.close();
});
