import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tamperModes } from './notifications/tamper.ts';
import { keyA, type Rig, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

/** Pays order A and waits for both notifications. */
async function payA(method = 'bca_va'): Promise<void> {
  await rig.order('A');
  await rig.pay('A', method);
}

const genuine = (body: Record<string, unknown>) =>
  createHash('sha512')
    .update(`${body.order_id}${body.status_code}${body.gross_amount}${keyA}`)
    .digest('hex') === body.signature_key;

describe('the network', () => {
  test('[62] the last notification is duplicated', async () => {
    await payA();
    await rig.control('/notifications/duplicate', { times: 2 });

    await rig.receiver.toHave(4);
    const [, settled, copy, another] = rig.receiver.received.map(({ text }) => text);
    expect([copy, another]).toEqual([settled, settled]);
  });

  test('[61] one of them is sent again', async () => {
    await payA();
    await rig.receiver.toHave(2);
    const [, pending] = await rig.notifications();
    await rig.control(`/notifications/${pending?.id}/resend`);

    await rig.receiver.toHave(3);
    expect(rig.receiver.statuses()).toEqual(['pending', 'settlement', 'pending']);
    expect(await rig.tryControl('/notifications/9999/resend', {})).toMatchObject({ status: 404 });
  });

  test('[62] held notifications go out in reverse order', async () => {
    await rig.control('/notifications/hold');
    await payA('credit_card');
    await rig.control('/settlement-run');
    await rig.advance(60);
    expect(rig.receiver.received).toEqual([]);

    expect(await rig.control('/notifications/release', { order: 'reverse' })).toEqual({
      released: 3,
    });

    await rig.receiver.toHave(3);
    expect(rig.receiver.statuses()).toEqual(['settlement', 'capture', 'pending']);
  });

  test('[62] the next n are dropped, and no retry brings them', async () => {
    await rig.control('/notifications/drop', { next: 1 });
    await payA();
    await rig.advance(6 * 3600);

    expect(rig.receiver.statuses()).toEqual(['settlement']);
    const [, dropped] = await rig.notifications();
    expect(dropped?.deliveries).toMatchObject([{ state: 'dropped', attempts: [] }]);
  });

  test('[62] all are delayed, in emulator time', async () => {
    await rig.control('/notifications/delay', { seconds: 300 });
    await payA();
    await rig.advance(295);
    expect(rig.receiver.received).toEqual([]);

    await rig.advance(5);

    expect(rig.receiver.statuses()).toEqual(['pending', 'settlement']);
  });

  test('deliveries of one order arrive in order, however slow the receiver is', async () => {
    let open = 0;
    let most = 0;
    rig.receiver.respondWith((_received, res) => {
      open += 1;
      most = Math.max(most, open);
      setTimeout(() => {
        open -= 1;
        res.end();
      }, 20);
    });
    await payA();
    await rig.control('/notifications/duplicate', { times: 3 });

    await rig.receiver.toHave(5);
    expect(most).toBe(1);
    expect(rig.receiver.statuses()[0]).toBe('pending');
  });
});

describe('the bank', () => {
  test.each(['permata_va', 'echannel', 'indomaret'])('[64] %s is taken back', async (method) => {
    await payA(method);
    await rig.control('/orders/A/reverse');

    await rig.receiver.toHave(3);
    const reversed = rig.receiver.received[2]?.body;
    expect(reversed).toMatchObject({ transaction_status: 'deny', status_code: '202' });
    expect(reversed?.transaction_id).toBe(rig.receiver.received[1]?.body.transaction_id);
    expect(await rig.status('A')).toMatchObject({ transaction_status: 'deny' });
  });

  test('[64] other methods, and what is not settled, are not', async () => {
    await payA('bca_va');
    await rig.order('B');
    await rig.pay('B', 'permata_va', { outcome: 'pending' });

    for (const orderId of ['A', 'B']) {
      expect(await rig.tryControl(`/orders/${orderId}/reverse`, {})).toMatchObject({ status: 409 });
    }
  });

  test('[68] an expired order is settled late, by another transaction', async () => {
    await rig.order('A');
    await rig.pay('A', 'bca_va', { outcome: 'expire' });
    await rig.control('/orders/A/settle-late');

    await rig.receiver.toHave(3);
    expect(rig.receiver.statuses()).toEqual(['pending', 'expire', 'settlement']);
    const [, expired, late] = rig.receiver.received.map(({ body }) => body.transaction_id);
    expect(late).not.toBe(expired);
    expect(await rig.status('A')).toMatchObject({ transaction_id: late, status_code: '200' });
    expect(await rig.tryControl('/orders/A/settle-late', {})).toMatchObject({ status: 409 });
  });
});

describe('a chargeback', () => {
  async function settled(orderId = 'A'): Promise<void> {
    await rig.order(orderId);
    await rig.pay(orderId, 'credit_card');
    await rig.control('/settlement-run');
  }
  const lastNotified = () => rig.receiver.received.at(-1)?.body;
  const chargeBack = (json: object = {}) => rig.tryControl('/orders/A/chargeback', json);

  test('[65] the whole payment is charged back', async () => {
    await settled();
    expect(await chargeBack({ reason: 'not me' })).toMatchObject({ status: 200 });

    await rig.receiver.toHave(4);
    expect(lastNotified()).toMatchObject({
      transaction_status: 'chargeback',
      status_code: '200',
      gross_amount: '150000.00',
    });
    expect(genuine(lastNotified() ?? {})).toBe(true);
    expect(await rig.status('A')).toMatchObject({ transaction_status: 'chargeback' });
    expect(await rig.attempts('A')).toMatchObject([
      {
        status: 'chargeback',
        captured_amount: 150_000,
        charged_back_amount: 150_000,
        net_amount: 0,
        chargebacks: [
          { amount: 150_000, reason: 'not me', created_at: '2026-01-15T03:00:00.000Z' },
        ],
      },
    ]);
  });

  test('[65] parts add up until all is charged back', async () => {
    await settled();
    await chargeBack({ amount: 50_000 });

    await rig.receiver.toHave(4);
    expect(lastNotified()).toMatchObject({
      transaction_status: 'partial_chargeback',
      status_code: '200',
    });
    expect(await rig.attempts('A')).toMatchObject([
      { charged_back_amount: 50_000, net_amount: 100_000 },
    ]);
    expect(await chargeBack({ amount: 100_001 })).toMatchObject({ status: 409 });
    await chargeBack();
    expect(await rig.attempts('A')).toMatchObject([
      {
        status: 'chargeback',
        net_amount: 0,
        chargebacks: [{ amount: 50_000 }, { amount: 100_000 }],
      },
    ]);
    expect(await chargeBack()).toMatchObject({ status: 409 });
  });

  test('[65] only a settled card has one, and nothing is refunded after it', async () => {
    await rig.order('A');
    await rig.pay('A', 'credit_card');
    expect(await chargeBack()).toMatchObject({ status: 409 });
    await rig.control('/settlement-run');
    await chargeBack({ amount: 1000 });
    await rig.order('B');
    await rig.pay('B', 'gopay');

    expect((await rig.core('POST', 'A/refund')).body).toMatchObject({ status_code: '412' });
    expect((await rig.core('POST', 'A/cancel', null)).body).toMatchObject({ status_code: '412' });
    expect(await rig.tryControl('/orders/B/chargeback', {})).toMatchObject({ status: 409 });
    const [refused] = await rig.attempts('B');
    expect(refused).toMatchObject({ chargebacks: [], net_amount: 150_000 });
  });
});

describe('the forger', () => {
  test('[67] the next n are forged, then they are genuine again', async () => {
    await rig.control('/notifications/tamper', { mode: 'wrong-signature', next: 1 });
    await payA();

    await rig.receiver.toHave(2);
    expect(rig.receiver.received.map(({ body }) => genuine(body))).toEqual([false, true]);
  });

  /** Sends the settlement of order A once more, forged. */
  async function forge(tamper: string) {
    await payA();
    await rig.receiver.toHave(2);
    const [settled] = await rig.notifications();
    await rig.control(`/notifications/${settled?.id}/resend`, { tamper });
    await rig.receiver.toHave(3);
    const { text = '', body = {} } = rig.receiver.received[2] ?? {};
    return { text, body, settled: rig.receiver.received[1]?.body ?? {} };
  }

  test.each([
    ['altered-amount', { gross_amount: '150001.00' }, true],
    ['exponent-amount', { gross_amount: '1.5e+5' }, true],
    ['numeric-status-code', { status_code: 200 }, true],
    ['unknown-transaction-status', { transaction_status: 'succeeded' }, true],
    ['pending-as-settlement', { transaction_status: 'settlement', status_code: '201' }, true],
    ['other-currency', { currency: 'USD' }, true],
    ['other-merchant', { merchant_id: 'G999999999' }, true],
    ['path-as-transaction-id', { transaction_id: expect.stringMatching(/^\.\.\//) }, true],
    ['array-members', { order_id: ['A'], gross_amount: ['150000.00'] }, true],
    ['unknown-order', { order_id: expect.stringMatching(/^unknown-/) }, true],
    ['wrong-signature', { order_id: 'A' }, false],
    ['foreign-key', { order_id: 'A' }, false],
    ['client-key', { order_id: 'A' }, false],
    ['sha256-signature', { signature_key: expect.stringMatching(/^[0-9a-f]{64}$/) }, false],
    ['trimmed-order-id', { order_id: 'A' }, false],
    ['other-order', { order_id: 'AX' }, false],
    ['numeric-amount', { gross_amount: 150_000 }, false],
    ['amount-reformatted', { gross_amount: '150000' }, false],
  ])('[67] %s', async (mode, members, isSigned) => {
    const { body, settled } = await forge(mode);

    expect(body).toMatchObject(members);
    expect(body).not.toEqual(settled);
    expect(genuine(body)).toBe(isSigned);
  });

  test('[67] refund-as-settlement', async () => {
    await payA('gopay');
    await rig.control('/notifications/tamper', { mode: 'refund-as-settlement', next: 1 });
    await rig.control('/orders/A/refund');
    await rig.receiver.toHave(3);

    // It did not come by the same road as the settlement: the forgery is all but the same.
    expect(await rig.status('A')).toMatchObject({ transaction_status: 'refund' });
    expect(rig.receiver.received[2]?.body).toEqual(rig.receiver.received[1]?.body);
  });

  test.each([
    ['missing-signature', 'signature_key'],
    ['missing-order-id', 'order_id'],
    ['missing-status-code', 'status_code'],
    ['missing-transaction-status', 'transaction_status'],
  ])('[67] %s', async (mode, member) => {
    const { body, settled } = await forge(mode);
    const { [member]: _removed, ...rest } = settled;

    expect(body).toEqual(rest);
  });

  test.each([
    ['empty-body', /^$/],
    ['null-body', /^null$/],
    ['array-body', /^\[\{.*\}\]$/],
    ['duplicate-status', /"transaction_status":"pending".*"transaction_status":"settlement"/],
  ])('[67] %s', async (mode, pattern) => {
    expect((await forge(mode)).text).toMatch(pattern);
  });

  test('[67] every mode of the vectors is here', () => {
    expect(tamperModes).toHaveLength(27);
  });
});
