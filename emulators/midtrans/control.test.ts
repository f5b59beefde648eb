import { afterEach, beforeEach, expect, test } from 'vitest';
import { keyB, type Rig, rawRequest, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

test('[71] it answers this machine only', async () => {
  const refused = { status: 403, body: { error: 'forbidden' } };
  const from = (headers: Record<string, string>) => rig.call('/_control/books', { headers });

  const underHost = async (host: string) =>
    (await rawRequest(`${rig.url}/_control/books`, { headers: { host } })).status;

  expect(await underHost('evil.example')).toBe(403);
  expect(await underHost('kassa.localhost')).toBe(200);
  expect(await from({ origin: 'https://evil.example' })).toMatchObject(refused);
  expect(await from({ origin: 'http://localhost:3010' })).toMatchObject({ status: 200 });
});

test('what cannot be done says why', async () => {
  const refuse = async (path: string, json: unknown, status: number, error: string) =>
    expect(await rig.tryControl(path, json)).toMatchObject({ status, body: { error } });

  await refuse('/orders/NONE/pay', { method: 'bca_va' }, 404, 'order-not-found');
  await rig.order('A', { enabled_payments: ['bca_va'] });
  await refuse('/orders/A/deny', {}, 404, 'transaction-not-found');
  await refuse('/orders/A/pay', { method: 'gopay' }, 409, 'order-not-payable');
  await refuse('/orders/A/pay', { method: 'bca_va', colour: 'red' }, 400, 'bad-request');
  await rig.pay('A', 'bca_va');
  await refuse('/orders/A/pay', { method: 'bca_va' }, 409, 'transaction-processed');
  await refuse('/orders/A/refund', {}, 409, 'transaction-not-modifiable');
  await refuse('/orders/A/pay', { merchantId: 'G999999999' }, 404, 'order-not-found');
  await refuse('/accounts', { serverKey: keyB, merchantId: 'G100000001' }, 409, 'account-taken');
  await refuse('/nonsense', {}, 400, 'bad-request');
});

test('of two merchants’ equal orders the key or the id chooses, or else the newest', async () => {
  await rig.order('A', {}, { key: keyB });
  await rig.order('A');
  const second = (await rig.control('/accounts', undefined, 'GET')).accounts;
  const merchants = (second as { merchantId: string }[]).map(({ merchantId }) => merchantId);
  const other = merchants.find((id) => id !== 'G100000001');

  const chosen = await rig.pay('A', 'bca_va', { merchantId: other, outcome: 'pending' });
  expect(chosen.merchant_id).toBe(other);
  expect(await rig.pay('A', 'bca_va')).toMatchObject({ merchant_id: 'G100000001' });
  expect(await rig.pay('A', undefined, { serverKey: keyB })).toMatchObject({
    transaction_id: chosen.transaction_id,
    status: 'settlement',
  });
});

test('choosing and each outcome work without a browser', async () => {
  const outcomes = { deny: 'deny', expire: 'expire', cancel: 'cancel', pending: 'pending' };
  for (const [outcome, status] of Object.entries(outcomes)) {
    await rig.order(outcome);
    expect(await rig.pay(outcome, 'gopay', { outcome })).toMatchObject({ status });
  }
  for (const action of ['deny', 'expire', 'cancel']) {
    await rig.order(`then-${action}`);
    await rig.control(`/orders/then-${action}/choose`, { method: 'dana' });
    const done = await rig.control(`/orders/then-${action}/${action}`);
    expect(done).toMatchObject({ status: action });
  }
});

test('an order that is pending or paid takes no other attempt', async () => {
  await rig.order('A');
  await rig.control('/orders/A/choose', { method: 'dana' });
  const refused = { status: 409, body: { error: 'transaction-processed' } };
  expect(await rig.tryControl('/orders/A/choose', { method: 'bca_va' })).toMatchObject(refused);
  await rig.pay('A');
  expect(await rig.tryControl('/orders/A/choose', { method: 'bca_va' })).toMatchObject(refused);

  expect(await rig.attempts('A')).toMatchObject([{ method: 'dana', status: 'settlement' }]);
});
