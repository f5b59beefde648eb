import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyB, minimal, type Rig, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const fault = (draft: object) => rig.control('/faults', draft);
const create = (id: string) => rig.create(minimal(id));
const countsOf = async (query = '') =>
  (await rig.control(`/calls${query}`, undefined, 'GET')).calls as Record<string, number>;

describe('what goes wrong', () => {
  test('[22] the next n creates fail in the documented words', async () => {
    await fault({ scope: 'snap.create', kind: 'error', count: 2 });

    expect(await create('A')).toMatchObject({ status: 500, body: { locale: 'en' } });
    expect(await create('A')).toMatchObject({ status: 500 });
    expect(await create('A')).toMatchObject({ status: 201 });
  });

  test('[22] a reset happens before the effect, or after it', async () => {
    await fault({ scope: 'snap.create', kind: 'reset' });
    await fault({ scope: 'snap.create', kind: 'reset-after-effect' });

    await expect(create('A')).rejects.toThrow();
    await expect(create('B')).rejects.toThrow();

    const { tokens } = await rig.control('/books', undefined, 'GET');
    expect(tokens).toEqual([expect.objectContaining({ order_id: 'B' })]);
  });

  test('[22] HTML with 200, a false 401, and half an answer', async () => {
    await fault({ scope: 'snap', kind: 'html' });
    await fault({ scope: 'all', kind: 'unauthorized' });
    await fault({ scope: 'snap.create', kind: 'truncated' });

    const html = await create('A');
    expect(html.status).toBe(200);
    expect(html.text).toContain('<html>');
    expect(await create('A')).toMatchObject({ status: 401 });
    await expect(create('A')).rejects.toThrow();
  });

  test('[22] a stalled create never answers, and a delayed one does', async () => {
    await fault({ scope: 'snap.create', kind: 'stall' });
    const signal = AbortSignal.timeout(100);
    await expect(rig.create(minimal('A'), { signal })).rejects.toThrow('aborted');

    await fault({ scope: 'snap.create', kind: 'delay', delayMs: 60_000 });
    const short = AbortSignal.timeout(100);
    await expect(rig.create(minimal('B'), { signal: short })).rejects.toThrow('aborted');

    await fault({ scope: 'snap.create', kind: 'delay', delayMs: 5 });
    expect(await create('C')).toMatchObject({ status: 201 });
  });

  test('[22] a fault keeps to its scope and to its merchant', async () => {
    await fault({ scope: 'core.status', kind: 'error', httpStatus: 503 });
    await fault({ scope: 'snap.create', kind: 'error', merchantId: 'G100000001' });

    expect(await rig.create(minimal('A'), { key: keyB })).toMatchObject({ status: 201 });
    expect(await create('A')).toMatchObject({ status: 500 });
    const failed = { status: 503, body: { status_code: '503' } };
    expect(await rig.call('/v2/A/status')).toMatchObject(failed);
    expect(await rig.call('/v2/A/status')).toMatchObject({ status: 200 });
  });
});

describe('the n-th call', () => {
  test('only it goes wrong', async () => {
    await fault({ scope: 'core.status', kind: 'error', skip: 2, count: 1 });

    const codes: number[] = [];
    for (let call = 0; call < 5; call += 1) codes.push((await rig.call('/v2/A/status')).status);
    expect(codes).toEqual([200, 200, 500, 200, 200]);
    expect(await rig.control('/faults', undefined, 'GET')).toEqual({ faults: [] });
  });

  test('each fault counts from when it was set, whatever the others do', async () => {
    await fault({ scope: 'core.status', kind: 'error', skip: 1, count: 2 });
    await fault({ scope: 'core.status', kind: 'unauthorized' });
    await fault({ scope: 'core', kind: 'error', httpStatus: 503, skip: 3 });

    const codes: number[] = [];
    for (let call = 0; call < 5; call += 1) codes.push((await rig.call('/v2/A/status')).status);
    expect(codes).toEqual([401, 500, 500, 503, 200]);
  });

  test('calls of other kinds and of other merchants do not bring it nearer', async () => {
    const merchantId = 'G100000001';
    await fault({ scope: 'core.refund', kind: 'error', skip: 1, merchantId });
    await rig.order('A');
    await rig.pay('A', 'gopay');
    const refund = (amount: number, key?: string) =>
      rig.core('POST', 'A/refund', { amount }, key === undefined ? {} : { key });

    await rig.status('A');
    await refund(1, keyB);
    await refund(1, keyB);
    expect(await refund(1)).toMatchObject({ status: 200 });
    expect(await refund(2)).toMatchObject({ status: 500 });
    expect(await refund(3)).toMatchObject({ status: 200 });
  });

  test('what is still to come is listed', async () => {
    await fault({ scope: 'core.status', kind: 'error', skip: 2 });
    await rig.status('A');

    expect(await rig.control('/faults', undefined, 'GET')).toMatchObject({
      faults: [{ scope: 'core.status', kind: 'error', skip: 1, remaining: 1 }],
    });
  });
});

describe('the counters', () => {
  test('they count every kind of call, faulty ones too, per merchant', async () => {
    await fault({ scope: 'snap.create', kind: 'error' });
    await create('A');
    await create('A');
    await rig.create(minimal('A'), { key: keyB });
    await rig.status('A');
    await rig.call('/v2/A/status/b2b');
    await rig.call('/v2/A/status', { headers: { authorization: 'Basic nonsense' } });

    expect(await countsOf()).toEqual({
      'snap.create': 3,
      'snap.cancel': 0,
      page: 0,
      'core.status': 2,
      'core.cancel': 0,
      'core.expire': 0,
      'core.refund': 0,
      'core.capture': 0,
      'core.approve': 0,
      'core.deny': 0,
    });
    expect(await countsOf('?merchantId=G100000001')).toMatchObject({ 'snap.create': 2 });
  });

  test('they begin again', async () => {
    await create('A');
    await rig.control('/calls', undefined, 'DELETE');
    expect(await countsOf()).toMatchObject({ 'snap.create': 0 });

    await create('A');
    await rig.control('/reset');
    expect(await countsOf()).toMatchObject({ 'snap.create': 0 });
  });
});
