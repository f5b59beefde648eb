import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { signatureOf } from './signature.ts';
import { keyA, keyB, type Rig, startReceiver, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const minutes = (count: number) => count * 60;
/** The one delivery of the newest notification. */
async function lastDelivery() {
  const [newest] = await rig.notifications();
  const delivery = newest?.deliveries[0];
  if (!delivery) throw new Error('Nothing was sent.');
  return delivery;
}
/** Makes one notification, `pending`. */
async function notifyOnce(orderId = 'A'): Promise<void> {
  await rig.order(orderId);
  await rig.pay(orderId, 'bca_va', { outcome: 'pending' });
}

describe('what is sent', () => {
  test('[56] a signed JSON post by Veritrans', async () => {
    await notifyOnce();
    await rig.receiver.toHave(1);

    expect(rig.receiver.received[0]).toMatchObject({
      method: 'POST',
      headers: {
        'user-agent': 'Veritrans',
        accept: 'application/json',
        'content-type': 'application/json',
      },
      body: {
        signature_key: createHash('sha512').update(`A201150000.00${keyA}`).digest('hex'),
      },
    });
  });

  test('[56] the digest that the reference gives comes out', () => {
    const body = { order_id: 'A-CC-0001', status_code: '200', gross_amount: '10000.00' };

    expect(signatureOf(keyA, body).startsWith('a08b45d212da321ca5b19f04c011806c')).toBe(true);
  });

  test('[61] every attempt is in the log, with its body, code and duration', async () => {
    rig.receiver.answer(500, 200);
    await notifyOnce();
    await rig.advance(minutes(2));
    const delivery = await lastDelivery();

    expect(delivery).toMatchObject({ state: 'delivered', url: `${rig.receiver.url}/notify` });
    expect(delivery.body).toBe(rig.receiver.received[0]?.text);
    expect(delivery.attempts).toMatchObject([
      { code: 500, durationMs: expect.any(Number) },
      { code: 200, durationMs: expect.any(Number) },
    ]);
    await rig.control('/notifications', undefined, 'DELETE');
    expect(await rig.notifications()).toEqual([]);
  });

  test('[63] the dashboard’s test is signed, and about no order', async () => {
    await rig.control('/notifications/test', { merchantId: 'G100000001' });
    await rig.receiver.toHave(1);
    const body = rig.receiver.received[0]?.body ?? {};
    const orderId = String(body.order_id);

    expect(orderId).toMatch(/^payment_notif_test_G100000001_[0-9a-f-]{36}$/);
    expect(orderId).toHaveLength(66);
    const signature = createHash('sha512').update(`${orderId}200105000.00${keyA}`).digest('hex');
    expect(body).toMatchObject({ payment_type: 'gopay', signature_key: signature });
    expect(await rig.status(orderId)).toMatchObject({ status_code: '404' });
  });

  test('[69] each method has its own fields', async () => {
    for (const method of ['indomaret', 'permata_va', 'bca_va', 'bni_va']) {
      await rig.order(method);
      await rig.pay(method, method);
    }
    const bodyOf = (id: string) =>
      rig.receiver.received.findLast(({ body }) => body.order_id === id)?.body;
    await rig.receiver.toHave(8);

    expect(bodyOf('indomaret')).toMatchObject({
      store: 'indomaret',
      transaction_status: 'settlement',
    });
    expect(bodyOf('indomaret')).not.toHaveProperty('fraud_status');
    expect(bodyOf('permata_va')).toHaveProperty('permata_va_number');
    expect(bodyOf('permata_va')).not.toHaveProperty('va_numbers');
    expect(bodyOf('bca_va')).toMatchObject({ payment_amounts: [], fraud_status: 'accept' });
    const payment = { paid_at: expect.any(String), amount: '150000.00' };
    expect(bodyOf('bni_va')).toMatchObject({ payment_amounts: [payment] });
  });
});

describe('answers and retries', () => {
  test.each([
    [200, 0, 'delivered'],
    [204, 0, 'delivered'],
    [500, 1, 'failed'],
    [503, 4, 'failed'],
    [400, 2, 'failed'],
    [404, 2, 'failed'],
    [301, 0, 'failed'],
    [302, 0, 'failed'],
    [303, 0, 'failed'],
    [502, 5, 'failed'],
    [403, 5, 'failed'],
  ])('[57] %i gets %i retries', async (code, retries, state) => {
    rig.receiver.answer(code);
    await notifyOnce();
    await rig.advance(minutes(360));

    expect(await lastDelivery()).toMatchObject({ state, retries });
    expect(rig.receiver.received).toHaveLength(retries + 1);
  });

  test('[57] a broken connection gets five', async () => {
    rig.receiver.respondWith((_received, res) => res.socket?.destroy());
    await notifyOnce();
    await rig.advance(minutes(360));

    expect(await lastDelivery()).toMatchObject({ state: 'failed', retries: 5 });
  });

  test('[58] retries come after 2, 10, 30, 90 and 210 minutes', async () => {
    rig.receiver.answer(502);
    await notifyOnce();
    await rig.receiver.toHave(1);

    for (const [index, delay] of [2, 10, 30, 90, 210].entries()) {
      await rig.advance(minutes(delay) - 30);
      expect(rig.receiver.received).toHaveLength(index + 1);
      await rig.advance(30);
      expect(rig.receiver.received).toHaveLength(index + 2);
    }
  });

  test('[58] with jitter they are shifted, the first to half a minute at the earliest', async () => {
    await rig.close();
    rig = await startRig({ random: () => 0 });
    await rig.control('/settings', { retryJitter: true }, 'PUT');
    rig.receiver.answer(503);
    await notifyOnce();
    await rig.receiver.toHave(1);

    await rig.advance(28);
    expect(rig.receiver.received).toHaveLength(1);
    await rig.advance(2);
    expect(rig.receiver.received).toHaveLength(2);
  });

  test.each([307, 308])('[59] %i is followed with the same body', async (code) => {
    rig.receiver.respondWith(({ path }, res) => {
      if (path === '/notify') res.writeHead(code, { location: '/moved' });
      res.end();
    });
    await notifyOnce();
    await rig.receiver.toHave(2);
    await rig.advance(1);

    const [first, second] = rig.receiver.received;
    expect(second).toMatchObject({ path: '/moved', method: 'POST', text: first?.text });
    expect(await lastDelivery()).toMatchObject({ state: 'delivered' });
  });

  test('[59] after five hops it is a failure', async () => {
    rig.receiver.respondWith((_received, res) => res.writeHead(307, { location: '/again' }).end());
    await notifyOnce();
    await rig.advance(minutes(360));

    expect(rig.receiver.received).toHaveLength(6);
    expect(await lastDelivery()).toMatchObject({ state: 'failed', attempts: [{ code: 307 }] });
  });

  test('[60] a receiver that takes too long is a timeout', async () => {
    const limit = { notificationTimeoutMs: 50 };
    expect(await rig.control('/settings', {}, 'PUT')).toMatchObject({
      notificationTimeoutMs: 15_000,
    });
    await rig.control('/settings', limit, 'PUT');
    rig.receiver.respondWith(() => undefined);
    await notifyOnce();
    await rig.advance(1);

    expect(await lastDelivery()).toMatchObject({
      state: 'queued',
      retries: 1,
      attempts: [{ error: 'timeout' }],
    });
  });
});

describe('where it is sent', () => {
  test('[70] each address has a delivery of its own', async () => {
    const broken = await startReceiver();
    broken.respondWith(() => undefined); // never answers
    const header = { 'x-append-notification': `${broken.url}/stuck` };
    await rig.order('A', {}, { headers: header });
    await rig.pay('A', 'bca_va');

    await rig.receiver.toHave(2);
    expect(rig.receiver.statuses()).toEqual(['pending', 'settlement']);
    const [newest] = await rig.notifications();
    expect(newest?.deliveries.map(({ url }) => url)).toHaveLength(2);
    await broken.close();
  });

  test('[74] other hosts are refused, and that is recorded', async () => {
    const urls = [
      'http://shop.example/hook',
      'http://10.0.0.1/hook',
      'http://127.0.0.1.example/',
      'nonsense',
    ];
    const headers = { 'x-override-notification': urls.slice(0, 3).join() };
    await rig.order('A', {}, { headers });
    await rig.order('B', {}, { headers: { 'x-override-notification': 'nonsense' } });
    for (const orderId of ['A', 'B']) await rig.pay(orderId, 'bca_va', { outcome: 'pending' });
    await rig.advance(minutes(360));

    const sent = (await rig.notifications()).flatMap(({ deliveries }) => deliveries);
    expect(sent.map(({ url }) => url).sort()).toEqual([...urls].sort());
    for (const { state, attempts } of sent) {
      expect(state).toBe('refused');
      expect(attempts).toMatchObject([{ error: 'the host is not on the allow-list' }]);
    }
  });

  test('[74] a redirect leads nowhere else either', async () => {
    rig.receiver.respondWith((_received, res) =>
      res.writeHead(308, { location: 'http://shop.example/hook' }).end(),
    );
    await notifyOnce();
    await rig.advance(minutes(360));

    expect(await lastDelivery()).toMatchObject({
      state: 'failed',
      attempts: [{ error: 'the host is not on the allow-list' }],
    });
  });

  test('[74] names under localhost are this machine', async () => {
    const { port } = rig.receiver;
    const url = `http://buatfilm.localhost:${port}/webhooks`;
    await rig.order('A', {}, { headers: { 'x-override-notification': url } });
    await rig.pay('A', 'bca_va', { outcome: 'pending' });

    await rig.receiver.toHave(1);
    expect(rig.receiver.received[0]?.headers.host).toBe(`buatfilm.localhost:${port}`);
  });

  test('[3] another merchant’s notifications are signed with its own key', async () => {
    const headers = { 'x-override-notification': `${rig.receiver.url}/b` };
    await rig.order('A', {}, { key: keyB, headers });
    await rig.pay('A', 'bca_va', { outcome: 'pending', serverKey: keyB });
    await rig.receiver.toHave(1);

    const digest = createHash('sha512').update(`A201150000.00${keyB}`).digest('hex');
    expect(rig.receiver.received[0]?.body.signature_key).toBe(digest);
  });
});
