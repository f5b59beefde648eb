import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  type AttentionItemReply,
  type AttentionItemView,
  AttentionListReply,
} from '../../src/contracts/attention.ts';
import { toCursor } from '../../src/contracts/pages.ts';
import {
  aNotification,
  anOrder,
  type Gateway,
  type Merchant,
  startGateway,
} from '../support/gateway.ts';

// The list itself: who sees it, how it is read, and how something is taken off it.

let gateway: Gateway;
let merchant: Merchant;

beforeAll(async () => {
  gateway = await startGateway();
});

beforeEach(async () => {
  merchant = await gateway.merchant();
});

afterAll(() => gateway.close());

const reversal = { transaction_status: 'deny', status_code: '202' };

/** An order that a person has to look at: its bank took the money back. */
async function reversedOrder() {
  const order = anOrder();
  await merchant.create(order);
  const { message } = await merchant.tell(order.orderId);
  const told = { ...message, ...reversal };
  await merchant.tell(order.orderId, told);
  return told;
}

async function flaggedItem(): Promise<AttentionItemView> {
  await reversedOrder();
  const [item] = await merchant.attention();
  if (!item) throw new Error('A reversal is not on the list.');
  return item;
}

const read = (query = '', { secretKey } = merchant) =>
  gateway.send(`/admin/attention${query}`, { headers: { Authorization: `Bearer ${secretKey}` } });

