import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Rig, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

const card = (number: string, more = {}) => ({ number, expiry: '12/30', cvv: '123', ...more });
const good = card('4811 1111 1111 1114');

/** Types the one-time password of the order's pending card payment. */
async function typeOtp(token: string, orderId: string, otp = '112233') {
  const id = await rig.pendingId(orderId);
  return rig.submit(token, 'otp', { transaction_id: id, otp });
}

test('[27] 4811 with the right password is captured', async () => {
  const token = await rig.order('A');
  expect(await rig.submit(token, 'card', good)).toMatchObject({ status: 303 });
  expect((await rig.page(token)).text).toContain('One-time password');
  const done = await typeOtp(token, 'A');

  expect(done.location).toContain('status_code=200&transaction_status=capture');
  const accepted = { transaction_status: 'capture', fraud_status: 'accept', status_code: '200' };
  expect(await rig.status('A')).toMatchObject({ ...accepted, masked_card: '48111111-1114' });
});

test('[27] a wrong password denies it', async () => {
  const token = await rig.order('A');
  await rig.submit(token, 'card', good);
  await typeOtp(token, 'A', '000000');

  expect(await rig.status('A')).toMatchObject({ transaction_status: 'deny', status_code: '202' });
});

test('[27] the pay button is no way around the password', async () => {
  const token = await rig.order('A');
  await rig.submit(token, 'card', good);
  const id = await rig.pendingId('A');

  expect(await rig.submit(token, 'pay', { transaction_id: id })).toMatchObject({ status: 409 });
  expect(await rig.status('A')).toMatchObject({ transaction_status: 'pending' });
});

test.each([
  ['4911111111111113', 'accept', 'Do not honour', true],
  ['4611111111111116', 'deny', 'Approved', false],
  ['4711111111111115', 'accept', 'Do not honour', false],
  ['4472429869996670', 'accept', 'Insufficient Funds', false],
  ['4806000000000081', 'accept', 'Insufficient Funds', false],
])('[27] %s is denied', async (number, fraud, words, asksOtp) => {
  const token = await rig.order('A');
  await rig.submit(token, 'card', card(number));
  if (asksOtp) await typeOtp(token, 'A');

  const denied = {
    transaction_status: 'deny',
    fraud_status: fraud,
    channel_response_message: words,
  };
  expect(await rig.status('A')).toMatchObject(denied);
  await rig.receiver.toHave(2);
  expect(rig.receiver.received[1]?.body).toMatchObject({ ...denied, status_code: '202' });
});

test('[27] 4806 is good up to 30 000', async () => {
  const order = { transaction_details: { order_id: 'A', gross_amount: 30_000 } };
  const token = await rig.order('A', order);
  await rig.submit(token, 'card', card('4806000000000081'));

  expect(await rig.status('A')).toMatchObject({ transaction_status: 'capture' });
});

test.each([
  ['no test card', card('4000000000000002')],
  ['expired', card('4811111111111114', { expiry: '12/25' })],
  ['no month', card('4811111111111114', { expiry: '13/30' })],
  ['short CVV', card('4811111111111114', { cvv: '12' })],
])('a card with %s is sent back to its form', async (_case, form) => {
  const token = await rig.order('A');
  const { status, text } = await rig.submit(token, 'card', form);

  expect(status).toBe(422);
  expect(text).toContain('role="alert"');
  expect(await rig.attempts('A')).toEqual([]);
});

test('[28] after a denied card the page takes another attempt', async () => {
  const token = await rig.order('A');
  await rig.submit(token, 'card', card('4711111111111115'));
  expect((await rig.page(token)).text).toContain('was denied');
  await rig.submit(token, 'choose', { method: 'bca_va' });
  await rig.submit(token, 'pay', { transaction_id: await rig.pendingId('A') });

  const attempts = await rig.attempts('A');
  expect(attempts.map(({ status }) => status)).toEqual(['deny', 'settlement']);
  expect(new Set(attempts.map((one) => one.transaction_id)).size).toBe(2);
});

test('[29] 4024 is captured after a minute', async () => {
  const token = await rig.order('A');
  const sent = await rig.submit(token, 'card', card('4024 0071 7626 5022'));
  expect(sent.location).toContain('status_code=201&transaction_status=pending');

  await rig.advance(58);
  expect(await rig.status('A')).toMatchObject({ transaction_status: 'pending' });
  await rig.advance(2);

  expect(await rig.status('A')).toMatchObject({ transaction_status: 'capture' });
  expect(rig.receiver.statuses()).toEqual(['pending', 'capture']);
});

test('[30] an abandoned password expires after ten minutes', async () => {
  const token = await rig.order('A', { expiry: { unit: 'hours', duration: 2 } });
  await rig.submit(token, 'card', good);

  await rig.advance(598);
  expect(await rig.status('A')).toMatchObject({ transaction_status: 'pending' });
  await rig.advance(2);

  expect(await rig.status('A')).toMatchObject({ transaction_status: 'expire' });
  expect(await rig.page(token)).toMatchObject({ status: 410 });
});
