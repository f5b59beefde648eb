import { afterEach, beforeEach, expect, test } from 'vitest';
import { methods } from './methods.ts';
import { phone, type Rig, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const account = (bank: string) => ({
  payment_type: 'bank_transfer',
  va_numbers: [{ bank, va_number: expect.stringMatching(/^\d{16,19}$/) }],
});
const word = (code: string) => ({ payment_type: code });
const store = (name: string) => ({
  payment_type: 'cstore',
  store: name,
  payment_code: expect.stringMatching(/^\d{18}$/),
});

/** The table of section 1.3: what a phone's choice turns into. */
const expected: Record<string, object> = {
  credit_card: {
    payment_type: 'credit_card',
    masked_card: '48111111-1114',
    bank: 'bni',
    card_type: 'credit',
    approval_code: expect.any(String),
    eci: '05',
    channel_response_code: '00',
    channel_response_message: 'Approved',
    three_ds_version: '2',
    challenge_completion: true,
  },
  bca_va: account('bca'),
  bni_va: account('bni'),
  bri_va: account('bri'),
  cimb_va: account('cimb'),
  danamon_va: account('danamon'),
  bsi_va: account('bsi'),
  seabank_va: account('seabank'),
  saqu_va: account('saqu'),
  other_va: account('bni'),
  permata_va: {
    payment_type: 'bank_transfer',
    permata_va_number: expect.stringMatching(/^\d{16}$/),
  },
  echannel: { payment_type: 'echannel', biller_code: '70012', bill_key: expect.any(String) },
  gopay: { payment_type: 'gopay', payment_option_type: 'GOPAY_WALLET' },
  shopeepay: {
    payment_type: 'shopeepay',
    shopeepay_reference_number: expect.any(String),
    reference_id: expect.any(String),
  },
  other_qris: {
    payment_type: 'qris',
    acquirer: 'gopay',
    issuer: 'gopay',
    transaction_type: 'on-us',
    merchant_cross_reference_id: expect.any(String),
  },
  dana: word('dana'),
  ovo: {
    payment_type: 'ovo',
    payer_phone_number: '+628123',
    merchant_invoice: expect.any(String),
  },
  indomaret: { ...store('indomaret'), approval_code: expect.any(String) },
  alfamart: store('alfamart'),
  akulaku: word('akulaku'),
  kredivo: word('kredivo'),
  cimb_clicks: word('cimb_clicks'),
  bca_klikbca: word('bca_klikbca'),
  bca_klikpay: word('bca_klikpay'),
  bri_epay: word('bri_epay'),
  danamon_online: word('danamon_online'),
  uob_ezpay: word('uob_ezpay'),
  kioson: store('kioson'),
};
const cases = Object.entries(expected);
const order = { customer_details: { phone: '+628123' } };

test('every method of the emulator is in the table', () => {
  expect(methods.map(({ code }) => code).sort()).toEqual(Object.keys(expected).sort());
});

test.each(cases)('%s can be paid by control', async (code, fields) => {
  await rig.order('A', { ...order, enabled_payments: [code] });
  await rig.pay('A', code);
  const status = code === 'credit_card' ? 'capture' : 'settlement';

  expect(await rig.status('A')).toMatchObject({ ...fields, transaction_status: status });
});

test.each(cases)('%s can be paid on the page', async (code, fields) => {
  const token = await rig.order('A', { ...order, enabled_payments: [code] });
  const agent = { 'user-agent': phone };
  if (code === 'credit_card') {
    const card = { number: '4811111111111114', expiry: '01/31', cvv: '123' };
    await rig.submit(token, 'card', card);
    const id = await rig.pendingId('A');
    await rig.submit(token, 'otp', { transaction_id: id, otp: '112233' });
  } else {
    expect(await rig.submit(token, 'choose', { method: code }, agent)).toMatchObject({
      status: 303,
    });
    expect((await rig.page(token)).text).toContain('Waiting for payment');
    await rig.submit(token, 'pay', { transaction_id: await rig.pendingId('A') });
  }

  expect(await rig.status('A')).toMatchObject({ ...fields, status_code: '200' });
});

test('[31] on a desktop the two wallets are QRIS', async () => {
  const acquirers = { gopay: 'gopay', shopeepay: 'airpay shopee' };
  for (const [code, acquirer] of Object.entries(acquirers)) {
    await rig.order(code);
    await rig.pay(code, code, { device: 'desktop' });

    expect(await rig.status(code)).toMatchObject({ payment_type: 'qris', acquirer });
  }
});
