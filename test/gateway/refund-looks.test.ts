import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { openRefundDesk } from '../support/refunds.ts';

// Refunds that have no end yet are found by the sweep, until they have one or a person was told.

let gateway: Gateway;
let merchant: Merchant;
let desk: ReturnType<typeof openRefundDesk>;

beforeAll(async () => {
  gateway = await startGateway({ PROVIDER_TIMEOUT_MS: '500' });
});

beforeEach(async () => {
  gateway.midtrans.answerChanges(undefined);
  gateway.midtrans.answerStatuses(undefined);
  gateway.midtrans.calls.length = 0;
  // What earlier tests left due is theirs.
  await gateway.admin.query('update payments set next_check_at = null');
  await gateway.admin.query(`update refunds set next_check_at = now() + interval '1 year'`);
  merchant = await gateway.merchant();
  desk = openRefundDesk(gateway, merchant);
});

afterEach(async () => {
  expect(await desk.findings()).toEqual([]);
});

afterAll(() => gateway.close());

const sweep = () => gateway.services.sweep();
const loseCalls = () => gateway.midtrans.answerChanges((req) => req.socket.destroy());
const nextLookOf = async () => (await desk.rows())[0]?.next_check_at;

/** How long the next look at the merchant's one refund is away, in seconds. */
async function gap(): Promise<number> {
  const { rows } = await gateway.admin.query<{ gap: string }>(
    'select extract(epoch from next_check_at - now()) as gap from refunds where tenant_id = $1',
    [merchant.id],
  );
  return Number(rows[0]?.gap);
}

async function refundInDoubt() {
  const paid = await desk.paidOrder();
  loseCalls();
  await desk.refund(paid.order_id);
  return paid;
}

async function acceptedRefund() {
  const paid = await desk.paidOrder();
  const done = desk.doRefunds(paid);
  await desk.refund(paid.order_id);
  return { paid, done };
}

test.each(['1 minute', '40 hours', '5 days'])(
  'a refund in doubt is found %s later',
  async (time) => {
    const paid = await refundInDoubt();
    desk.doRefunds(paid);
    await desk.pass(time);

    expect(await sweep()).toBe(1);

    expect(await desk.rows()).toMatchObject([{ status: 'accepted' }]);
    expect(await merchant.orderStatus(paid.order_id)).toBe('refunded');
  },
);

test('a refund whose server died is found once its lease has ended', async () => {
  const paid = await refundInDoubt();
  await gateway.admin.query(
    `update refunds set status = 'requested', lease_id = $2, lease_until = now() + interval '2 s',
            next_check_at = now() where tenant_id = $1`,
    [merchant.id, randomUUID()],
  );
  desk.doRefunds(paid);

  await sweep();
  expect(await desk.rows()).toMatchObject([{ status: 'requested' }]);
  await desk.pass('1 minute');
  await sweep();

  expect(await desk.rows()).toMatchObject([{ status: 'accepted' }]);
});

test('the gaps between looks grow, and no refund is looked at before its time', async () => {
  await refundInDoubt();
  const gaps: number[] = [];

  for (const time of ['10 seconds', '1 minute', '1 hour', '1 day']) {
    await desk.pass(time);
    expect(await sweep()).toBe(1);
    gaps.push(await gap());
    expect(await sweep()).toBe(0);
  }

  const [first = 0, second = 0, third = 0, last = 0] = gaps;
  expect(first).toBeLessThan(30);
  expect(second).toBeGreaterThan(first * 2);
  expect(third).toBeGreaterThan(second * 2);
  expect(last).toBeGreaterThan(third);
  expect(last).toBeLessThan(6 * 3_600 + 1);
});

test('of a refund that stays in doubt a person is told, once, and it is still asked for', async () => {
  const paid = await refundInDoubt();
  await desk.pass('47 hours');
  await sweep();
  expect(await desk.attention()).toBeNull();
  await desk.pass('1 day');
  await sweep();
  const told = await desk.attention();
  await desk.lookedAt();
  await desk.pass('1 day');
  await sweep();
  const toldAgain = await desk.attention();
  desk.doRefunds(paid);
  await desk.pass('1 day');

  await sweep();

  expect(told).toContain('Nobody knows what became of refund');
  expect(toldAgain).toBeNull();
  expect(await desk.rows()).toMatchObject([{ status: 'accepted' }]);
});

