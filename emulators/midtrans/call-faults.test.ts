import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Json, minimal, type Rig, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const fault = (draft: object) => rig.control('/faults', draft);
/** The one transaction in the books. */
async function booked(): Promise<Json> {
  const { transactions } = await rig.control('/books', undefined, 'GET');
  const [one] = transactions as Json[];
  return one ?? {};
}

/** One call of every kind: what has to be there, the call itself, and how its effect shows. */
type Call = {
  prepare: () => Promise<unknown>;
  send: (signal?: AbortSignal) => Promise<{ status: number; body: Json }>;
  effect: () => Promise<boolean>;
};
const post = (path: string, json: unknown, signal?: AbortSignal) =>
  rig.core('POST', path, json, signal && { signal });
async function order(method: string, how: Json, extra = {}): Promise<void> {
  await rig.order('A', extra);
  await rig.pay('A', method, how);
}
const becomes = (status: string) => async () => (await booked()).status === status;
const challenge = { card: '4511111111111117' };
const reserve = { credit_card: { type: 'authorize' } };
const calls: Record<string, Call> = {
  'snap.create': {
    prepare: async () => undefined,
    send: (signal) => rig.create(minimal('A'), signal && { signal }),
    effect: async () => {
      const { tokens } = await rig.control('/books', undefined, 'GET');
      return (tokens as unknown[]).length === 1;
    },
  },
  'snap.cancel': {
    prepare: () => rig.order('A'),
    send: async (signal) => {
      const { tokens } = await rig.control('/books', undefined, 'GET');
      const [{ token }] = tokens as [{ token: string }];
      const path = `/snap/v1/transactions/${token}/cancel`;
      return rig.call(path, { method: 'POST', ...(signal && { signal }) });
    },
    effect: async () => {
      const { tokens } = await rig.control('/books', undefined, 'GET');
      return (tokens as Json[])[0]?.state === 'cancelled';
    },
  },
  'core.cancel': {
    prepare: () => order('gopay', { outcome: 'pending' }),
    send: (signal) => post('A/cancel', null, signal),
    effect: becomes('cancel'),
  },
  'core.expire': {
    prepare: () => order('gopay', { outcome: 'pending' }),
    send: (signal) => post('A/expire', null, signal),
    effect: becomes('expire'),
  },
  'core.refund': {
    prepare: () => order('gopay', {}),
    send: (signal) => post('A/refund', { refund_key: 'r1' }, signal),
    effect: becomes('refund'),
  },
  'core.capture': {
    prepare: () => order('credit_card', {}, reserve),
    send: async (signal) =>
      post('capture', { transaction_id: (await booked()).transaction_id }, signal),
    effect: becomes('capture'),
  },
  'core.approve': {
    prepare: () => order('credit_card', challenge),
    send: (signal) => post('A/approve', null, signal),
    effect: async () => (await booked()).fraud_status === 'accept',
  },
  'core.deny': {
    prepare: () => order('credit_card', challenge),
    send: (signal) => post('A/deny', null, signal),
    effect: becomes('deny'),
  },
};
const scopes = Object.keys(calls);
function callOf(scope: string): Call {
  const call = calls[scope];
  if (!call) throw new Error(`No call has the scope ${scope}.`);
  return call;
}
const countsOf = async (query = '') =>
  (await rig.control(`/calls${query}`, undefined, 'GET')).calls as Record<string, number>;

describe('each kind of call', () => {
  test.each(scopes)('%s can fail before its effect', async (scope) => {
    const { prepare, send, effect } = callOf(scope);
    await prepare();
    await fault({ scope, kind: 'reset' });
    await fault({ scope, kind: 'error' });

    await expect(send()).rejects.toThrow();
    expect(await send()).toMatchObject({ status: 500 });

    expect(await effect()).toBe(false);
    expect((await send()).status).toBeLessThan(300);
    expect(await effect()).toBe(true);
  });

  test.each(scopes)('%s can take effect and its answer be reset', async (scope) => {
    const { prepare, send, effect } = callOf(scope);
    await prepare();
    await fault({ scope, kind: 'reset-after-effect' });

    await expect(send()).rejects.toThrow();
    expect(await effect()).toBe(true);
  });

  test.each(scopes)('%s can take effect and its answer be cut', async (scope) => {
    const { prepare, send, effect } = callOf(scope);
    await prepare();
    await fault({ scope, kind: 'truncated' });

    await expect(send()).rejects.toThrow();
    expect(await effect()).toBe(true);
  });

  test.each(scopes)('%s can take effect and never be answered', async (scope) => {
    const { prepare, send, effect } = callOf(scope);
    await prepare();
    await fault({ scope, kind: 'stall-after-effect' });
    const patience = new AbortController();

    const sent = expect(send(patience.signal)).rejects.toThrow('aborted');
    await expect.poll(effect).toBe(true);
    patience.abort();
    await sent;
  });

  test.each(scopes)('%s can take effect and be answered with an error', async (scope) => {
    const { prepare, send, effect } = callOf(scope);
    await prepare();
    await fault({ scope, kind: 'error-after-effect', httpStatus: 502 });

    const { status, body } = await send();

    expect(status).toBe(502);
    expect(JSON.stringify(body)).toContain('internal server error');
    expect(await effect()).toBe(true);
  });

  test.each(scopes)('a fault of %s leaves all others alone, and only it counts', async (scope) => {
    const { prepare, send } = callOf(scope);
    await prepare();
    for (const other of [...scopes, 'core.status', 'page']) {
      if (other !== scope) await fault({ scope: other, kind: 'error' });
    }
    await rig.control('/calls', undefined, 'DELETE');

    expect((await send()).status).toBeLessThan(300);

    const hit = Object.entries(await countsOf()).filter(([, count]) => count > 0);
    expect(hit).toEqual([[scope, 1]]);
  });
});
