import { createHash, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type MidtransEmulator, startMidtransEmulator } from '../../emulators/midtrans/emulator.ts';
import { checkMoney } from '../../local/money-checker.ts';
import { anOrder } from '../support/gateway.ts';
import { freePorts } from '../support/ports.ts';
import { type KassaProcess, startProcess } from '../support/server-process.ts';
import { send } from '../support/system.ts';
import { createTestDatabase, openAdminPool, type TestDatabase } from '../support/test-database.ts';

type BookedRefund = { refund_key: string; amount: number; state: string };
type Booked = { status: string; refunded_amount: number; refunds: BookedRefund[] };
type RefundRow = { id: string; provider_key: string; status: string; amount: string };

const slug = 'refund-shop';
const secretKey = `sk_test_${'r'.repeat(32)}`;
let database: TestDatabase;
let midtrans: MidtransEmulator;
let admin: pg.Pool;
let settings: Record<string, string>;
let server: KassaProcess;
let worker: KassaProcess;

beforeAll(async () => {
  database = await createTestDatabase();
  midtrans = await startMidtransEmulator({ port: 0, dataFile: ':memory:' });
  admin = openAdminPool(database);
  const { rows } = await admin.query<{ id: string }>(
    `insert into tenants (slug, name, midtrans_server_key)
     values ($1, 'A shop', 'SB-Mid-server-refunds-of-a-shop') returning id`,
    [slug],
  );
  await admin.query(
    `insert into api_keys (tenant_id, prefix, key_hash) values ($1, 'sk_test_', $2)`,
    [rows[0]?.id, createHash('sha256').update(secretKey).digest()],
  );
  const [port] = await freePorts(1);
  settings = {
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    MIDTRANS_BASE_URL: midtrans.url,
    SMTP_URL: 'smtp://127.0.0.1:9',
    PROVIDER_TIMEOUT_MS: '800',
    NOTIFICATION_CONFIRM_MS: '300',
    SWEEP_INTERVAL_SECONDS: '1',
    LOG_LEVEL: 'fatal', // the faults are wanted, and there is no mail server
  };
  server = await startProcess('server', { database, settings });
  worker = await startProcess('worker', { database, settings });
});

beforeEach(async () => {
  await fetch(`${midtrans.url}/_control/faults`, { method: 'DELETE' });
  // The banks decide on the refunds of earlier tests, so that no job asks for them any more.
  await control('clock/advance', { seconds: 61 });
});

afterAll(async () => {
  await Promise.all([server.kill('SIGTERM'), worker.kill('SIGTERM')]);
  await admin.end();
  await midtrans.close();
  await database.drop();
});

async function control(path: string, body: object): Promise<void> {
  const answer = await send(`${midtrans.url}/_control/${path}`, { body });
  expect(answer.status).toBeLessThan(300);
}

async function paidOrder(method = 'gopay'): Promise<string> {
  const order = anOrder({ paymentMethod: undefined });
  const created = await send(`${server.url}/payment/create?tenant=${slug}`, { body: order });
  expect(created.status).toBe(200);
  await control(`orders/${order.orderId}/pay`, { method });
  await expect.poll(() => statusOf(order.orderId)).toBe('paid');
  return order.orderId;
}

async function statusOf(orderId: string): Promise<string | undefined> {
  const answer = await send(`${server.url}/orders/${orderId}/status?tenant=${slug}`);
  return (answer.body.order as { status: string } | undefined)?.status;
}

function act(path: string, body: object) {
  const headers = { Authorization: `Bearer ${secretKey}` };
  return send(`${server.url}/admin/orders/${path}`, { headers, body });
}

const refund = (orderId: string, amount: number, reason = 'broken') =>
  act(`${orderId}/refunds`, { amount, reason });

async function ours(orderId: string): Promise<RefundRow[]> {
  const { rows } = await admin.query<RefundRow>(
    `select r.id, r.provider_key, r.status, r.amount from refunds r
       join orders o on o.tenant_id = r.tenant_id and o.id = r.order_id
      where o.order_id = $1 order by r.id`,
    [orderId],
  );
  return rows;
}

async function theirs(orderId: string): Promise<Booked> {
  const answer = await fetch(`${midtrans.url}/_control/books?orderId=${orderId}`);
  const { transactions } = (await answer.json()) as { transactions: Booked[] };
  const [transaction] = transactions;
  if (!transaction) throw new Error(`The books have no ${orderId}.`);
  return transaction;
}

