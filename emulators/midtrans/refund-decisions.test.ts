import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Json, type Rig, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const day = 24 * 3600;

async function paid(orderId: string, method: string, more = {}): Promise<void> {
  await rig.order(orderId);
  await rig.pay(orderId, method, more);
}
const refund = (id: string, json?: unknown) => rig.core('POST', `${id}/refund`, json);
const refundDirectly = (id: string, json?: unknown) =>
  rig.core('POST', `${id}/refund/online/direct`, json);
const codeOf = async (call: ReturnType<typeof refund>) => {
  const { status, body } = await call;
  expect(status).toBe(200);
  return body.status_code;
};
const refuseNext = (count: number) => rig.control('/settings', { refuseRefunds: count }, 'PUT');
/** The refunds of order A in the books. */
async function booked(): Promise<Json[]> {
  const [transaction] = await rig.attempts('A');
  return transaction?.refunds as Json[];
}

describe('the bank', () => {
  test('[48] an ordinary refund stands in the books as accepted until the bank confirms it', async () => {
    await rig.control('/settings', { refundConfirmSeconds: 2 * day }, 'PUT');
    await paid('A', 'gopay');
    await refund('A', { refund_key: 'r1' });

    await rig.advance(2 * day - 1);
    const accepted = { refund_key: 'r1', amount: 150_000, state: 'accepted' };
    expect(await booked()).toEqual([{ ...accepted, created_at: '2026-01-15T03:00:00.000Z' }]);
    await rig.advance(1);

    const confirmed = { state: 'confirmed', confirmed_at: '2026-01-17T03:00:00.000Z' };
    expect(await booked()).toMatchObject([{ ...accepted, ...confirmed }]);
  });

  test('[48] a direct refund is confirmed at once, and notifies once', async () => {
    await paid('A', 'gopay');
    const { body } = await refundDirectly('A', { refund_key: 'r1', amount: 50_000 });

    expect(body).toMatchObject({
      status_code: '200',
      status_message: 'Success, refund request is approved by the bank',
      transaction_status: 'partial_refund',
      refund_amount: '50000.00',
    });
    await rig.advance(day);
    await rig.receiver.toHave(3);
    expect(rig.receiver.received[2]?.body).toMatchObject({
      transaction_status: 'partial_refund',
      refunds: [{ refund_key: 'r1', bank_confirmed_at: '2026-01-15 10:00:00' }],
    });
    expect(await booked()).toMatchObject([{ state: 'confirmed' }]);
  });

  test('[49] a direct refund that the bank denies changes nothing and tells nobody', async () => {
    await paid('A', 'gopay');
    await refuseNext(1);
    const { status, body } = await refundDirectly('A', { refund_key: 'r1', amount: 50_000 });

    expect(status).toBe(200);
    expect(body).toMatchObject({
      status_code: '202',
      status_message: 'Refund denied by the bank',
      transaction_status: 'settlement',
      refund_amount: '0.00',
      refund_key: 'r1',
    });
    await rig.advance(day);
    expect(rig.receiver.statuses()).toEqual(['pending', 'settlement']);
    const state = await rig.status('A');
    expect(state).toMatchObject({ transaction_status: 'settlement', status_code: '200' });
    expect(state).not.toHaveProperty('refunds');
    expect(await booked()).toMatchObject([{ refund_key: 'r1', amount: 50_000, state: 'refused' }]);
  });

  test('[49] a denied part leaves what was refunded before', async () => {
    await paid('A', 'gopay');
    await refundDirectly('A', { refund_key: 'r1', amount: 50_000 });
    await refuseNext(1);
    const { body } = await refundDirectly('A', { refund_key: 'r2', amount: 100_000 });

    expect(body).toMatchObject({
      status_code: '202',
      transaction_status: 'partial_refund',
      refund_amount: '0.00',
    });
    expect(await rig.status('A')).toMatchObject({
      transaction_status: 'partial_refund',
      refund_amount: '50000.00',
    });
  });

  test('[47] [49] a key whose refund was denied may be used again, until it succeeds', async () => {
    await paid('A', 'gopay');
    await refuseNext(2);
    const again = { refund_key: 'r1', amount: 50_000 };

    expect(await codeOf(refundDirectly('A', again))).toBe('202');
    expect(await codeOf(refundDirectly('A', again))).toBe('202');
    expect(await codeOf(refundDirectly('A', again))).toBe('200');
    expect(await codeOf(refundDirectly('A', again))).toBe('406');
    const states = (await booked()).map(({ state }) => state);
    expect(states).toEqual(['refused', 'refused', 'confirmed']);
  });

  test('[49] an accepted refund that the bank refuses later is undone, and tells nobody', async () => {
    await paid('A', 'gopay');
    await refuseNext(1);
    expect(await codeOf(refund('A', { refund_key: 'r1' }))).toBe('200');
    expect(await rig.status('A')).toMatchObject({ transaction_status: 'refund' });
    expect(await codeOf(refund('A', { refund_key: 'r1' }))).toBe('406');

    await rig.advance(60);

    const state = await rig.status('A');
    expect(state).toMatchObject({ transaction_status: 'settlement', status_code: '200' });
    expect(state).not.toHaveProperty('refund_amount');
    expect(rig.receiver.statuses()).toEqual(['pending', 'settlement', 'refund']);
    expect(await booked()).toMatchObject([
      { state: 'refused', refused_at: '2026-01-15T03:01:00.000Z' },
    ]);
    expect(await codeOf(refund('A', { refund_key: 'r1' }))).toBe('200');
  });

  test('[49] of two accepted refunds the one that stands keeps its number', async () => {
    await paid('A', 'gopay');
    await refuseNext(1);
    await refund('A', { refund_key: 'r1', amount: 50_000 });
    await refund('A', { refund_key: 'r2', amount: 100_000 });
    expect(await rig.status('A')).toMatchObject({ transaction_status: 'refund' });

    await rig.advance(60);

    expect(await rig.status('A')).toMatchObject({
      transaction_status: 'partial_refund',
      refund_amount: '100000.00',
      refunds: [{ refund_chargeback_id: 2, refund_key: 'r2' }],
    });
  });

  test('[49] by control the bank decides now, and once', async () => {
    await paid('A', 'gopay');
    await refund('A', { refund_key: 'r1', amount: 1000 });
    await refund('A', { refund_key: 'r2', amount: 2000 });
    const decide = (refundKey: string, verdict: string) =>
      rig.tryControl('/orders/A/decide-refund', { refundKey, verdict });

    expect(await decide('r1', 'refuse')).toMatchObject({ status: 200 });
    expect(await decide('r2', 'confirm')).toMatchObject({ status: 200 });
    expect(await decide('r2', 'refuse')).toMatchObject({ status: 404 });

    await rig.advance(day);
    expect(await booked()).toMatchObject([
      { refund_key: 'r1', state: 'refused' },
      { refund_key: 'r2', state: 'confirmed' },
    ]);
    expect(await rig.status('A')).toMatchObject({ refund_amount: '2000.00' });
  });
});