function resolve(
  id: string,
  body: unknown,
  { key, from = merchant }: { key?: string; from?: Merchant } = {},
) {
  return gateway.send(`/admin/attention/${id}/resolve`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${from.secretKey}`,
      ...(key && { 'Idempotency-Key': key }),
    },
    body: JSON.stringify(body),
  });
}

async function events() {
  const rows = await merchant.rows<{ kind: string }>('order_events');
  return rows.filter(({ kind }) => kind === 'attention-resolved');
}

test('an item says which order, how much, why, what to do, and since when', async () => {
  const { order_id: orderId, transaction_id: transactionId } = await reversedOrder();

  const [item] = await merchant.attention();

  expect(item).toEqual({
    id: expect.any(String),
    orderId,
    amount: 150_000,
    currency: 'IDR',
    reason: 'reversed',
    sentence: expect.stringContaining('Stop the delivery'),
    detail: `Transaction ${transactionId} of 150000 IDR: denied.`,
    since: expect.any(String),
    resolvedBy: null,
    resolvedAt: null,
    note: null,
  });
});

test('news that is told again is on the list once, also after a person is done with it', async () => {
  const told = await reversedOrder();
  await merchant.tell(told.order_id, told);
  const [item, ...others] = await merchant.attention();
  expect(others).toEqual([]);
  await resolve(String(item?.id), { note: 'asked to pay again' });

  await merchant.tell(told.order_id, told);
  await merchant.tell(told.order_id, { ...told, fraud_status: 'deny' });

  expect(await merchant.attention()).toEqual([]);
  expect(await merchant.attention('resolved')).toHaveLength(1);
});

test('what a person is done with stays off the list while the books go on saying it', async () => {
  const order = anOrder();
  await merchant.create(order);
  const books = aNotification({ order_id: order.orderId, gross_amount: '154000.00' });
  gateway.midtrans.setStatus(order.orderId, books);
  await merchant.runOut();
  await gateway.services.sweep();
  const [item] = await merchant.attention();
  await resolve(String(item?.id), { note: 'paid back by hand' });

  await merchant.runOut();
  await gateway.services.sweep();

  expect(item).toMatchObject({ reason: 'amount-differs' });
  expect(await merchant.attention()).toEqual([]);
});

test('a further fact of the same kind joins the open item', async () => {
  const order = anOrder();
  await merchant.create(order);
  const { message } = await merchant.tell(order.orderId, { gross_amount: '1000.00' });
  await merchant.tell(order.orderId, { ...message, gross_amount: '2000.00' });
  await merchant.tell(order.orderId, { ...message, gross_amount: '1000.00' });

  const items = await merchant.attention();

  expect(items).toMatchObject([
    { detail: 'A signed message reports 1000.00.\nA signed message reports 2000.00.' },
  ]);
});

test('the list is read page by page, newest first, and only what is open', async () => {
  const details: string[] = [];
  for (let count = 0; count < 5; count += 1) details.unshift((await reversedOrder()).order_id);
  const [newest] = await merchant.attention();
  await resolve(String(newest?.id), { note: 'done' });

  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const answer = await read(`?limit=2${cursor ? `&cursor=${cursor}` : ''}`);
    const page: AttentionListReply = AttentionListReply.parse(answer.body);
    expect(page.items.length).toBeLessThanOrEqual(2);
    seen.push(...page.items.map(({ orderId }) => orderId));
    cursor = page.next;
  } while (cursor);

  expect(seen).toEqual(details.slice(1));
  expect(await merchant.attention('resolved')).toMatchObject([{ orderId: details[0] }]);
});

test('an item is taken off the list with a note, which stays in the history', async () => {
  const item = await flaggedItem();

  const answer = await resolve(item.id, { note: ' called the shopper ' });

  expect(answer.status).toBe(200);
  const { item: done } = answer.body as unknown as AttentionItemReply;
  expect(done).toMatchObject({ id: item.id, resolvedBy: 'merchant', note: 'called the shopper' });
  expect(await merchant.attention()).toEqual([]);
  expect(await merchant.attention('resolved')).toEqual([done]);
  expect(await events()).toMatchObject([
    { source: 'api', reference: 'reversed', detail: 'called the shopper' },
  ]);
});

test('resolving twice changes nothing: the first note stays', async () => {
  const item = await flaggedItem();
  const first = await resolve(item.id, { note: 'first' });

  const second = await resolve(item.id, { note: 'second' });

  expect(second.status).toBe(200);
  expect(second.body).toEqual(first.body);
  expect(await events()).toHaveLength(1);
});

test('ten at once resolve an item once', async () => {
  const item = await flaggedItem();

  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) => resolve(item.id, { note: `note ${index}` })),
  );

  expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  expect(await events()).toHaveLength(1);
});

test('an Idempotency-Key is answered alike, and stands for one note', async () => {
  const item = await flaggedItem();
  const key = randomUUID();
  const first = await resolve(item.id, { note: 'done' }, { key });

  const again = await resolve(item.id, { note: 'done' }, { key });
  const other = await resolve(item.id, { note: 'other' }, { key });

  expect(again.body).toEqual(first.body);
  expect(again.headers.get('Idempotent-Replayed')).toBe('true');
  expect(other.body.code).toBe('idempotency-key-reused');
});

test.each([
  {},
  { note: '' },
  { note: '  ' },
  { note: 'x'.repeat(1_001) },
  { note: 'a\0b' },
  { note: 7 },
  { note: 'x', by: 'me' },
])('a resolution with %j is refused', async (body) => {
  const item = await flaggedItem();

  const answer = await resolve(item.id, body);

  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
  expect(await merchant.attention()).toHaveLength(1);
});

test.each([
  ['?status=all', 'status'],
  ['?limit=0', 'limit'],
  ['?limit=101', 'limit'],
  ['?cursor=yesterday', 'cursor'],
  ['?cursor=0198c2a0-0000-7000-8000-000000000000', 'cursor'],
  [`?cursor=${toCursor({ micros: '2026-02-30', id: randomUUID() })}`, 'cursor'],
  ['?sort=amount', 'body'],
])('the list of %s is refused', async (query, field) => {
  const answer = await read(query);

  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
  expect(answer.body.errors).toMatchObject([{ field }]);
});

test('an item that there is not cannot be resolved', async () => {
  const answer = await resolve(randomUUID(), { note: 'done' });

  expect(answer).toMatchObject({ status: 404, body: { code: 'attention-item-not-found' } });
});

test('a stranger sees nothing, takes nothing off, and cannot read on from it', async () => {
  const item = await flaggedItem();
  const stranger = await gateway.merchant();

  const refused = await resolve(item.id, { note: 'mine' }, { from: stranger });
  const cursor = toCursor({ micros: '9999999999999999', id: item.id });
  const onward = await read(`?cursor=${cursor}`, stranger);

  expect(refused).toMatchObject({ status: 404, body: { code: 'attention-item-not-found' } });
  expect(onward.body).toMatchObject({ items: [], next: null });
  expect(await stranger.attention()).toEqual([]);
  expect(await stranger.attention('resolved')).toEqual([]);
  expect(await merchant.attention()).toEqual([item]);
});

test('without a secret key there is no list', async () => {
  const item = await flaggedItem();

  const seen = await merchant.get('/admin/attention');
  const resolved = await merchant.post(`/admin/attention/${item.id}/resolve`, { note: 'x' });

  expect([seen.status, resolved.status]).toEqual([401, 401]);
  expect(await merchant.attention()).toHaveLength(1);
});

test('the list takes GET, and a resolution POST', async () => {
  const listed = await merchant.post('/admin/attention', {});
  const resolved = await merchant.get(`/admin/attention/${randomUUID()}/resolve`);

  expect([listed.status, resolved.status]).toEqual([405, 405]);
});