/** Both books have the same refunds, over the same sum, and so do orders, statistics and ledger. */
async function expectAgreement(orderId: string): Promise<void> {
  const booked = await theirs(orderId);
  const standing = booked.refunds.filter(({ state }) => state !== 'refused');
  const made = (await ours(orderId)).filter(({ status }) => status !== 'refused');
  expect(made.map((row) => [row.provider_key, Number(row.amount)]).sort()).toEqual(
    standing.map(({ refund_key, amount }) => [refund_key, amount]).sort(),
  );
  const { rows } = await admin.query(
    `select o.refunded_amount::int as of_order, p.refunded_amount::int as of_payment,
            (select coalesce(sum(case when t.debit_account = 'refunds' then t.amount
                                      when t.credit_account = 'refunds' then -t.amount end), 0)::int
               from ledger_transfers t where t.payment_id = p.id) as of_ledger
       from orders o join payments p on p.order_id = o.id where o.order_id = $1`,
    [orderId],
  );
  const sum = booked.refunded_amount;
  expect(rows).toEqual([{ of_order: sum, of_payment: sum, of_ledger: sum }]);
}

async function settled(orderId: string): Promise<void> {
  const inDoubt = async () =>
    (await ours(orderId)).filter(({ status }) => status === 'requested' || status === 'unknown');
  await expect.poll(inDoubt, { timeout: 25_000 }).toEqual([]);
}

test.each([
  'error',
  'reset',
  'html',
  'stall',
  'error-after-effect',
  'reset-after-effect',
  'stall-after-effect',
  'truncated',
])('a refund whose call ends in "%s" is made once', async (kind) => {
  const orderId = await paidOrder();
  await control('faults', { kind, scope: 'core.refund' });

  const answer = await refund(orderId, 40_000);

  // 201: the provider's notification was faster than the end of the call.
  expect([201, 503]).toContain(answer.status);
  await settled(orderId);
  await expect.poll(() => statusOf(orderId)).toBe('partially_refunded');
  expect((await theirs(orderId)).refunds).toHaveLength(1);
  await expectAgreement(orderId);
});

test('a server that is killed while the provider refunds: the refund is made once', async () => {
  const orderId = await paidOrder();
  await control('faults', { kind: 'stall-after-effect', scope: 'core.refund' });
  const cut = refund(orderId, 150_000).catch(() => 'cut');
  await expect.poll(async () => (await theirs(orderId)).refunds?.length).toBe(1);

  await server.kill('SIGKILL');
  expect(await cut).toBe('cut');
  server = await startProcess('server', { database, settings });

  await settled(orderId);
  await expect.poll(() => statusOf(orderId)).toBe('refunded');
  expect((await theirs(orderId)).refunds).toHaveLength(1);
  await expectAgreement(orderId);
});

test('50 refunds at once, half of their answers lost, never exceed the payment', async () => {
  const orderId = await paidOrder();
  for (let skip = 0; skip < 14; skip += 2) {
    await control('faults', { kind: 'reset-after-effect', scope: 'core.refund', skip });
  }

  await Promise.all(Array.from({ length: 50 }, (_, n) => refund(orderId, 10_000, `number ${n}`)));

  await settled(orderId);
  await expect.poll(() => statusOf(orderId)).toBe('refunded');
  expect(await theirs(orderId)).toMatchObject({ status: 'refund', refunded_amount: 150_000 });
  await expectAgreement(orderId);
});

test('a refund from the dashboard is adopted, and confirmed when the bank has', async () => {
  const orderId = await paidOrder();
  const refundKey = `dashboard-${randomUUID()}`;

  await control(`orders/${orderId}/refund`, { amount: 25_000, refundKey, reason: 'by phone' });

  await expect.poll(() => statusOf(orderId)).toBe('partially_refunded');
  expect(await ours(orderId)).toMatchObject([{ provider_key: refundKey, amount: '25000' }]);
  await control(`orders/${orderId}/decide-refund`, { refundKey, verdict: 'confirm' });
  await expect.poll(async () => (await ours(orderId))[0]?.status).toBe('confirmed');
  await expectAgreement(orderId);
});

test('a refund that the bank refuses after all is taken back', async () => {
  const orderId = await paidOrder();
  await refund(orderId, 150_000);
  expect(await statusOf(orderId)).toBe('refunded');
  const [row] = await ours(orderId);

  await control(`orders/${orderId}/decide-refund`, { refundKey: row?.id, verdict: 'refuse' });
  await admin.query(
    `update refunds set accepted_at = now() - interval '1 hour', next_check_at = now()
      where id = $1`,
    [row?.id],
  );

  await expect.poll(() => statusOf(orderId)).toBe('paid');
  expect(await ours(orderId)).toMatchObject([{ status: 'refused' }]);
  await expectAgreement(orderId);
});

