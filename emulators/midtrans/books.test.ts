import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Json, keyB, type Rig, startRig } from './testing.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await startRig();
});
afterEach(() => rig.close());

type BooksView = { cursor: number; transactions: Json[]; tokens: Json[] };
const read = async (query = ''): Promise<BooksView> =>
  (await rig.control(`/books${query}`, undefined, 'GET')) as BooksView;
const idsOf = ({ transactions }: BooksView) => transactions.map((one) => one.order_id);

describe('the books', () => {
  test('they show a transaction and its token with all that is true of them', async () => {
    const token = await rig.order('A');
    await rig.control('/orders/A/fee', { amount: 2500 });
    await rig.pay('A', 'gopay');
    await rig.core('POST', 'A/refund', { refund_key: 'r1', amount: 5000, reason: 'broken' });
    await rig.advance(60);

    const { transactions, tokens } = await read();

    expect(transactions).toEqual([
      {
        order_id: 'A',
        transaction_id: expect.any(String),
        merchant_id: 'G100000001',
        token,
        status: 'partial_refund',
        fraud_status: 'accept',
        currency: 'IDR',
        gross_amount: 152_500,
        fee: 2500,
        captured_amount: 152_500,
        refunded_amount: 5000,
        charged_back_amount: 0,
        undone_amount: 0,
        net_amount: 147_500,
        method: 'gopay',
        payment_type: 'gopay',
        created_at: '2026-01-15T03:00:00.000Z',
        expires_at: '2026-01-15T03:15:00.000Z',
        captured_at: '2026-01-15T03:00:00.000Z',
        settled_at: '2026-01-15T03:00:00.000Z',
        changed_at: '2026-01-15T03:01:00.000Z',
        refunds: [
          {
            refund_key: 'r1',
            amount: 5000,
            reason: 'broken',
            state: 'confirmed',
            created_at: '2026-01-15T03:00:00.000Z',
            confirmed_at: '2026-01-15T03:01:00.000Z',
          },
        ],
        chargebacks: [],
      },
    ]);
    expect(tokens).toEqual([
      {
        token,
        merchant_id: 'G100000001',
        order_id: 'A',
        gross_amount: 150_000,
        state: 'open',
        created_at: '2026-01-15T03:00:00.000Z',
        expires_at: '2026-01-16T03:00:00.000Z',
      },
    ]);
  });

  test.each([
    ['pending', 'gopay', { outcome: 'pending' }, 0, 0],
    ['deny', 'gopay', { outcome: 'deny' }, 0, 0],
    ['expire', 'gopay', { outcome: 'expire' }, 0, 0],
    ['settlement', 'gopay', {}, 150_000, 150_000],
    ['capture', 'credit_card', {}, 150_000, 150_000],
  ])('of %s by %s they know what was captured and what is left', async (...row) => {
    const [status, method, how, captured, net] = row;
    await rig.order('A');
    await rig.pay('A', method, how);

    expect(await rig.attempts('A')).toMatchObject([
      { status, captured_amount: captured, net_amount: net },
    ]);
  });

  test('[64] what was captured and then cancelled or taken back is gone', async () => {
    await rig.order('A');
    await rig.pay('A', 'permata_va');
    await rig.control('/orders/A/reverse');
    await rig.order('B');
    await rig.pay('B', 'credit_card');
    await rig.core('POST', 'B/cancel', null);

    const gone = { captured_amount: 150_000, undone_amount: 150_000, net_amount: 0 };
    expect((await read()).transactions).toMatchObject([
      { status: 'deny', ...gone },
      { status: 'cancel', ...gone },
    ]);
  });

  test('they can be asked for one order, or one merchant', async () => {
    await rig.order('A');
    await rig.pay('A', 'gopay');
    await rig.order('B');
    await rig.pay('B', 'gopay');
    await rig.order('A', {}, { key: keyB });
    const other = await rig.pay('A', 'gopay', { serverKey: keyB });

    expect(idsOf(await read('?orderId=B'))).toEqual(['B']);
    expect(idsOf(await read('?orderId=A'))).toEqual(['A', 'A']);
    expect(idsOf(await read('?merchantId=G100000001'))).toEqual(['A', 'B']);
    const one = await read(`?orderId=A&merchantId=${other.merchant_id}`);
    expect(one.transactions).toMatchObject([{ transaction_id: other.transaction_id }]);
    expect(one.tokens).toMatchObject([{ order_id: 'A', merchant_id: other.merchant_id }]);
    expect(await rig.tryControl('/books?order=A', undefined, 'GET')).toMatchObject({ status: 400 });
  });
});