test('a person is told of a refund in doubt whose merchant has no server key any more', async () => {
  await refundInDoubt();
  await gateway.admin.query('update tenants set midtrans_server_key = null where id = $1', [
    merchant.id,
  ]);
  await desk.pass('3 days');

  await sweep();

  expect(await desk.attention()).toContain('Nobody knows what became of refund');
  expect(await nextLookOf()).toBeInstanceOf(Date);
});

test('an accepted refund is followed until the bank has spoken', async () => {
  const { paid, done } = await acceptedRefund();
  await desk.pass('3 days');
  await sweep();
  expect(await desk.rows()).toMatchObject([{ status: 'accepted' }]);
  expect(await gap()).toBeGreaterThan(86_000);
  desk.setBooks(
    paid,
    done.map((refund) => ({ ...refund, isConfirmed: true })),
  );
  await desk.pass('1 day');

  await sweep();

  expect(await desk.rows()).toMatchObject([{ status: 'confirmed', next_check_at: null }]);
});

test('an accepted refund that the bank never speaks of is put before a person', async () => {
  const { paid, done } = await acceptedRefund();
  await desk.pass('29 days');
  await sweep();
  expect(await desk.attention()).toBeNull();
  await desk.pass('2 days');

  await sweep();

  expect(await desk.attention()).toContain('has not confirmed');
  expect(await desk.rows()).toMatchObject([{ status: 'accepted', next_check_at: null }]);
  await desk.pass('9 days');
  expect(await sweep()).toBe(0);
  gateway.midtrans.calls.length = 0;
  await desk.follow((await desk.rows())[0]?.id).catch(() => {});
  expect(gateway.midtrans.calls).toEqual([]);
  // News that come by themselves still count.
  const message = desk.setBooks(
    paid,
    done.map((refund) => ({ ...refund, isConfirmed: true })),
  );
  await merchant.notify(merchant.signed(message));
  expect(await desk.rows()).toMatchObject([{ status: 'confirmed' }]);
});

test('the limit of an accepted refund counts from its acceptance, also after a doubt', async () => {
  const paid = await refundInDoubt();
  await desk.pass('3 days');
  await sweep();
  desk.doRefunds(paid);
  await desk.pass('1 day');
  await sweep();
  expect(await desk.rows()).toMatchObject([{ status: 'accepted', alarmed_at: null }]);
  await desk.pass('31 days');

  await sweep();

  expect(await desk.attention()).toContain('has not confirmed');
});

test('the database keeps no refund without an end that nobody will look at', async () => {
  await refundInDoubt();

  const forget = gateway.admin.query(
    'update refunds set next_check_at = null where tenant_id = $1',
    [merchant.id],
  );

  await expect(forget).rejects.toThrow('refunds_followed');
});

test.each([
  ['reversed by its bank', { transaction_status: 'deny', status_code: '202' }],
  ['voided', { transaction_status: 'cancel', status_code: '202' }],
])('a refund in doubt of a payment that was %s ends', async (_what, change) => {
  const paid = await desk.paidOrder();
  loseCalls();
  expect((await desk.refund(paid.order_id)).status).toBe(503);
  await merchant.tell(paid.order_id, { ...paid, ...change });
  await desk.pass('1 hour');

  await sweep();

  expect(await desk.rows()).toMatchObject([{ status: 'refused', next_check_at: null }]);
  expect((await merchant.attention()).map(({ reason }) => reason)).toContain('refund-refused');
});

test('a refund in doubt of a payment that was charged back stays one: it may be there', async () => {
  const paid = await desk.paidOrder();
  loseCalls();
  expect((await desk.refund(paid.order_id)).status).toBe(503);
  await merchant.tell(paid.order_id, { ...paid, transaction_status: 'chargeback' });
  await desk.pass('1 hour');

  await sweep();

  expect(await desk.rows()).toMatchObject([{ status: 'unknown', next_check_at: expect.any(Date) }]);
});
