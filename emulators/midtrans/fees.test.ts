import { afterEach, beforeEach, expect, test } from 'vitest';
import { signatureOf } from './signature.ts';
import { keyA, keyB, minimal, type Rig, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const feeInfo = (fee: number, original = 150_000) => ({
  gross_amount: `${original + fee}.00`,
  metadata: {
    extra_info: {
      gross_amount_info: {
        original_amount: `${original}.00`,
        gross_amount: `${original + fee}.00`,
        customer_imposed_payment_fee: `${fee}.00`,
      },
    },
  },
});
const shares = (...configs: [string, unknown][]) => ({
  customer_imposed_payment_fee: {
    enable: true,
    payment_fee_configs: configs.map(([code, percentage]) => ({
      payment_type: code,
      customer_percentage: percentage,
    })),
  },
});

test('[66] an account’s fee raises the amount of every payment, and the raised one is signed', async () => {
  const notificationUrl = `${rig.receiver.url}/notify`;
  await rig.control('/accounts', { serverKey: keyA, notificationUrl, customerFee: 4000 });
  await rig.order('A');
  await rig.pay('A', 'bca_va');

  await rig.receiver.toHave(2);
  for (const { body } of rig.receiver.received) {
    expect(body).toMatchObject(feeInfo(4000));
    expect(body.signature_key).toBe(signatureOf(keyA, body));
  }
  const status = await rig.status('A');
  expect(status).toMatchObject(feeInfo(4000));
  expect(status.signature_key).toBe(signatureOf(keyA, status));
  expect(await rig.attempts('A')).toMatchObject([
    { gross_amount: 154_000, fee: 4000, captured_amount: 154_000, net_amount: 154_000 },
  ]);
});

test('[66] a fee of one order is nobody else’s', async () => {
  const token = await rig.order('A');
  await rig.order('B');
  await rig.order('A', {}, { key: keyB });
  await rig.control('/orders/A/fee', { amount: 2500, merchantId: 'G100000001' });
  await rig.pay('A', 'gopay', { outcome: 'pending', serverKey: keyA });
  await rig.pay('B', 'gopay');
  await rig.pay('A', 'gopay', { serverKey: keyB });

  expect(await rig.status('A')).toMatchObject(feeInfo(2500));
  const { text } = await rig.page(token);
  expect(text).toContain('Rp 152.500');
  expect(text).toContain('With a payment fee of Rp 2.500.');
  for (const other of [await rig.status('B'), await rig.status('A', { key: keyB })]) {
    expect(other).toMatchObject({ gross_amount: '150000.00' });
    expect(other).not.toHaveProperty('metadata');
  }
});

test.each([
  ['gopay', 100, 'gopay', 3000],
  ['gopay', 50, 'gopay', 1500],
  ['bca_va', 100, 'bca_va', 4000],
  ['bank_transfer', 33, 'bni_va', 1320],
  ['credit_card', 100, 'credit_card', 6350],
  ['cstore', 100, 'alfamart', 5000],
])('[66] the request lets %s bear %i percent: %s costs %i', async (code, share, method, fee) => {
  await rig.order('A', shares([code, share]));
  await rig.pay('A', method);

  expect(await rig.status('A')).toMatchObject(feeInfo(fee));
});

test('[66] a fee is rounded up to whole rupiah', async () => {
  const order = { transaction_details: { order_id: 'A', gross_amount: 10_001 } };
  await rig.order('A', { ...order, ...shares(['gopay', 50]) });
  await rig.pay('A', 'gopay');

  // Two percent are 200.02, so 201; and half of that is 100.5.
  expect(await rig.status('A')).toMatchObject(feeInfo(101, 10_001));
});

test('[66] a method that the request does not name costs nothing more', async () => {
  await rig.order('A', shares(['gopay', 100], ['dana', 0]));
  await rig.pay('A', 'dana', { outcome: 'deny' });
  await rig.pay('A', 'bca_va');

  const attempts = await rig.attempts('A');
  expect(attempts.map(({ fee }) => fee)).toEqual([0, 0]);
  expect(await rig.status('A')).toMatchObject({ gross_amount: '150000.00' });
});

test('[66] the order’s fee wins over the request’s, and that over the account’s', async () => {
  await rig.control('/accounts', { serverKey: keyA, customerFee: 4000 });
  const request = shares(['gopay', 100]);
  await rig.order('ACCOUNT', { customer_imposed_payment_fee: { enable: false } });
  await rig.order('REQUEST', request);
  await rig.order('ORDER', request);
  await rig.control('/orders/ORDER/fee', { amount: 0 });

  const fees: unknown[] = [];
  for (const orderId of ['ACCOUNT', 'REQUEST', 'ORDER']) {
    fees.push((await rig.pay(orderId, 'gopay')).fee);
  }
  expect(fees).toEqual([4000, 3000, 0]);
});

test.each([
  [{ enable: true }],
  [shares(['gopay', 101]).customer_imposed_payment_fee],
  [shares(['gopay', -1]).customer_imposed_payment_fee],
  [shares(['gopay', '100']).customer_imposed_payment_fee],
  [{ enable: true, payment_fee_configs: [{ customer_percentage: 1 }] }],
])('[66] %j is refused', async (fee) => {
  const order = minimal('A', { customer_imposed_payment_fee: fee });

  expect(await rig.create(order)).toMatchObject({ status: 400 });
});

test('[66] the fee is refunded with the payment, and captured before the rest', async () => {
  await rig.order('A');
  await rig.control('/orders/A/fee', { amount: 2500 });
  await rig.pay('A', 'gopay');
  const { body } = await rig.core('POST', 'A/refund');
  expect(body).toMatchObject({ refund_amount: '152500.00', transaction_status: 'refund' });

  await rig.order('B', { credit_card: { type: 'authorize' } });
  await rig.control('/orders/B/fee', { amount: 2500 });
  const { transaction_id: id } = await rig.pay('B', 'credit_card');
  const capture = (amount: number) =>
    rig.core('POST', 'capture', { transaction_id: id, gross_amount: amount });
  expect((await capture(2500)).body).toMatchObject({ status_code: '412' });
  expect((await capture(12_500)).body).toMatchObject(feeInfo(2500, 10_000));
});

test('[66] a late settlement keeps the fee of its attempt', async () => {
  await rig.order('A');
  await rig.control('/orders/A/fee', { amount: 2500 });
  await rig.pay('A', 'bca_va', { outcome: 'expire' });
  await rig.control('/orders/A/settle-late');

  expect(await rig.status('A')).toMatchObject(feeInfo(2500));
});