describe('the cursor', () => {
  test('it gives only what has changed since', async () => {
    expect((await read()).cursor).toBe(0);
    await rig.order('A');
    await rig.pay('A', 'gopay', { outcome: 'pending' });
    await rig.order('B');
    await rig.pay('B', 'gopay', { outcome: 'pending' });
    const { cursor } = await read();
    const nothing = { cursor, transactions: [], tokens: [] };
    expect(await read(`?since=${cursor}`)).toEqual(nothing);

    await rig.pay('A');

    const news = await read(`?since=${cursor}`);
    expect(news.transactions).toMatchObject([{ order_id: 'A', status: 'settlement' }]);
    expect(news.tokens).toEqual([]);
    expect(news.cursor).toBeGreaterThan(cursor);
  });

  /** Each changes order A, which is settled by card unless `method` says otherwise. */
  const changes: Record<string, { method?: string; prepare?: () => unknown; act: () => unknown }> =
    {
      'a refund': { act: () => rig.core('POST', 'A/refund', { refund_key: 'r1', amount: 1 }) },
      'a refund that the bank denied': {
        prepare: () => rig.control('/settings', { refuseRefunds: 1 }, 'PUT'),
        act: () => rig.core('POST', 'A/refund/online/direct', { amount: 1 }),
      },
      'the bank’s word on a refund': {
        prepare: () => rig.core('POST', 'A/refund', { refund_key: 'r1', amount: 1 }),
        act: () => rig.advance(60),
      },
      'a chargeback': { act: () => rig.control('/orders/A/chargeback', { amount: 1 }) },
      'a reversal': { method: 'echannel', act: () => rig.control('/orders/A/reverse') },
    };
  test.each(Object.keys(changes))('%s is a change', async (name) => {
    const { method = 'credit_card', prepare, act } = changes[name] ?? { act: () => undefined };
    await rig.order('A');
    await rig.pay('A', method);
    await rig.control('/settlement-run');
    await prepare?.();
    const { cursor } = await read();

    await act();

    expect(idsOf(await read(`?since=${cursor}`))).toEqual(['A']);
  });

  test('tokens change when they are made, replaced and cancelled', async () => {
    const first = await rig.order('A');
    const { cursor } = await read();
    const second = await rig.order('A');
    await rig.call(`/snap/v1/transactions/${second}/cancel`, { method: 'POST' });

    expect((await read(`?since=${cursor}`)).tokens).toMatchObject([
      { token: first, state: 'replaced' },
      { token: second, state: 'cancelled' },
    ]);
  });

  test('with a limit it leads through all changes, without missing one', async () => {
    for (const orderId of ['A', 'B', 'C', 'D', 'E']) {
      await rig.order(orderId);
      await rig.pay(orderId, 'gopay');
    }
    const seen = { transactions: new Set<unknown>(), tokens: new Set<unknown>() };
    const last = (await read()).cursor;
    let since = 0;
    for (let page = 0; page < 20 && since < last; page += 1) {
      const { cursor, transactions, tokens } = await read(`?since=${since}&limit=2`);
      for (const one of transactions) seen.transactions.add(one.order_id);
      for (const one of tokens) seen.tokens.add(one.order_id);
      expect(cursor).toBeGreaterThan(since);
      since = cursor;
    }

    expect(since).toBe(last);
    expect(seen.transactions.size).toBe(5);
    expect(seen.tokens.size).toBe(5);
  });
});
