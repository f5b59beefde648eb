import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';
import { openRefundDesk } from '../support/refunds.ts';

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

type Fault = (req: IncomingMessage, res: ServerResponse) => void;
const silences: [string, Fault][] = [
  ['never answers', () => {}],
  ['resets the connection', (req) => req.socket.destroy()],
  ['answers 500', (_q, res) => json(res, 500, { status_code: '500', status_message: 'sorry' })],
  ['answers 500 inside', (_q, res) => json(res, 200, { status_code: '500', status_message: '!' })],
  ['answers HTML', (_q, res) => res.writeHead(200).end('<h1>busy</h1>')],
  ['answers HTML with 412', (_q, res) => res.writeHead(412).end('<h1>proxy</h1>')],
  ['answers nothing', (_q, res) => res.writeHead(204).end()],
  ['answers another shape', (_q, res) => json(res, 200, { ok: true })],
  [
    'answers of another refund',
    (_q, res) => json(res, 200, { status_code: '200', refund_key: 'x' }),
  ],
  // The merchant can mend it, and then the same refund goes on.
  ['does not know the server key', (_q, res) => json(res, 401, { status_code: '401' })],
  ['is too busy', (_q, res) => json(res, 429, { status_code: '429', status_message: 'slow' })],
];

test.each(silences)(
  'when Midtrans %s, the same key is sent again until it is known',
  async (_name, fault) => {
    const paid = await desk.paidOrder();
    gateway.midtrans.answerChanges(fault);

    const unclear = await desk.refund(paid.order_id);

    expect(unclear.status).toBe(503);
    expect(unclear.body).toMatchObject({ code: 'refund-outcome-unknown', retryable: true });
    const [row] = await desk.rows();
    expect(row).toMatchObject({ status: 'unknown', next_check_at: expect.any(Date) });
    expect(await merchant.orderStatus(paid.order_id)).toBe('paid');
    expect((await desk.list(paid.order_id)).body.refundable).toBe(0);
    await expect(desk.resolve(row?.id)).rejects.toThrow('unknown');
    desk.doRefunds(paid);
    await desk.resolve(row?.id);
    expect(new Set(desk.refundCalls().map(({ refund_key }) => refund_key))).toEqual(
      new Set([row?.id]),
    );
    expect(await desk.rows()).toMatchObject([{ status: 'accepted' }]);
    expect(await merchant.orderStatus(paid.order_id)).toBe('refunded');
  },
);

test.each<[string, object]>([
  ['the key is used', { status_code: '406', status_message: 'Duplicate refund ID' }],
  ['nothing is left', { status_code: '412', status_message: 'cannot modify' }],
])('a lost answer: when %s at the second call, the refund was made', async (_name, reply) => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges((req, _res, body) => {
    desk.setBooks(paid, [{ key: JSON.parse(body).refund_key, amount: 150_000 }]);
    req.socket.destroy();
  });
  await desk.refund(paid.order_id);
  gateway.midtrans.answerChanges((_req, res) => json(res, 200, reply));
  const [row] = await desk.rows();

  await desk.resolve(row?.id);

  expect(await desk.rows()).toMatchObject([{ status: 'accepted' }]);
  expect(await merchant.orderStatus(paid.order_id)).toBe('refunded');
});

test('a refusal at the second call stays a doubt while the books do not answer', async () => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges((req) => req.socket.destroy());
  await desk.refund(paid.order_id);
  const reply = { status_code: '412', status_message: 'cannot modify' };
  gateway.midtrans.answerChanges((_req, res) => json(res, 200, reply));
  gateway.midtrans.answerStatuses((req) => req.socket.destroy());
  const [row] = await desk.rows();

  await expect(desk.resolve(row?.id)).rejects.toThrow('unknown');

  expect(await desk.rows()).toMatchObject([{ status: 'unknown' }]);
});

test('a key that is used at the first call was taken on, until the books deny it', async () => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges((_req, res) =>
    json(res, 200, { status_code: '406', status_message: 'Duplicate refund ID' }),
  );

  const answer = await desk.refund(paid.order_id);

  expect(answer.status).toBe(201);
  const [row] = await desk.rows();
  expect(row?.status).toBe('accepted');
  await desk.pass('1 hour');
  await desk.follow(row?.id);
  expect(await desk.rows()).toMatchObject([{ status: 'refused' }]);
  expect(await desk.attention()).toContain('was refused: by its bank');
});

test('a server that died between call and commit: a look finishes its refund', async () => {
  const paid = await desk.paidOrder();
  const done = desk.doRefunds(paid);
  await desk.refund(paid.order_id, { amount: 40_000 });
  const [row] = await desk.rows();
  // The answer never reached us, and neither did the books.
  await gateway.admin.query(
    `update refunds set status = 'requested', accepted_at = null, lease_id = $2,
            lease_until = now() + interval '1 minute' where tenant_id = $1`,
    [merchant.id, randomUUID()],
  );
  gateway.midtrans.answerChanges((_req, res) =>
    json(res, 200, { status_code: '406', status_message: 'Duplicate refund ID' }),
  );

  await expect(desk.resolve(row?.id)).rejects.toThrow('requested');
  expect(desk.refundCalls()).toHaveLength(1);
  await desk.pass('2 minutes');
  await desk.resolve(row?.id);

  expect(desk.refundCalls()).toHaveLength(2);
  expect(done).toHaveLength(1);
  expect(await desk.rows()).toMatchObject([{ status: 'accepted', amount: '40000' }]);
  expect(await merchant.orderStatus(paid.order_id)).toBe('partially_refunded');
});