describe('fifty refunds at once', () => {
  const fifty = Array.from({ length: 50 }, (_none, index) => index);
  /** Half of them by each call. */
  const ask = (index: number, json: object) =>
    codeOf(index % 2 === 0 ? refund('A', json) : refundDirectly('A', json));

  test('with different keys they never come to more than was captured', async () => {
    await paid('A', 'gopay');
    const codes = await Promise.all(
      fifty.map((index) => ask(index, { refund_key: `r${index}`, amount: 7000 })),
    );

    expect(codes.filter((code) => code === '200')).toHaveLength(21);
    expect(codes.filter((code) => code === '414')).toHaveLength(29);
    expect(await booked()).toHaveLength(21);
    const [transaction] = await rig.attempts('A');
    expect(transaction).toMatchObject({
      status: 'partial_refund',
      captured_amount: 150_000,
      refunded_amount: 147_000,
      net_amount: 3000,
    });
  });

  test('with one key they are one refund', async () => {
    await paid('A', 'gopay');
    const codes = await Promise.all(
      fifty.map((index) => ask(index, { refund_key: 'r1', amount: 1000 })),
    );

    expect(codes.filter((code) => code === '200')).toHaveLength(1);
    expect(codes.filter((code) => code === '406')).toHaveLength(49);
    expect(await booked()).toMatchObject([{ refund_key: 'r1', amount: 1000 }]);
  });
});
