import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyB, minimal, type Rig, startReceiver, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const hour = 3600;

describe('how long a page lives', () => {
  test.each([
    { unit: 'minutes', duration: 0 },
    { unit: 'minute', duration: -1 },
    { unit: 'minutes', duration: 0.2 },
    { unit: 'fortnight', duration: 1 },
    { unit: 'hours', duration: 1, start_time: '2026-01-15 08:59:00 +0700' },
    { unit: 'hours', duration: 1, start_time: 'tomorrow' },
  ])('[17] the expiry %j is refused', async (expiry) => {
    expect(await rig.create(minimal('A', { expiry }))).toMatchObject({ status: 400 });
  });

  test.each(['hour', 'hours'])('[17] the unit %s is one and the same', async (unit) => {
    const token = await rig.order('A', { expiry: { unit, duration: 2 } });

    await rig.advance(2 * hour - 60);
    expect(await rig.page(token)).toMatchObject({ status: 200 });
    await rig.advance(61);
    expect(await rig.page(token)).toMatchObject({ status: 410 });
  });

  test('[17] no page outlives a week', async () => {
    const token = await rig.order('A', { expiry: { unit: 'days', duration: 30 } });

    await rig.advance(7 * 24 * hour - 60);
    expect(await rig.page(token)).toMatchObject({ status: 200 });
    await rig.advance(61);
    expect(await rig.page(token)).toMatchObject({ status: 410 });
  });

  test('[18] page_expiry wins over expiry, and that over a day', async () => {
    const both = {
      expiry: { unit: 'hours', duration: 5 },
      page_expiry: { unit: 'hours', duration: 2 },
    };
    const tokens = [
      await rig.order('BOTH', both),
      await rig.order('EXPIRY', { expiry: both.expiry }),
      await rig.order('NONE'),
    ];
    const alive = async () => {
      const pages = await Promise.all(tokens.map((token) => rig.page(token)));
      return pages.map(({ status }) => status === 200);
    };

    await rig.advance(hour);
    expect(await alive()).toEqual([true, true, true]);
    await rig.advance(hour);
    expect(await alive()).toEqual([false, true, true]);
    await rig.advance(3 * hour);
    expect(await alive()).toEqual([false, false, true]);
    await rig.advance(19 * hour);
    expect(await alive()).toEqual([false, false, false]);
  });
});

describe('what a page offers', () => {
  test('[19] one enabled method opens at once', async () => {
    const { text } = await rig.page(await rig.order('A', { enabled_payments: ['bri_va'] }));

    expect(text).toContain('Continue with BRI virtual account');
    expect(text).not.toContain('GoPay');
  });

  test('[19] unknown codes are ignored and aliases are spelled out', async () => {
    const enabled = ['nonsense', 'bank_transfer', 'cstore'];
    const { text } = await rig.page(await rig.order('A', { enabled_payments: enabled }));

    for (const name of ['BCA', 'BNI', 'BRI', 'Permata', 'Mandiri', 'Indomaret', 'Alfamart']) {
      expect(text).toContain(name);
    }
    expect(text).not.toContain('GoPay');
    expect(text).not.toContain('nonsense');
  });
});

describe('where notifications go', () => {
  test('[20] override replaces the dashboard’s address for this order only', async () => {
    const { receiver } = rig;
    const urls = ['/one', '/two', '/three'].map((path) => receiver.url + path);
    await rig.order('A', {}, { headers: { 'x-override-notification': urls.join(', ') } });
    await rig.pay('A', 'bca_va', { outcome: 'pending' });
    await receiver.toHave(3);
    expect(receiver.received.map(({ path }) => path).sort()).toEqual(['/one', '/three', '/two']);

    await rig.order('B');
    await rig.pay('B', 'bca_va', { outcome: 'pending' });

    await receiver.toHave(4);
    expect(receiver.received[3]?.path).toBe('/notify');
  });

  test('[20] append adds to it', async () => {
    const { receiver } = rig;
    await rig.order('A', {}, { headers: { 'x-append-notification': `${receiver.url}/more` } });
    await rig.pay('A', 'bca_va', { outcome: 'pending' });

    await receiver.toHave(2);
    expect(receiver.received.map(({ path }) => path).sort()).toEqual(['/more', '/notify']);
  });
});

describe('closing a page', () => {
  const cancel = (token: string, init = {}) =>
    rig.call(`/snap/v1/transactions/${token}/cancel`, { method: 'POST', ...init });

  test('[21] a page that nothing was chosen on can be closed once', async () => {
    const token = await rig.order('A');

    const first = await cancel(token);
    expect(first.status).toBe(200);
    expect(first.body.canceled_at).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(await rig.page(token)).toMatchObject({ status: 410 });
    expect((await cancel(token)).body).toEqual({ error_messages: ['token already canceled'] });
  });

  test('[21] not after a method was chosen, and not one that is unknown', async () => {
    const token = await rig.order('A');
    await rig.pay('A', 'bca_va', { outcome: 'pending' });

    expect((await cancel(token)).body).toEqual({ error_messages: ['Transaction is on progress'] });
    expect((await cancel('nothing')).body).toEqual({ error_messages: ['token not found'] });
  });

  test('[3] nobody closes the page of another merchant', async () => {
    const token = await rig.order('A');

    expect((await cancel(token, { key: keyB })).body).toEqual({
      error_messages: ['token not found'],
    });
    expect(await rig.page(token)).toMatchObject({ status: 200 });
  });
});

test('[20] a fourth address is left out', async () => {
  const other = await startReceiver();
  const urls = [1, 2, 3, 4].map((number) => `${other.url}/${number}`);
  await rig.order('A', {}, { headers: { 'x-override-notification': urls.join(',') } });
  await rig.pay('A', 'bca_va', { outcome: 'pending' });
  await other.toHave(3);
  await rig.advance(1);

  expect(other.received.map(({ path }) => path).sort()).toEqual(['/1', '/2', '/3']);
  await other.close();
});
