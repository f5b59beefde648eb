import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { minimal, phone, type Rig, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const good = { number: '4811 1111 1111 1114', expiry: '12/30', cvv: '123' };

describe('the page', () => {
  test('[23] it shows order, amount, merchant, items and methods', async () => {
    const items = [{ name: 'Concert ticket', price: 75_000, quantity: 2 }];
    const { status, headers, text } = await rig.page(
      await rig.order('A-1', { item_details: items }),
    );

    expect(status).toBe(200);
    expect(headers.get('content-type')).toContain('text/html');
    for (const shown of [
      'A-1',
      'Rp 150.000',
      'Buatfilm',
      'Concert ticket\u00a0×\u00a02',
      'GoPay',
      'no money moves',
    ]) {
      expect(text).toContain(shown);
    }
  });

  test('[23] an unknown token has an error page', async () => {
    const { status, text } = await rig.page('00000000-0000-4000-8000-000000000000');

    expect(status).toBe(404);
    expect(text).toContain('There is no such payment page');
  });

  test('[33] whatever a merchant sends is escaped', async () => {
    const evil = `<script>alert("x")</script>'`;
    await rig.control('/settings', { strictOrderIds: false }, 'PUT');
    await rig.control('/accounts', { serverKey: 'SB-Mid-server-EVIL0000000000', name: evil });
    const order = minimal(evil.slice(0, 50), {
      item_details: [{ name: evil, price: 150_000, quantity: 1 }],
      customer_details: { phone: evil },
      custom_field1: evil,
    });
    const { body } = await rig.create(order, { key: 'SB-Mid-server-EVIL0000000000' });
    const token = String(body.token);

    const texts = [(await rig.page(token)).text, (await rig.page(token, '/leave')).text];
    await rig.submit(token, 'choose', { method: 'ovo' });
    texts.push((await rig.page(token)).text);
    await rig.submit(token, 'pay', { transaction_id: await rig.pendingId(evil) });
    texts.push((await rig.page(token)).text);

    for (const text of texts) {
      expect(text).not.toContain('<script');
      expect(text).toContain('&lt;script&gt;alert(&quot;x&quot;)');
    }
  });

  test('its policy allows no script, and forms only to itself and the shop', async () => {
    const { headers } = await rig.page(await rig.order('A'));
    const policy = headers.get('content-security-policy');

    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("form-action 'self' http://shop.localhost");
    expect(policy).not.toContain('script-src');
    const style = await rig.call('/snap/v3/page.css');
    expect(style.headers.get('content-type')).toContain('text/css');
  });

  test('[32] back to shop without a choice leaves no trace', async () => {
    const token = await rig.order('A');
    await rig.control('/accounts', {
      serverKey: 'SB-Mid-server-TESTKEY0000000000000000',
      notificationUrl: rig.receiver.url,
      unfinishUrl: 'http://shop.localhost/back',
    });

    const left = await rig.page(token, '/leave');

    expect(left).toMatchObject({ status: 303, location: 'http://shop.localhost/back?order_id=A' });
    expect(await rig.attempts('A')).toEqual([]);
    expect(await rig.notifications()).toEqual([]);
    expect(await rig.page(token)).toMatchObject({ status: 200 });
  });
});

describe('paying', () => {
  test('[24] choosing a virtual account makes it pending', async () => {
    const token = await rig.order('A');
    const chosen = await rig.submit(token, 'choose', { method: 'bca_va' });
    expect(chosen).toMatchObject({ status: 303, location: `/snap/v3/redirection/${token}` });

    await rig.receiver.toHave(1);
    expect(rig.receiver.received[0]?.body).toMatchObject({
      transaction_status: 'pending',
      status_code: '201',
      va_numbers: [{ bank: 'bca', va_number: expect.stringMatching(/^\d{16}$/) }],
    });
    const [, number] = /"va_number":"(\d+)"/.exec(rig.receiver.received[0]?.text ?? '') ?? [];
    expect((await rig.page(token)).text).toContain(`<dd>${number}</dd>`);
  });

  test('[24] a number that the merchant chose is used', async () => {
    const token = await rig.order('A', { bca_va: { va_number: '12345678911' } });
    await rig.submit(token, 'choose', { method: 'bca_va' });

    expect((await rig.page(token)).text).toContain('12345678911<');
  });

  test('[25] paying settles, notifies and goes to the finish URL', async () => {
    const token = await rig.order('A');
    await rig.submit(token, 'choose', { method: 'bca_va' });
    const paid = await rig.submit(token, 'pay', { transaction_id: await rig.pendingId('A') });

    const query = 'order_id=A&status_code=200&transaction_status=settlement';
    expect(paid).toMatchObject({ status: 303, location: `http://shop.localhost/done?${query}` });
    await rig.receiver.toHave(2);
    expect(rig.receiver.received[1]?.body).toMatchObject({
      transaction_status: 'settlement',
      status_code: '200',
      settlement_time: expect.stringMatching(/^2026-01-15 10:00:\d\d$/),
    });
    expect(await rig.page(token)).toMatchObject({
      status: 200,
      text: expect.stringContaining('Paid'),
    });
  });

  test('[26] a finish URL of the order wins and keeps its query', async () => {
    const finish = 'https://shop.test/a?x=1%202&y=%2B#top';
    const token = await rig.order('A', { callbacks: { finish } });
    await rig.submit(token, 'choose', { method: 'dana' });
    const paid = await rig.submit(token, 'pay', { transaction_id: await rig.pendingId('A') });

    const query = 'order_id=A&status_code=200&transaction_status=settlement';
    expect(paid.location).toBe(`https://shop.test/a?x=1%202&y=%2B&${query}#top`);
  });

  test('[25] without any finish URL there is a plain result page', async () => {
    const key = 'SB-Mid-server-PLAIN00000000000';
    const { body } = await rig.create(minimal('P'), { key });
    const token = String(body.token);
    await rig.submit(token, 'choose', { method: 'qris' });
    await rig.submit(token, 'choose', { method: 'other_qris' });
    const paid = await rig.submit(token, 'pay', { transaction_id: await rig.pendingId('P') });

    expect(paid).toMatchObject({ status: 303, location: `/snap/v3/redirection/${token}` });
  });

  test.each([
    ['desktop', {}, 'qris'],
    ['phone', { 'user-agent': phone }, 'gopay'],
  ])('[31] gopay on a %s', async (_device, headers, paymentType) => {
    const token = await rig.order('A');
    await rig.submit(token, 'choose', { method: 'gopay' }, headers);

    expect(await rig.status('A')).toMatchObject({ payment_type: paymentType });
  });

  test('a method that the order does not offer is refused', async () => {
    const token = await rig.order('A', { enabled_payments: ['bca_va'] });

    expect(await rig.submit(token, 'choose', { method: 'gopay' })).toMatchObject({ status: 409 });
    expect(await rig.submit(token, 'card', good)).toMatchObject({ status: 409 });
    expect(await rig.attempts('A')).toEqual([]);
  });
});

describe('two at once', () => {
  test('[72] many clicks settle once and notify once', async () => {
    const token = await rig.order('A');
    const choices = [1, 2, 3, 4].map(() => rig.submit(token, 'choose', { method: 'bca_va' }));
    for (const { status } of await Promise.all(choices)) expect(status).toBe(303);
    const id = await rig.pendingId('A');
    const clicks = [1, 2, 3, 4, 5, 6].map(() => rig.submit(token, 'pay', { transaction_id: id }));

    for (const { location } of await Promise.all(clicks)) expect(location).toContain('settlement');
    await rig.advance(1);
    expect(rig.receiver.statuses()).toEqual(['pending', 'settlement']);
  });

  test('[73] a second tab cannot pay by another method', async () => {
    const token = await rig.order('A');
    await rig.submit(token, 'choose', { method: 'bca_va' });
    const words = expect.stringContaining('transaction has been processed');

    expect(await rig.submit(token, 'choose', { method: 'dana' })).toMatchObject({ text: words });
    expect(await rig.submit(token, 'card', good)).toMatchObject({ status: 409, text: words });
    await rig.submit(token, 'pay', { transaction_id: await rig.pendingId('A') });
    expect(await rig.submit(token, 'card', good)).toMatchObject({ status: 409, text: words });
    expect(await rig.submit(token, 'choose', { method: 'dana' })).toMatchObject({ text: words });

    expect(await rig.attempts('A')).toHaveLength(1);
  });

  test('[73] a page of an order that was paid on an earlier one says so', async () => {
    const old = await rig.order('A');
    await rig.submit(old, 'choose', { method: 'bca_va' });
    await rig.control('/orders/A/expire');
    const fresh = await rig.order('A');
    await rig.control('/orders/A/settle-late');

    expect(await rig.page(fresh)).toMatchObject({
      status: 410,
      text: expect.stringContaining('transaction has been processed'),
    });
    expect(await rig.submit(fresh, 'card', good)).toMatchObject({ status: 410 });
  });
});
