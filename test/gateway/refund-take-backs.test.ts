import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { StatusReply, toBookedObservation } from '../../src/providers/midtrans/messages.ts';
import * as payments from '../../src/repositories/payments.ts';
import { applyObservation } from '../../src/services/observations.ts';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { openRefundDesk } from '../support/refunds.ts';

// What is taken back when the bank refuses a refund, by what else the books tell.

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
  merchant = await gateway.merchant();
  desk = openRefundDesk(gateway, merchant);
});

afterEach(async () => {
  expect(await desk.findings()).toEqual([]);
});

afterAll(() => gateway.close());

test('books that list refunds and tell no sum take back what they do not list, and no more', async () => {
  const paid = await desk.paidOrder();
  const done = desk.doRefunds(paid);
  await desk.refund(paid.order_id, { amount: 100_000 });
  // The provider accepts this one, and its books never have it.
  gateway.midtrans.answerChanges(undefined);
  await desk.refund(paid.order_id, { amount: 50_000 });
  const [, second] = await desk.rows();
  await desk.pass('1 hour');
  const { refund_amount: _sum, ...list } = { refund_amount: '', ...desk.setBooks(paid, done) };
  gateway.midtrans.setStatus(paid.transaction_id, list);

  await desk.follow(second?.id);

  expect((await desk.rows()).map(({ status }) => status)).toEqual(['accepted', 'refused']);
  expect(await merchant.rows('payments')).toMatchObject([
    { status: 'partially_refunded', refunded_amount: '100000' },
  ]);
  expect((await merchant.stats()).body.stats).toMatchObject({ revenue: 50_000 });
});

test('a list that does not come to the sum told with it takes nothing back', async () => {
  const paid = await desk.paidOrder();
  const done = desk.doRefunds(paid);
  await desk.refund(paid.order_id, { amount: 100_000 });
  await desk.refund(paid.order_id, { amount: 50_000 });
  const [, second] = await desk.rows();
  await desk.pass('1 hour');
  const part = desk.setBooks(paid, done.slice(0, 1));
  const whole = { ...part, transaction_status: 'refund', refund_amount: '150000.00' };
  gateway.midtrans.setStatus(paid.transaction_id, whole);

  await expect(desk.follow(second?.id)).rejects.toThrow('not confirmed');

  expect((await desk.rows()).map(({ status }) => status)).toEqual(['accepted', 'accepted']);
  expect(await merchant.orderStatus(paid.order_id)).toBe('refunded');
});

test.each<[string, object, string[], string]>([
  [
    'a sum that has another refund beside the one that is gone',
    { refund_amount: '80000.00' },
    ['ledger_days', 'ledger_days', 'daily_stats', 'daily_stats'],
    '80000',
  ],
  ['that all went back, but lists only a part', { transaction_status: 'refund' }, [], '150000'],
])('books with %s lock rows that orders share once, in one order', async (...row) => {
  const [, told, tables, refunded] = row;
  const paid = await desk.paidOrder();
  const done = desk.doRefunds(paid);
  await desk.refund(paid.order_id, { amount: 100_000 });
  await desk.refund(paid.order_id, { amount: 50_000 });
  await desk.pass('1 hour');
  const [payment] = await merchant.rows<{ id: string }>('payments');
  const refunds = [...done.slice(1), { key: 'dashboard-1', amount: 30_000 }];
  const message = { ...desk.setBooks(paid, refunds), refund_amount: undefined, ...told };
  const books = toBookedObservation(StatusReply.parse(message), new Date());
  const written: string[] = [];

  await gateway.wiring.db.withTenant(merchant.id as never, async (tx) => {
    const query: typeof tx.query = (text, values = []) => {
      const table = /(?:insert into|update) (ledger_days|daily_stats|usage_counters)/.exec(text);
      if (table) written.push([table[1], ...values.slice(1, 4)].join(' '));
      return tx.query(text, values);
    };
    const tapped = { ...tx, query };
    const cause = { source: 'check', timeZone: 'Asia/Jakarta' } as const;
    await applyObservation(tapped, await payments.get(tx, payment?.id as never), books, cause);
  });

  expect(new Set(written).size).toBe(written.length);
  expect(written.map((name) => name.split(' ')[0])).toEqual(tables);
  expect(await merchant.rows('payments')).toMatchObject([{ refunded_amount: refunded }]);
});