test('a key that the provider may have forgotten is not sent again', async () => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges((req) => req.socket.destroy());
  await desk.refund(paid.order_id);
  const [row] = await desk.rows();
  gateway.midtrans.calls.length = 0;
  gateway.midtrans.answerChanges(undefined); // it would take the key for a new one
  await desk.pass('7 days');

  await desk.resolve(row?.id);

  expect(desk.refundCalls()).toEqual([]);
  expect(await desk.rows()).toMatchObject([{ status: 'refused' }]);
});

test('a refund in doubt is not sent again once a bank took the money back', async () => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges((req) => req.socket.destroy());
  await desk.refund(paid.order_id);
  const [row] = await desk.rows();
  await merchant.tell(paid.order_id, { ...paid, transaction_status: 'chargeback' });
  gateway.midtrans.calls.length = 0;
  const done = desk.doRefunds(paid);

  await expect(desk.resolve(row?.id)).rejects.toThrow('unknown');

  expect(done).toEqual([]);
  expect(await desk.rows()).toMatchObject([{ status: 'unknown' }]);
  expect(await merchant.orderStatus(paid.order_id)).toBe('disputed');
});

test('the same Idempotency-Key continues the refund that nobody knew the outcome of', async () => {
  const paid = await desk.paidOrder();
  const key = randomUUID();
  gateway.midtrans.answerChanges((req) => req.socket.destroy());
  const unclear = await desk.refund(paid.order_id, { amount: 30_000 }, { key });
  const done = desk.doRefunds(paid);

  const known = await desk.refund(paid.order_id, { amount: 30_000 }, { key });
  const again = await desk.refund(paid.order_id, { amount: 30_000 }, { key });

  expect([unclear.status, known.status, again.status]).toEqual([503, 201, 201]);
  expect(again.body.refund).toEqual(known.body.refund);
  expect(done).toHaveLength(1);
  expect(await desk.rows()).toHaveLength(1);
});

test('an equal request without a key continues a refund in doubt, and makes no second one', async () => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges((req) => req.socket.destroy());
  await desk.refund(paid.order_id, { amount: 30_000 });
  const done = desk.doRefunds(paid);

  const again = await desk.refund(paid.order_id, { amount: 30_000 });

  expect(again.status).toBe(201);
  expect(done).toHaveLength(1);
  expect(await desk.rows()).toHaveLength(1);
});

test('another Idempotency-Key is another refund, and does not join one in doubt', async () => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges((req) => req.socket.destroy());
  await desk.refund(paid.order_id, { amount: 30_000 }, { key: randomUUID() });
  const done = desk.doRefunds(paid);

  const other = await desk.refund(paid.order_id, { amount: 30_000 }, { key: randomUUID() });

  expect(other.status).toBe(201);
  const rows = await desk.rows();
  expect(rows.map(({ status }) => status)).toEqual(['unknown', 'accepted']);
  expect(done).toEqual([{ key: rows[1]?.provider_key, amount: 30_000 }]);
});

test('an equal request without a key continues a refund whose server died', async () => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges((req) => req.socket.destroy());
  await desk.refund(paid.order_id, { amount: 30_000 });
  await gateway.admin.query(`update refunds set status = 'requested' where tenant_id = $1`, [
    merchant.id,
  ]);
  const done = desk.doRefunds(paid);

  const again = await desk.refund(paid.order_id, { amount: 30_000 });

  expect(again.status).toBe(201);
  expect(done).toHaveLength(1);
  expect(await desk.rows()).toHaveLength(1);
});

test('another request beside a refund in doubt is a refund of its own', async () => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges((req) => req.socket.destroy());
  await desk.refund(paid.order_id, { amount: 30_000 });
  desk.doRefunds(paid);

  await desk.refund(paid.order_id, { amount: 30_000, reason: 'another' });

  expect(await desk.rows()).toHaveLength(2);
});

test('a refund that is being made is not made beside it', async () => {
  const paid = await desk.paidOrder();
  const key = randomUUID();
  gateway.midtrans.answerChanges(() => {});
  const running = desk.refund(paid.order_id, {}, { key });
  await expect.poll(() => desk.refundCalls().length).toBe(1);
  const [row] = await desk.rows();

  await expect(desk.resolve(row?.id)).rejects.toThrow('requested');

  expect(desk.refundCalls()).toHaveLength(1);
  await running;
});

test('an equal request waits while a look repeats a refund in doubt', async () => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges((req) => req.socket.destroy());
  await desk.refund(paid.order_id);
  const [row] = await desk.rows();
  gateway.midtrans.answerChanges(() => {});
  const running = desk.resolve(row?.id).catch(({ message }) => message);
  await expect.poll(() => desk.refundCalls().length).toBe(2);

  const answer = await desk.refund(paid.order_id);

  expect(answer.status).toBe(409);
  expect(answer.body).toMatchObject({ code: 'refund-in-progress', retryable: true });
  expect(answer.headers.get('retry-after')).toBe('2');
  expect(await running).toContain('unknown');
  expect(desk.refundCalls()).toHaveLength(2);
});

test('an outcome that comes after the lease has ended does not overrule its successor', async () => {
  const paid = await desk.paidOrder();
  let refuse = () => {};
  gateway.midtrans.answerChanges((_req, res) => {
    refuse = () => json(res, 200, { status_code: '414', status_message: 'Refund rejected' });
  });
  const slow = desk.refund(paid.order_id);
  await expect.poll(() => desk.refundCalls().length).toBe(1);
  const [row] = await desk.rows();
  await desk.pass('1 minute');
  desk.doRefunds(paid);
  await desk.resolve(row?.id);

  refuse();

  expect((await slow).status).toBe(201);
  expect(await desk.rows()).toMatchObject([{ status: 'accepted' }]);
});
