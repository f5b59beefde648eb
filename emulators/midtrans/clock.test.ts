import { afterEach, beforeEach, expect, test } from 'vitest';
import { jakartaTime, nextSettlementRun, parseOffsetTime } from './clock.ts';
import { type Rig, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

test('[54] times are Jakarta’s, without saying so', () => {
  expect(jakartaTime(Date.UTC(2026, 0, 15, 23, 30, 5))).toBe('2026-01-16 06:30:05');
});

test('a start time is read with its offset', () => {
  expect(parseOffsetTime('2026-01-15 18:11:08 +0700')).toBe(Date.UTC(2026, 0, 15, 11, 11, 8));
  expect(parseOffsetTime('2026-13-45 18:11:08 +0700')).toBeUndefined();
});

test('[38] a card settles at four in the afternoon of the next day', () => {
  const run = nextSettlementRun(Date.parse('2026-01-15T23:59:00+07:00'));

  expect(jakartaTime(run)).toBe('2026-01-16 16:00:00');
});

test('[34] a page that expires unused sends nothing', async () => {
  const token = await rig.order('A');
  await rig.advance(25 * 3600);

  expect(await rig.page(token)).toMatchObject({ status: 410 });
  expect(await rig.notifications()).toEqual([]);
});

test('[35] advancing moves the clock by as much as it says', async () => {
  const offsetSeconds = 3600;
  const now = '2026-01-15T04:00:00.000Z';

  expect(await rig.advance(3600)).toEqual({ now, offsetSeconds });
  expect(await rig.tryControl('/clock/advance', { seconds: -5 })).toMatchObject({ status: 400 });
});

test('[35] advances that are asked for at once add up', async () => {
  await Promise.all([rig.advance(1000), rig.advance(1000)]);

  expect(await rig.control('/clock', undefined, 'GET')).toMatchObject({ offsetSeconds: 2000 });
});

test('[36] an overdue payment expires at its deadline and says so', async () => {
  await rig.order('A', { expiry: { unit: 'minutes', duration: 30 } });
  await rig.pay('A', 'bca_va', { outcome: 'pending' });
  await rig.advance(29 * 60);
  expect(rig.receiver.statuses()).toEqual(['pending']);

  await rig.advance(60);

  expect(rig.receiver.statuses()).toEqual(['pending', 'expire']);
  expect(rig.receiver.received[1]?.body).toMatchObject({ status_code: '202' });
  expect(await rig.status('A')).toMatchObject({ transaction_status: 'expire' });
});

test.each([
  ['ovo', 65],
  ['gopay', 15 * 60],
  ['akulaku', 2 * 3600],
  ['indomaret', 24 * 3600],
])('[36] %s has its own deadline', async (method, seconds) => {
  await rig.order('A');
  await rig.pay('A', method, { outcome: 'pending' });

  await rig.advance(seconds - 1);
  expect(await rig.status('A')).toMatchObject({ transaction_status: 'pending' });
  await rig.advance(1);
  expect(await rig.status('A')).toMatchObject({ transaction_status: 'expire' });
});

test('[36] without an advance the deadline comes by itself', async () => {
  await rig.close();
  rig = await startRig({ realNow: Date.now });
  await rig.order('A');
  await rig.pay('A', 'ovo', { outcome: 'pending' });
  await rig.advance(64.7);

  await rig.receiver.toHave(2);
  expect(rig.receiver.statuses()).toEqual(['pending', 'expire']);
});

test('[37] a stuck payment stays pending until it is let go', async () => {
  await rig.order('A');
  await rig.pay('A', 'gopay', { outcome: 'pending' });
  await rig.control('/stuck-pending', { on: true });
  await rig.advance(3600);
  expect(await rig.status('A')).toMatchObject({ status_code: '201' });
  expect(rig.receiver.statuses()).toEqual(['pending']);

  await rig.control('/stuck-pending', { on: false });

  await rig.receiver.toHave(2);
  expect(await rig.status('A')).toMatchObject({ status_code: '407' });
});

test('[38] a captured card settles in the daily run, and notifies again', async () => {
  await rig.order('A');
  await rig.pay('A', 'credit_card');
  await rig.advance(29 * 3600);
  expect(await rig.status('A')).toMatchObject({ transaction_status: 'capture' });

  await rig.advance(3600);

  const settled = { transaction_status: 'settlement', settlement_time: '2026-01-16 16:00:00' };
  expect(await rig.status('A')).toMatchObject(settled);
  expect(rig.receiver.statuses()).toEqual(['pending', 'capture', 'settlement']);
});

test('[38] a run can be asked for', async () => {
  await rig.order('A');
  await rig.pay('A', 'credit_card');

  expect(await rig.control('/settlement-run')).toEqual({ settled: 1 });
  expect(await rig.status('A')).toMatchObject({ transaction_status: 'settlement' });
  expect(await rig.control('/settlement-run')).toEqual({ settled: 0 });
});
