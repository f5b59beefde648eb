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

  test('a paid order that is paid once more by another attempt has both, and its id means the newer', async () => {
    await paid('A', 'gopay');
    await rig.control('/orders/A/pay-besides');
    const [first, second] = await rig.attempts('A');

    expect(first).toMatchObject({ status: 'settlement', net_amount: 150_000 });
    expect(second).toMatchObject({ status: 'settlement', net_amount: 150_000 });
    expect(await rig.status('A')).toMatchObject({ transaction_id: second?.transaction_id });
  });

  test('what is paid besides a card that fraud screening holds is not held', async () => {
    await rig.control('/settings', { challengeCards: true }, 'PUT');
    await paid('A', 'credit_card');
    await rig.control('/orders/A/pay-besides');

    expect(await rig.status('A')).toMatchObject({
      transaction_status: 'settlement',
      fraud_status: 'accept',
    });
  });

  test('nothing is paid besides an attempt that has not paid', async () => {
    await paid('A', 'gopay', { outcome: 'pending' });

    expect(await rig.tryControl('/orders/A/pay-besides', {})).toMatchObject({ status: 409 });
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

  test.each([
    ['GET', 'A/status'],
    ['GET', 'A/status/b2b'],
    ['POST', 'A/cancel'],
    ['POST', 'A/refund'],
    ['POST', 'A/refund/online/direct'],
    ['POST', 'capture'],
  ])('[52] a wrong key is told by HTTP: %s %s', async (method, path) => {
    const headers = { authorization: 'Basic nonsense' };

    expect(await rig.call(`/v2/${path}`, { method, headers })).toMatchObject({
      status: 401,
      body: { status_code: '401' },
    });
  });

  test('[3] [52] the transaction of another merchant does not exist', async () => {
    await paid('A', 'bca_va', { outcome: 'pending' });
    const { transaction_id: id } = await rig.status('A');

    for (const name of ['A', String(id)]) {
      expect(await rig.status(name, { key: keyB })).toMatchObject({ status_code: '404' });
      for (const action of ['cancel', 'expire', 'approve', 'deny', 'refund']) {
        const refused = rig.core('POST', `${name}/${action}`, null, { key: keyB });
        expect(await codeOf(refused)).toBe('404');
      }
    }
    const capture = rig.core('POST', 'capture', { transaction_id: id }, { key: keyB });
    expect(await codeOf(capture)).toBe('404');
    expect(await codeOf(rig.call('/v2/A/status/b2b', { key: keyB }))).toBe('404');
    expect(await rig.status('A')).toMatchObject({ transaction_status: 'pending' });
  });
});

describe('history', () => {
  /** The transaction ids on one page of the history. */
  async function pageOf(query: string): Promise<unknown[]> {
    const { status, body } = await rig.call(`/v2/A/status/b2b${query}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ status_code: '200' });
    return (body.transactions as { transaction_id: string }[]).map((one) => one.transaction_id);
  }

  test('[53] it pages through the attempts of an order, newest first', async () => {
    await rig.order('A');
    for (let attempt = 0; attempt < 12; attempt += 1) {
      await rig.pay('A', 'dana', { outcome: 'deny' });
    }
    const ids = (await rig.attempts('A')).map((one) => one.transaction_id).reverse();

    expect(await pageOf('')).toEqual(ids.slice(0, 10));
    expect(await pageOf('?page=1')).toEqual(ids.slice(10));
    expect(await pageOf('?page=1&per_page=5')).toEqual(ids.slice(5, 10));
    expect(await pageOf('?page=2')).toEqual([]);
    expect(await pageOf('?page=x&per_page=-1')).toEqual(ids.slice(0, 10));
  });

  test('[53] each of them is a signed status of its own, and an unknown order has none', async () => {
    await paid('A', 'bca_va', { outcome: 'deny' });
    await rig.pay('A', 'gopay');
    const { body } = await rig.core('GET', 'A/status/b2b');

    const [newest, oldest] = body.transactions as Record<string, unknown>[];
    expect(newest).toEqual(await rig.status('A'));
    expect(oldest).toMatchObject({ transaction_status: 'deny', status_code: '202' });
    expect(oldest?.signature_key).toBe(signatureOf(keyA, oldest ?? {}));
    expect(await codeOf(rig.call('/v2/NONE/status/b2b'))).toBe('404');
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
