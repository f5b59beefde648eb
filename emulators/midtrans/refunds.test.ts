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
/** The refunds of order A in the books. */
async function booked(): Promise<Json[]> {
  const [transaction] = await rig.attempts('A');
  return transaction?.refunds as Json[];
}

describe('asking for a refund', () => {
  test('[46] without a body the whole amount goes back', async () => {
    await paid('A', 'gopay');
    const { body } = await refund('A');

    expect(body).toMatchObject({
      status_code: '200',
      transaction_status: 'refund',
      refund_amount: '150000.00',
      refund_chargeback_id: 1,
      refund_key: expect.any(String),
    });
  });

  test('[46] parts add up until all is refunded', async () => {
    await paid('A', 'gopay');

    const part = await refund('A', { refund_key: 'r1', amount: 50_000, reason: 'broken' });
    expect(part.body).toMatchObject({ transaction_status: 'partial_refund', refund_key: 'r1' });
    const rest = await refund('A', { refund_key: 'r2', amount: 100_000 });
    expect(rest.body).toMatchObject({ transaction_status: 'refund', refund_amount: '100000.00' });
    expect(await rig.status('A')).toMatchObject({
      status_code: '200',
      refund_amount: '150000.00',
      refunds: [
        { refund_chargeback_id: 1, refund_amount: '50000.00', refund_key: 'r1', reason: 'broken' },
        { refund_chargeback_id: 2, refund_amount: '100000.00', refund_key: 'r2' },
      ],
    });
  });

  test('[47] no more than what is left, and no key twice', async () => {
    await paid('A', 'gopay');
    await refund('A', { refund_key: 'r1', amount: 100_000 });

    expect(await codeOf(refund('A', { refund_key: 'r2', amount: 50_001 }))).toBe('414');
    expect(await codeOf(refund('A', { refund_key: 'r1', amount: 100_000 }))).toBe('406');
    expect(await codeOf(refund('A', { refund_key: 'r3', amount: 0 }))).toBe('414');
    expect(await codeOf(refund('A', { refund_key: 'r4', amount: 'abc' }))).toBe('414');
    expect(await codeOf(refund('A', { refund_key: 'r5', amount: '50000' }))).toBe('200');
    expect(await codeOf(refund('A', { refund_key: 'r1', amount: 100_000 }))).toBe('406');
    expect(await codeOf(refund('A', { refund_key: 'r6', amount: 1 }))).toBe('412');
  });

  test.each(['bca_va', 'permata_va', 'echannel', 'indomaret', 'cimb_clicks'])(
    '[47] %s has no refunds',
    async (method) => {
      await rig.order('A', { enabled_payments: [method] });
      await rig.pay('A', method);

      expect(await codeOf(refund('A'))).toBe('412');
      expect(await codeOf(refundDirectly('A'))).toBe('412');
    },
  );

  test.each([
    ['ovo', 7],
    ['kredivo', 14],
    ['gopay', 45],
    ['dana', 45],
    ['shopeepay', 365],
  ])('[47] %s has refunds for %i days', async (method, days) => {
    await paid('A', method);
    await paid('B', method);

    await rig.advance(days * day);
    expect(await codeOf(refund('A'))).toBe('200');
    await rig.advance(1);
    expect(await codeOf(refund('B'))).toBe('412');
  });

  test.each(['', 'a b', 'a/b', 'ä', 'a.b', 'x'.repeat(256), 7])(
    '[47] %j is no refund key',
    async (key) => {
      await paid('A', 'gopay');

      expect(await codeOf(refund('A', { refund_key: key, amount: 1 }))).toBe('400');
      expect(await booked()).toEqual([]);
    },
  );

  test('[47] without a key each request is a refund of its own, and gets a key', async () => {
    await paid('A', 'gopay');
    await refund('A', { amount: 1000 });
    await refund('A', { amount: 1000 });

    const keys = (await booked()).map((one) => one.refund_key);
    expect(new Set(keys).size).toBe(2);
  });

  test('[47] nothing is refunded before it is settled', async () => {
    await paid('PENDING', 'gopay', { outcome: 'pending' });
    await paid('CAPTURE', 'credit_card');

    expect(await codeOf(refund('PENDING'))).toBe('412');
    expect(await codeOf(refund('CAPTURE'))).toBe('412');
    await rig.control('/settlement-run');
    expect(await codeOf(refund('CAPTURE'))).toBe('200');
  });

  test.each(['shopeepay', 'ovo'])('[47] %s has only whole refunds', async (method) => {
    await paid('A', method);

    expect(await codeOf(refund('A', { amount: 1000 }))).toBe('412');
    expect(await codeOf(refund('A', { amount: 150_000 }))).toBe('200');
  });

  test('[48] a refund notifies twice, the second time with the bank’s word', async () => {
    await paid('A', 'gopay');
    await refund('A', { refund_key: 'r1', amount: 50_000 });
    await rig.receiver.toHave(3);
    const first = rig.receiver.received[2]?.body;
    expect(first).toMatchObject({
      transaction_status: 'partial_refund',
      refund_amount: '50000.00',
    });
    expect(JSON.stringify(first)).not.toContain('bank_confirmed_at');

    await rig.advance(60);

    await rig.receiver.toHave(4);
    const confirmed = { refund_key: 'r1', bank_confirmed_at: expect.stringMatching(/^2026-01-15/) };
    expect(rig.receiver.received[3]?.body).toMatchObject({
      transaction_status: 'partial_refund',
      refund_amount: '50000.00',
      refunds: [confirmed],
    });
    await rig.advance(3600);
    await rig.receiver.toHave(4);
  });
});