test('what the provider refuses is refused here, with its reason', async () => {
  const orderId = await paidOrder('bca_va');

  const answer = await refund(orderId, 10_000);

  expect(answer.status).toBe(409);
  expect(answer.body).toMatchObject({ code: 'refund-refused' });
  await expectAgreement(orderId);
});

test('a card of today is cancelled; once it is settled, it is refunded', async () => {
  const today = await paidOrder('credit_card');
  const yesterday = await paidOrder('credit_card');
  expect((await refund(today, 150_000)).body).toMatchObject({ code: 'refund-refused' });

  const cancelled = await act(`${today}/cancel`, { reason: 'out of stock' });
  await control('settlement-run', {});
  const tooLate = await act(`${yesterday}/cancel`, { reason: 'out of stock' });
  const refunded = await refund(yesterday, 150_000);

  expect(cancelled.body.order).toMatchObject({ status: 'cancelled' });
  expect(await theirs(today)).toMatchObject({ status: 'cancel', net_amount: 0 });
  expect(tooLate.body).toMatchObject({ code: 'order-not-cancellable' });
  expect(refunded.status).toBe(201);
  expect(await statusOf(yesterday)).toBe('refunded');
  await expectAgreement(yesterday);
});

/** A cancel that is not answered, whose notification is lost, and that nobody repeats. */
async function loseCancel(orderId: string, kind: string): Promise<void> {
  await control('faults', { kind, scope: 'core.cancel' });
  await control('notifications/drop', { next: 1 });
  await act(`${orderId}/cancel`, { reason: 'out of stock' }).catch(() => 'cut');
}

test.each(['error', 'reset', 'reset-after-effect', 'stall-after-effect', 'truncated'])(
  'a cancel whose call ends in "%s" is done, though nobody repeats it',
  async (kind) => {
    const orderId = await paidOrder('credit_card');

    await loseCancel(orderId, kind);

    await expect.poll(() => statusOf(orderId)).toBe('cancelled');
    expect(await theirs(orderId)).toMatchObject({ status: 'cancel', net_amount: 0 });
    await expectAgreement(orderId);
  },
);

test('a server that is killed while the provider cancels: the cancel is found', async () => {
  const orderId = await paidOrder('credit_card');
  const cut = loseCancel(orderId, 'stall-after-effect');
  await expect.poll(async () => (await theirs(orderId)).status).toBe('cancel');

  await server.kill('SIGKILL');
  await cut;
  server = await startProcess('server', { database, settings });

  await expect.poll(() => statusOf(orderId)).toBe('cancelled');
  await expectAgreement(orderId);
});

test('the checker finds both books equal, and names a refund that only one of them has', async () => {
  const orderId = await paidOrder();
  await refund(orderId, 40_000);
  const check = () => checkMoney({ adminUrl: database.admin, midtransUrl: midtrans.url });
  const violations = async () => (await check()).flatMap((invariant) => invariant.violations);
  await expect.poll(violations).toEqual([]);
  const [row] = await ours(orderId);
  const change = (to: string) => admin.query(`update refunds set ${to} where id = $1`, [row?.id]);

  await change(`status = 'refused'`);
  expect(await violations()).toEqual([expect.stringContaining(`${row?.id} stands there`)]);
  await change(`status = 'accepted', provider_key = 'another'`);
  expect(await violations()).toEqual([
    expect.stringContaining('another is accepted here and does not stand there'),
    expect.stringContaining(`${row?.id} stands there and not here`),
  ]);
  await change(`provider_key = id::text, amount = 1`);
  expect(await violations()).toEqual([expect.stringContaining('is of 1 here and of 40000 there')]);
  await change(`amount = 40000, status = 'confirmed'`);
  expect(await violations()).toEqual([expect.stringContaining('confirmed here and accepted')]);
  await change(`status = 'unknown', created_at = now() - interval '3 days',
                next_check_at = now() + interval '1 hour'`);
  expect(await violations()).toEqual([expect.stringContaining('unknown and nobody was told')]);
  await change(`status = 'accepted', created_at = now(), next_check_at = now()`);
  await expect.poll(violations).toEqual([]);
});
