import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { signatureOf } from './signature.ts';
import { type Json, keyA, type Rig, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const day = 24 * 3600;

const act = (id: string, action: string) => rig.core('POST', `${id}/${action}`, null);
async function codeOf(call: Promise<{ status: number; body: Json }>) {
  const { status, body } = await call;
  expect(status).toBe(200);
  return body.status_code;
}
const lastNotified = () => rig.receiver.received.at(-1)?.body;

describe('a reserved card', () => {
  async function reserved(orderId = 'A'): Promise<string> {
    await rig.order(orderId, { credit_card: { secure: true, type: 'authorize' } });
    const done = await rig.pay(orderId, 'credit_card');
    return String(done.transaction_id);
  }
  const capture = (id: string, more: object = {}) =>
    rig.core('POST', 'capture', { transaction_id: id, ...more });

  test('[51] it ends in authorize, and nothing is captured yet', async () => {
    await reserved();

    const expected = { transaction_status: 'authorize', fraud_status: 'accept' };
    await rig.receiver.toHave(2);
    expect(lastNotified()).toMatchObject({ ...expected, status_code: '200' });
    expect(await rig.status('A')).toMatchObject({ ...expected, status_code: '200' });
    expect(await rig.attempts('A')).toMatchObject([{ captured_amount: 0, net_amount: 0 }]);
    expect(await rig.control('/settlement-run')).toEqual({ settled: 0 });
  });

  test('[51] every good card is, while the setting says so', async () => {
    await rig.control('/settings', { reserveCards: true }, 'PUT');
    await rig.order('A');
    await rig.pay('A', 'credit_card');

    expect(await rig.status('A')).toMatchObject({ transaction_status: 'authorize' });
  });

  test('[51] other methods of such an order are settled', async () => {
    await rig.order('A', { credit_card: { type: 'authorize' } });
    await rig.pay('A', 'gopay');

    expect(await rig.status('A')).toMatchObject({ transaction_status: 'settlement' });
  });

  test('[51] an unknown type is refused, and the usual one captures', async () => {
    const typed = (type: unknown) => ({
      transaction_details: { order_id: 'A', gross_amount: 1 },
      credit_card: { type },
    });
    expect(await rig.create(typed('later'))).toMatchObject({ status: 400 });
    expect(await rig.create(typed('authorize_capture'))).toMatchObject({ status: 201 });
    await rig.pay('A', 'credit_card');

    expect(await rig.status('A')).toMatchObject({ transaction_status: 'capture' });
  });

  test('[51] capture takes it, and it settles in the next run', async () => {
    const id = await reserved();
    await rig.advance(2 * day);
    const { body } = await capture(id, { gross_amount: 150_000 });

    const captured = { transaction_status: 'capture', fraud_status: 'accept', status_code: '200' };
    expect(body).toMatchObject({ ...captured, gross_amount: '150000.00' });
    await rig.receiver.toHave(3);
    expect(lastNotified()).toMatchObject(captured);
    expect(await rig.attempts('A')).toMatchObject([
      { captured_amount: 150_000, captured_at: '2026-01-17T03:00:00.000Z' },
    ]);
    await rig.advance(2 * day);
    expect(await rig.status('A')).toMatchObject({ transaction_status: 'settlement' });
  });

  test('[51] without an amount all is captured, and a smaller one is all that is ever paid', async () => {
    const [whole, part] = [await reserved('A'), await reserved('B')];

    expect((await capture(whole)).body).toMatchObject({ gross_amount: '150000.00' });
    const taken = await capture(part, { gross_amount: '60000' });
    expect(taken.body).toMatchObject({ status_code: '200', gross_amount: '60000.00' });
    expect(taken.body.signature_key).toBe(signatureOf(keyA, taken.body));
    expect(await rig.attempts('B')).toMatchObject([
      { gross_amount: 150_000, captured_amount: 60_000, net_amount: 60_000 },
    ]);
    await rig.control('/settlement-run');
    const tooMuch = rig.core('POST', 'B/refund', { amount: 60_001 });
    expect(await codeOf(tooMuch)).toBe('414');
    expect((await rig.core('POST', 'B/refund')).body).toMatchObject({
      transaction_status: 'refund',
      refund_amount: '60000.00',
    });
  });

  test('[51] no more than was reserved, nothing, and no fraction can be captured', async () => {
    const id = await reserved();

    expect(await codeOf(capture(id, { gross_amount: 150_001 }))).toBe('412');
    expect(await codeOf(capture(id, { gross_amount: 0 }))).toBe('412');
    expect(await codeOf(capture(id, { gross_amount: 1000.5 }))).toBe('400');
    expect(await codeOf(capture(id, { gross_amount: 'abc' }))).toBe('400');
    expect(await codeOf(rig.core('POST', 'capture', {}))).toBe('400');
    expect(await rig.status('A')).toMatchObject({ transaction_status: 'authorize' });
  });

  test('[51] the transaction is named by its own id, and captured once', async () => {
    const id = await reserved();

    expect(await codeOf(capture('A'))).toBe('404');
    expect(await codeOf(capture('NONE'))).toBe('404');
    expect(await codeOf(capture(id))).toBe('200');
    expect(await codeOf(capture(id))).toBe('412');
  });

  test('[51] what is not reserved cannot be captured', async () => {
    await rig.order('PENDING');
    await rig.pay('PENDING', 'bca_va', { outcome: 'pending' });
    await rig.order('CAPTURE');
    await rig.pay('CAPTURE', 'credit_card');
    await rig.order('SETTLEMENT');
    await rig.pay('SETTLEMENT', 'gopay');

    for (const orderId of ['PENDING', 'CAPTURE', 'SETTLEMENT']) {
      const { transaction_id: id } = await rig.status(orderId);
      expect(await codeOf(capture(String(id)))).toBe('412');
    }
  });

  test('[51] cancel releases it; refund, expire, approve and deny do not work on it', async () => {
    const id = await reserved();
    for (const action of ['refund', 'expire', 'approve', 'deny']) {
      expect(await codeOf(act('A', action))).toBe('412');
    }

    expect(await codeOf(act('A', 'cancel'))).toBe('200');

    await rig.receiver.toHave(3);
    expect(lastNotified()).toMatchObject({ transaction_status: 'cancel', status_code: '202' });
    expect(await codeOf(capture(id))).toBe('412');
    expect(await rig.attempts('A')).toMatchObject([{ captured_amount: 0, net_amount: 0 }]);
  });

  test('[51] it expires by the clock after a week, or as it is set', async () => {
    await reserved('A');
    await rig.control('/settings', { authorizeLifeSeconds: 3600 }, 'PUT');
    await reserved('B');

    await rig.advance(3600);
    expect(await rig.status('B')).toMatchObject({ transaction_status: 'expire' });
    await rig.advance(7 * day - 3601);
    expect(await rig.status('A')).toMatchObject({ transaction_status: 'authorize' });
    await rig.advance(1);
    expect(await rig.status('A')).toMatchObject({ transaction_status: 'expire' });
    expect(lastNotified()).toMatchObject({
      order_id: 'A',
      transaction_status: 'expire',
      status_code: '202',
    });
  });

  test('[51] the order is taken while it lasts, and its page says so', async () => {
    const token = await rig.order('A', { credit_card: { type: 'authorize' } });
    await rig.pay('A', 'credit_card');

    expect(await rig.tryControl('/orders/A/choose', {})).toMatchObject({ status: 409 });
    expect((await rig.page(token)).text).toContain('Reserved on your card');
    expect(
      await rig.create({ transaction_details: { order_id: 'A', gross_amount: 1 } }),
    ).toMatchObject({ status: 400 });
  });

  test('[51] the dashboard captures, and the bank may deny', async () => {
    await reserved('A');
    await reserved('B');

    const captured = { status: 'capture', captured_amount: 60_000 };
    expect(await rig.control('/orders/A/capture', { amount: 60_000 })).toMatchObject(captured);
    expect(await rig.control('/orders/B/deny')).toMatchObject({ status: 'deny' });
  });
});
