import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { type Listener, listen } from '../../src/db/listener.ts';
import { eventually } from '../support/eventually.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { tapWire } from '../support/wire-tap.ts';
import { connect, log } from './support/open.ts';

const database = await createTestDatabase();
const admin = await connect(database.admin);
const open: Listener[] = [];

afterEach(async () => {
  for (const listener of open.splice(0)) await listener.close();
});
afterAll(async () => {
  await admin.end();
  await database.drop();
});

test('messages of the channel are heard in order, those of others are not', async () => {
  const { heard } = await start(database.platform);

  for (const [channel, text] of [
    ['numbers', 'one'],
    ['letters', 'a'],
    ['numbers', 'two'],
  ]) {
    await admin.query('select pg_notify($1, $2)', [channel, text]);
  }

  await eventually(() => expect(heard).toEqual(['one', 'two']));
});

test('without a database there is no listener, and nothing goes on trying', async () => {
  const tap = await tapWire(database.platform);
  await tap.close();
  const code = `
    import { listen } from '${new URL('../../src/db/listener.ts', import.meta.url)}';
    const options = { url: process.argv[1], channel: 'numbers', log: { warn() {} } };
    await listen(options).catch(({ code }) => console.log(code));`;

  const child = spawn(process.execPath, ['--input-type=module', '--eval', code, tap.url]);
  onTestFinished(() => void child.kill());

  // A process that still tried would not end by itself.
  const [[output]] = await Promise.all([once(child.stdout, 'data'), once(child, 'exit')]);
  expect(String(output)).toBe('ECONNREFUSED\n');
});

test('a login that may not connect makes no listener', async () => {
  const url = new URL(database.platform);
  url.password = 'wrong';

  await expect(start(url.href)).rejects.toMatchObject({ code: '28P01' });
  expect(await listeners()).toBe(0);
});

test('a broken network is told as a gap once the listener hears again', async () => {
  const tap = await tapWire(database.platform);
  const { heard, gaps } = await start(tap.url);

  tap.cut();
  await eventually(() => expect(gaps).toHaveBeenCalledTimes(1));
  await admin.query(`notify numbers, 'after'`);

  await eventually(() => expect(heard).toEqual(['after']));
  await open.pop()?.close();
  await tap.close();
});

test('a closed listener leaves no connection, and no gap', async () => {
  const { listener, gaps } = await start(database.platform);
  expect(await listeners()).toBe(1);

  await listener.close();

  await eventually(async () => expect(await listeners()).toBe(0));
  expect(gaps).not.toHaveBeenCalled();
});

test('a listener that is closed between two attempts to reconnect leaves no connection', async () => {
  const tap = await tapWire(database.platform);
  const { listener, gaps } = await start(tap.url);
  tap.cut();
  await eventually(() => expect(tap.clients()).toBe(0));

  await listener.close();

  await eventually(() => expect(tap.clients()).toBe(0));
  expect(gaps.mock.calls.length).toBeLessThanOrEqual(1);
  await tap.close();
});

test('a listener that is closed while it reconnects leaves no connection either', async () => {
  const tap = await tapWire(database.platform);
  const { listener } = await start(tap.url);
  tap.hold();
  tap.cut();
  await eventually(() => expect(tap.clients()).toBe(0));
  await eventually(() => expect(tap.clients()).toBe(1));

  const closed = listener.close();
  tap.release();
  await closed;

  await eventually(() => expect(tap.clients()).toBe(0));
  await tap.close();
});

async function start(url: string) {
  const heard: string[] = [];
  const gaps = vi.fn();
  const listener = await listen({
    url,
    channel: 'numbers',
    log,
    onMessage: (payload) => heard.push(payload),
    onGap: gaps,
  });
  open.push(listener);
  return { listener, heard, gaps };
}

async function listeners(): Promise<number | null> {
  const { rowCount } = await admin.query(`select from pg_stat_activity
    where datname = current_database() and application_name = 'kassa-listener'`);
  return rowCount;
}
