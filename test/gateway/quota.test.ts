import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  type Answer,
  anOrder,
  type Gateway,
  type Merchant,
  startGateway,
} from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';

// How many orders a month has, and what becomes of the place of one that came to nothing.

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({ PROVIDER_TIMEOUT_MS: '600' });
});

beforeEach(() => {
  gateway.midtrans.answerCreates(undefined);
});

afterAll(() => gateway.close());

/** As a storefront does, which repeats what it is told to: a pool that is full says so after 3 s. */
async function createPatiently(merchant: Merchant, order: object): Promise<Answer> {
  const answer = await merchant.create(order);
  return answer.body.retryable ? createPatiently(merchant, order) : answer;
}

test('two hundred orders at once on the last ten of a quota are exactly ten', async () => {
  const merchant = await gateway.merchant({ max_orders_per_month: 10 });
  const orders = Array.from({ length: 200 }, () => anOrder());

  const answers = await Promise.all(orders.map((order) => createPatiently(merchant, order)));

  const refused = answers.filter(({ status }) => status === 403);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
  expect(refused).toHaveLength(190);
  expect(refused[0]?.body).toMatchObject({ code: 'order-quota-exceeded' });
  expect(await merchant.rows('orders')).toHaveLength(10);
  expect(await merchant.rows('usage_counters')).toMatchObject([{ used: 10 }]);
});

test('an order that the provider refuses gives its place in the quota back', async () => {
  const merchant = await gateway.merchant({ max_orders_per_month: 1 });
  gateway.midtrans.answerCreates((_req, res) =>
    json(res, 400, { error_messages: ['item_details Name too long'] }),
  );

  const refused = await merchant.create(anOrder());
  gateway.midtrans.answerCreates(undefined);
  const accepted = await merchant.create(anOrder());
  const third = await merchant.create(anOrder());

  expect(refused.status).toBe(502);
  expect(refused.body).toMatchObject({ code: 'payment-refused', retryable: false });
  expect(accepted.status).toBe(200);
  expect(third.body.code).toBe('order-quota-exceeded');
});

test('an order that is refused twice gives its place in the quota back twice, and no more', async () => {
  const merchant = await gateway.merchant({ max_orders_per_month: 1 });
  const order = anOrder();
  gateway.midtrans.answerCreates((_req, res) =>
    json(res, 400, { error_messages: ['item_details Name too long'] }),
  );

  const refused = [await merchant.create(order), await merchant.create(order)];

  expect(refused.map(({ status }) => status)).toEqual([502, 502]);
  expect(await merchant.rows('usage_counters')).toMatchObject([{ used: 0 }]);
});
