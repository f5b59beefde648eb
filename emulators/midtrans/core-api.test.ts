import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { signatureOf } from './signature.ts';
import { basic, keyA, keyB, type Rig, rawRequest, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

async function paid(orderId: string, method: string, more = {}): Promise<void> {
  await rig.order(orderId);
  await rig.pay(orderId, method, more);
}
const refund = (id: string, json?: unknown) => rig.core('POST', `${id}/refund`, json);
const codeOf = async (call: Promise<{ status: number; body: Record<string, unknown> }>) => {
  const { status, body } = await call;
  expect(status).toBe(200);
  return body.status_code;
};

describe('asking', () => {
  test('[39] before a choice there is no transaction', async () => {
    await rig.order('A');
    const [one, two] = [await rig.call('/v2/A/status'), await rig.call('/v2/A/status')];

    const missing = { status_code: '404', status_message: "Transaction doesn't exist." };
    expect(one).toMatchObject({ status: 200, body: missing });
    expect(one.body.id).not.toBe(two.body.id);
  });

  test('[40] both ids give the same body', async () => {
    await paid('A', 'bca_va');
    const byOrder = await rig.status('A');

    expect(await rig.status(String(byOrder.transaction_id))).toEqual(byOrder);
  });

  test('[40] of several attempts the order id means the paid one, or the newest', async () => {
    await paid('A', 'bca_va', { outcome: 'deny' });
    await rig.pay('A', 'dana', { outcome: 'deny' });
    expect(await rig.status('A')).toMatchObject({ payment_type: 'dana' });

    await rig.pay('A', 'bca_va', { outcome: 'expire' });
    await rig.order('A');
    await rig.control('/orders/A/settle-late');
    const [first] = await rig.attempts('A');

    expect(await rig.status('A')).toMatchObject({ transaction_status: 'settlement' });
    expect(await rig.status(String(first?.transaction_id))).toMatchObject({ status_code: '202' });
  });

  test.each([
    ['pending', '201'],
    ['paid', '200'],
    ['expire', '407'],
    ['cancel', '200'],
    ['deny', '202'],
  ])('[41] %s answers %s in the body, and signs it', async (outcome, code) => {
    await paid('A', 'bca_va', { outcome });
    const { status, body } = await rig.call('/v2/A/status');

    expect(status).toBe(200);
    expect(body.status_code).toBe(code);
    expect(body.signature_key).toBe(signatureOf(keyA, body));
  });

  test('[42] a GET may carry a body', async () => {
    const headers = {
      authorization: basic(keyA),
      'content-type': 'application/json',
      'content-length': '2',
    };

    const answer = await rawRequest(`${rig.url}/v2/A/status`, { headers, body: '{}' });
    expect(answer.status).toBe(200);
  });

  test('[54] amounts and codes are strings, times have no offset', async () => {
    await paid('A', 'bca_va');
    const body = await rig.status('A');

    expect(body.gross_amount).toBe('150000.00');
    expect(body.status_code).toBe('200');
    expect(body.transaction_time).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  });

  test('[55] an id is decoded once and never leads to another order', async () => {
    await rig.control('/settings', { strictOrderIds: false }, 'PUT');
    await paid('A', 'bca_va');
    for (const orderId of ['A/B', 'A%20B']) {
      await rig.order(orderId);
      await rig.pay(encodeURIComponent(orderId), 'dana');
    }

    expect(await rig.status('A%2FB')).toMatchObject({ order_id: 'A/B' });
    expect(await rig.status('A%2520B')).toMatchObject({ order_id: 'A%20B' });
    expect(await rig.status('A%20B')).toMatchObject({ status_code: '404' });
    expect(await rig.call('/v2/x/A/status')).toMatchObject({ status: 404 });
    expect(await rig.call('/v2/x%2F..%2FA/status')).toMatchObject({ body: { status_code: '404' } });
    expect(await rig.call('/v2/%E0%A4%A/status')).toMatchObject({ status: 400 });
  });

  test('a wrong key is told by HTTP', async () => {
    const headers = { authorization: 'Basic nonsense' };

    expect(await rig.call('/v2/A/status', { headers })).toMatchObject({
      status: 401,
      body: { status_code: '401' },
    });
  });

  test('[3] the transaction of another merchant does not exist', async () => {
    await paid('A', 'bca_va', { outcome: 'pending' });
    const { transaction_id: id } = await rig.status('A');

    for (const name of ['A', String(id)]) {
      expect(await rig.status(name, { key: keyB })).toMatchObject({ status_code: '404' });
      const canceled = rig.core('POST', `${name}/cancel`, null, { key: keyB });
      expect(await codeOf(canceled)).toBe('404');
    }
    expect(await rig.status('A')).toMatchObject({ transaction_status: 'pending' });
  });
});

describe('changing', () => {
  test.each(['cancel', 'expire', 'approve', 'deny'])(
    '[43] %s takes null, {} and nothing',
    async (action) => {
      for (const [index, body] of ['null', '{}', undefined].entries()) {
        const orderId = `A-${index}`;
        await paid(orderId, 'bca_va', { outcome: 'pending' });
        const headers = { 'content-type': 'application/json' };
        const { status, body: answer } = await rig.call(`/v2/${orderId}/${action}`, {
          method: 'POST',
          headers,
          ...(body !== undefined && { body }),
        });

        expect(status).toBe(200);
        expect(answer.status_code).toBe({ cancel: '200', expire: '407' }[action] ?? '412');
      }
    },
  );

  test.each([
    ['bca_va', 'pending'],
    ['credit_card', 'paid'],
  ])('[44] cancel works on %s that is %s', async (method, outcome) => {
    await paid('A', method, { outcome });
    const { body } = await rig.core('POST', 'A/cancel', null);

    expect(body).toMatchObject({ status_code: '200', transaction_status: 'cancel' });
    await rig.advance(1);
    expect(rig.receiver.received.at(-1)?.body).toMatchObject({
      transaction_status: 'cancel',
      status_code: '202',
    });
  });

  test('[44] cancel does not work on settlement', async () => {
    await paid('A', 'bca_va');

    expect(await codeOf(rig.core('POST', 'A/cancel', null))).toBe('412');
    expect(await rig.status('A')).toMatchObject({ transaction_status: 'settlement' });
  });

  test('[45] expire answers 407 with HTTP 200, and 412 on anything but pending', async () => {
    await paid('A', 'bca_va', { outcome: 'pending' });
    await paid('CARD', 'credit_card');
    const { status, body } = await rig.core('POST', 'A/expire', null);

    expect(status).toBe(200);
    expect(body).toMatchObject({ status_code: '407', transaction_status: 'expire' });
    expect(body.status_message).toBe('Success, transaction has expired');
    expect(await codeOf(rig.core('POST', 'A/expire', null))).toBe('412');
    expect(await codeOf(rig.core('POST', 'CARD/expire', null))).toBe('412');
    expect(await codeOf(rig.core('POST', 'NONE/expire', null))).toBe('404');
  });
});

describe('refunds', () => {
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

  test.each(['bca_va', 'permata_va', 'echannel', 'indomaret'])(
    '[47] %s has no refunds',
    async (method) => {
      await paid('A', method);

      expect(await codeOf(refund('A'))).toBe('412');
    },
  );

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
