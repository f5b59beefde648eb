import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { signatureOf } from './signature.ts';
import { type Json, keyA, type Rig, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const challengeCard = '4511111111111117';
const day = 24 * 3600;

const act = (id: string, action: string) => rig.core('POST', `${id}/${action}`, null);
async function codeOf(call: Promise<{ status: number; body: Json }>) {
  const { status, body } = await call;
  expect(status).toBe(200);
  return body.status_code;
}
const lastNotified = () => rig.receiver.received.at(-1)?.body;

describe('a challenged card', () => {
  async function challenged(orderId = 'A'): Promise<void> {
    await rig.order(orderId);
    await rig.pay(orderId, 'credit_card', { card: challengeCard });
  }

  test('[50] the test card is captured and challenged', async () => {
    await challenged();

    const expected = {
      transaction_status: 'capture',
      fraud_status: 'challenge',
      status_code: '201',
      masked_card: '45111111-1117',
    };
    await rig.receiver.toHave(2);
    expect(lastNotified()).toMatchObject(expected);
    expect(lastNotified()?.signature_key).toBe(signatureOf(keyA, lastNotified() ?? {}));
    expect(await rig.status('A')).toMatchObject(expected);
  });

  test('[50] with the switch on, any good card is', async () => {
    await rig.control('/settings', { challengeCards: true }, 'PUT');
    await rig.order('A');
    await rig.pay('A', 'credit_card');
    await rig.order('B');
    await rig.pay('B', 'credit_card', { card: '4711111111111115' });

    expect(await rig.status('A')).toMatchObject({ fraud_status: 'challenge' });
    expect(await rig.status('B')).toMatchObject({ transaction_status: 'deny' });
  });

  test('[50] the page sends the shopper on, and says that it is being checked', async () => {
    const token = await rig.order('A');
    const card = { number: challengeCard, expiry: '12/30', cvv: '123' };
    const { location } = await rig.submit(token, 'card', card);

    expect(location).toContain('status_code=201&transaction_status=capture');
    expect((await rig.page(token)).text).toContain('Being checked');
  });

  test('[50] approved, it is captured, and settles as any other', async () => {
    await challenged();
    const { body } = await act('A', 'approve');

    const approved = {
      transaction_status: 'capture',
      fraud_status: 'accept',
      status_code: '200',
    };
    expect(body).toMatchObject(approved);
    await rig.receiver.toHave(3);
    expect(lastNotified()).toMatchObject(approved);
    expect(await codeOf(act('A', 'approve'))).toBe('412');
    expect(await codeOf(act('A', 'deny'))).toBe('412');
    await rig.advance(2 * day);
    expect(await rig.status('A')).toMatchObject({ transaction_status: 'settlement' });
  });

  test('[50] denied, it is denied, and gives its money back', async () => {
    await challenged();
    const { body } = await act('A', 'deny');

    const denied = { transaction_status: 'deny', fraud_status: 'deny' };
    expect(body).toMatchObject({ ...denied, status_code: '200' });
    await rig.receiver.toHave(3);
    expect(lastNotified()).toMatchObject({ ...denied, status_code: '202' });
    expect(await codeOf(act('A', 'approve'))).toBe('412');
    expect(await rig.attempts('A')).toMatchObject([
      { captured_amount: 150_000, undone_amount: 150_000, net_amount: 0 },
    ]);
  });

  test('[50] ignored, it is cancelled in the settlement run, and good cards are settled', async () => {
    await challenged('A');
    await rig.order('B');
    await rig.pay('B', 'credit_card');

    expect(await rig.control('/settlement-run')).toEqual({ settled: 1 });

    const ended = { transaction_status: 'cancel', fraud_status: 'challenge' };
    expect(await rig.status('A')).toMatchObject(ended);
    expect(await rig.status('B')).toMatchObject({ transaction_status: 'settlement' });
    const sent = (await rig.notifications()).find(({ status }) => status === 'cancel');
    expect(JSON.parse(sent?.deliveries[0]?.body ?? '')).toMatchObject({ status_code: '202' });
  });

  test('[50] ignored, it ends by the clock, too', async () => {
    await challenged();
    await rig.advance(2 * day);

    expect(rig.receiver.statuses()).toEqual(['pending', 'capture', 'cancel']);
  });

  test('[50] it can be cancelled, and neither expired, refunded, captured nor paid again', async () => {
    await challenged();
    const [attempt] = await rig.attempts('A');

    expect(await codeOf(act('A', 'expire'))).toBe('412');
    expect(await codeOf(act('A', 'refund'))).toBe('412');
    const capture = rig.core('POST', 'capture', { transaction_id: attempt?.transaction_id });
    expect(await codeOf(capture)).toBe('412');
    expect(await rig.tryControl('/orders/A/choose', {})).toMatchObject({ status: 409 });
    expect(await codeOf(act('A', 'cancel'))).toBe('200');
  });

  test('[50] nothing else can be approved or denied', async () => {
    const states = { pending: {}, settlement: { outcome: 'paid' }, expire: { outcome: 'expire' } };
    for (const [state, how] of Object.entries(states)) {
      await rig.order(state);
      await rig.pay(state, 'bca_va', { outcome: 'pending', ...how });
    }
    await rig.order('capture');
    await rig.pay('capture', 'credit_card');

    for (const orderId of [...Object.keys(states), 'capture']) {
      expect(await codeOf(act(orderId, 'approve'))).toBe('412');
      expect(await codeOf(act(orderId, 'deny'))).toBe('412');
      expect(await rig.status(orderId)).toMatchObject({ transaction_status: orderId });
    }
  });

  test('[50] the dashboard decides as the calls do', async () => {
    await challenged('A');
    await challenged('B');

    const approved = { status: 'capture', fraud_status: 'accept' };
    expect(await rig.control('/orders/A/approve')).toMatchObject(approved);
    const denied = { status: 'deny', fraud_status: 'deny' };
    expect(await rig.control('/orders/B/deny')).toMatchObject(denied);
    expect(await rig.tryControl('/orders/B/approve', {})).toMatchObject({ status: 409 });
  });
});
