import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { basic, keyA, keyB, minimal, type Rig, rawRequest, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Messages of a create with these transaction details. */
async function problems(details: unknown, extra = {}) {
  const { status, body } = await rig.create({ transaction_details: details, ...extra });
  return { status, messages: body.error_messages };
}

describe('who may create', () => {
  test('[1] a create answers a UUID and its address on the emulator', async () => {
    const { status, body } = await rig.create(minimal('A-1'));

    expect(status).toBe(201);
    expect(body.token).toMatch(uuid);
    expect(body.redirect_url).toBe(`${rig.url}/snap/v3/redirection/${body.token}`);
  });

  test('[1] the address does not follow the Host header of the caller', async () => {
    const headers = {
      host: 'evil.example',
      authorization: basic(keyA),
      'content-type': 'application/json',
    };
    const body = JSON.stringify(minimal('A-1'));
    const url = `${rig.url}/snap/v1/transactions`;
    const { text } = await rawRequest(url, { method: 'POST', headers, body });

    expect(JSON.parse(text).redirect_url).toContain(rig.url);
  });

  test.each([
    ['no header', ''],
    ['another scheme', `Bearer ${keyA}`],
    ['no base64', 'Basic ???'],
    ['a production key', basic('Mid-server-TESTKEY0000000000000000')],
    ['a short key', basic('SB-Mid-server-12345')],
    ['an empty key', basic('')],
    ['a password', basic(keyA, 'secret')],
  ])('[2] %s is refused with two sentences', async (_case, authorization) => {
    const { status, body } = await rig.create(minimal('A-1'), { headers: { authorization } });

    expect(status).toBe(401);
    expect(body.error_messages).toHaveLength(2);
  });

  test('[2] with strict accounts only a registered key is known', async () => {
    await rig.control('/settings', { strictAccounts: true }, 'PUT');

    expect(await rig.create(minimal('A-1'))).toMatchObject({ status: 201 });
    expect(await rig.create(minimal('A-1'), { key: keyB })).toMatchObject({ status: 401 });
  });

  test('[2] a revoked key is unknown until it is registered again', async () => {
    await rig.control('/accounts/G100000001', undefined, 'DELETE');
    expect(await rig.create(minimal('A-1'))).toMatchObject({ status: 401 });

    await rig.control('/accounts', { serverKey: keyA });

    expect(await rig.create(minimal('A-1'))).toMatchObject({ status: 201 });
  });

  test('[3] equal order ids under two keys live side by side', async () => {
    await rig.order('SAME');
    await rig.order('SAME', {}, { key: keyB });
    await rig.pay('SAME', 'bca_va', { serverKey: keyA });

    expect(await rig.status('SAME')).toMatchObject({ transaction_status: 'settlement' });
    expect(await rig.status('SAME', { key: keyB })).toMatchObject({ status_code: '404' });
  });
});

describe('what a create must hold', () => {
  const amount = 'transaction_details.gross_amount';

  test('[4] a missing order id is named', async () => {
    expect(await rig.create({})).toMatchObject({ status: 400 });
    expect(await problems({ gross_amount: 1 })).toEqual({
      status: 400,
      messages: ['transaction_details.order_id is required'],
    });
  });

  test('[5] every problem is in one list', async () => {
    const all = [`${amount} is required`, `${amount} is not a number`];

    expect(await problems(undefined)).toEqual({
      status: 400,
      messages: [...all, 'transaction_details.order_id is required'],
    });
    expect(await problems({ order_id: 'A', gross_amount: 'ten' })).toEqual({
      status: 400,
      messages: [`${amount} is not a number`],
    });
  });

  test.each([0, -1, 1.5, '1.5', '10000.00', '-5', {}, true])(
    '[6] the amount %j is refused',
    async (value) => {
      expect(await problems({ order_id: 'A', gross_amount: value })).toMatchObject({ status: 400 });
    },
  );

  test('[6] an amount in digits is accepted', async () => {
    expect(await problems({ order_id: 'A', gross_amount: '265000' })).toMatchObject({
      status: 201,
    });
  });

  test('[7] an order id has at most 50 characters', async () => {
    const [fits, long] = ['x'.repeat(50), 'x'.repeat(51)];

    expect(await problems({ order_id: fits, gross_amount: 1 })).toMatchObject({ status: 201 });
    expect(await problems({ order_id: long, gross_amount: 1 })).toMatchObject({ status: 400 });
  });

  test('[7] odd characters are refused in strict mode and taken in lax mode', async () => {
    const odd = { order_id: 'A 1#/ü', gross_amount: 1 };
    expect(await problems({ order_id: 'aZ9-_~.', gross_amount: 1 })).toMatchObject({ status: 201 });
    expect(await problems(odd)).toMatchObject({ status: 400 });

    await rig.control('/settings', { strictOrderIds: false }, 'PUT');

    expect(await problems(odd)).toMatchObject({ status: 201 });
  });

  test('[8] the items must add up to the amount', async () => {
    const order = { order_id: 'A', gross_amount: 9000 };
    const items = [
      { name: 'Ticket', price: 5000, quantity: 2 },
      { name: 'Discount', price: -1000, quantity: 1 },
    ];

    expect(await problems(order, { item_details: items.slice(0, 1) })).toEqual({
      status: 400,
      messages: [`${amount} is not equal to the sum of item_details`],
    });
    expect(await problems(order, { item_details: items })).toMatchObject({ status: 201 });
  });

  test.each([
    { price: 1, quantity: 1 },
    { name: 'x', quantity: 1 },
    { name: 'x', price: 1 },
    { name: 'x', price: 1, quantity: 0 },
    { name: 'x', price: 0.5, quantity: 2 },
    { name: 'x'.repeat(51), price: 1, quantity: 1 },
  ])('[9] the item %j is refused', async (item) => {
    const order = { order_id: 'A', gross_amount: 1 };
    expect(await problems(order, { item_details: [item] })).toMatchObject({ status: 400 });
  });

  test('[14] a body over 16 kB is too large', async () => {
    const padded = (size: number) => ({ ...minimal('A'), padding: 'x'.repeat(size) });

    expect(await rig.create(padded(15_000))).toMatchObject({ status: 201 });
    expect(await rig.create(padded(16_500))).toMatchObject({
      status: 413,
      body: { error_messages: [expect.any(String)] },
    });
  });

  test('[15] what is no JSON is answered with sentences', async () => {
    const headers = { 'content-type': 'application/json' };
    const { status, body } = await rig.create(undefined, { body: '{"a":', headers });

    expect(status).toBe(400);
    expect(body.error_messages).toHaveLength(1);
  });

  test('[16] unknown members are ignored and custom fields come back', async () => {
    await rig.order('A', { custom_field1: 'blue', custom_field3: 'sea', new_thing: { x: 1 } });
    await rig.pay('A', 'bca_va');
    const status = await rig.status('A');

    expect(status).toMatchObject({ custom_field1: 'blue', custom_field3: 'sea' });
    expect(status).not.toHaveProperty('custom_field2');
    await rig.receiver.toHave(2);
    expect(rig.receiver.received[0]?.body).toMatchObject({ custom_field1: 'blue' });
  });
});

describe('how often an order can be created', () => {
  test('[10] again before a choice: a new token, and the old page ends', async () => {
    const old = await rig.order('A');
    const fresh = await rig.order('A', { transaction_details: { order_id: 'A', gross_amount: 7 } });

    expect(fresh).not.toBe(old);
    expect(await rig.page(fresh)).toMatchObject({ status: 200 });
    const { status, text } = await rig.page(old);
    expect(status).toBe(410);
    expect(text).toContain('no longer valid');
  });

  test('[11] not while it is pending', async () => {
    await rig.order('A');
    await rig.pay('A', 'bca_va', { outcome: 'pending' });
    const { status, body } = await rig.create(minimal('A'));

    expect(status).toBe(400);
    expect(body.error_messages).toEqual([expect.stringContaining('order_id')]);
  });

  test('[12] not once it was paid, even if the money went back', async () => {
    const message = 'has been paid and utilized, please use another order ID';
    const refused = {
      status: 400,
      body: { error_messages: [`transaction_details.order_id ${message}`] },
    };
    await rig.order('A');
    await rig.pay('A', 'gopay');
    expect(await rig.create(minimal('A'))).toMatchObject(refused);

    await rig.control('/orders/A/refund');

    expect(await rig.create(minimal('A'))).toMatchObject(refused);
  });

  test.each(['expire', 'cancel', 'deny'])('[13] again after %s', async (outcome) => {
    await rig.order('A');
    await rig.pay('A', 'bca_va', { outcome });

    expect(await rig.create(minimal('A'))).toMatchObject({ status: 201 });
  });

  test('[3] one merchant’s paid order does not take the id of another’s', async () => {
    await rig.order('A');
    await rig.pay('A', 'bca_va');

    expect(await rig.create(minimal('A'), { key: keyB })).toMatchObject({ status: 201 });
  });
});
