import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { byOperator } from '../../src/domain/caller.ts';
import { TenantId } from '../../src/domain/ids.ts';
import {
  aNotification,
  anOrder,
  type Gateway,
  type Merchant,
  startGateway,
} from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';
import { cards, openActionDesk } from '../support/order-actions.ts';
import { openReconciliationDesk } from '../support/reconciliations.ts';
import { openRefundDesk } from '../support/refunds.ts';

type Entry = {
  readonly seq: string;
  readonly action: string;
  readonly actor_kind: string;
  readonly actor_id: string | null;
  readonly actor_label: string;
  readonly subject_kind: string;
  readonly subject_id: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly request_id: string;
  readonly address: string | null;
};

let gateway: Gateway;
let merchant: Merchant;
let desk: ReturnType<typeof openRefundDesk>;
let actions: ReturnType<typeof openActionDesk>;
let books: ReturnType<typeof openReconciliationDesk>;
let keyLabel: string;

beforeAll(async () => {
  gateway = await startGateway();
});

beforeEach(async () => {
  merchant = await gateway.merchant();
  desk = openRefundDesk(gateway, merchant);
  actions = openActionDesk(gateway, merchant, desk);
  books = openReconciliationDesk(gateway, merchant);
  keyLabel = merchant.secretKey.slice(0, 12);
});

afterAll(() => gateway.close());

async function entries(): Promise<Entry[]> {
  const { rows } = await gateway.admin.query<Entry>(
    'select * from audit_entries where tenant_id = $1 order by seq',
    [merchant.id],
  );
  return rows;
}

/** What was done, by whom. */
async function told(): Promise<string[]> {
  return (await entries()).map(({ action, actor_label }) => `${action} by ${actor_label}`);
}

async function verdict() {
  return gateway.services.auditVerification.verify(TenantId.parse(merchant.id));
}

test('a refund says who wanted it, how much of which order, and how it went', async () => {
  const paid = await desk.paidOrder();
  desk.doRefunds(paid);

  const answer = await desk.refund(paid.order_id, { amount: 40_000, reason: 'Siti was sad' });

  const refund = answer.body.refund as { id: string };
  const [requested, moved, ...others] = await entries();
  expect(others).toEqual([]);
  expect(requested).toMatchObject({
    seq: '1',
    action: 'refund.requested',
    actor_kind: 'key',
    actor_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    actor_label: keyLabel,
    subject_kind: 'refund',
    subject_id: refund.id,
    before: null,
    request_id: answer.headers.get('X-Request-Id'),
    address: '127.0.0.1',
  });
  expect(JSON.parse(requested?.after ?? '')).toEqual({
    order: paid.order_id,
    payment: expect.any(String),
    amount: '40000',
    currency: 'IDR',
  });
  expect(moved).toMatchObject({
    action: 'refund.moved',
    actor_label: keyLabel,
    subject_id: refund.id,
    before: '{"status":"requested"}',
    after: '{"status":"accepted"}',
    request_id: answer.headers.get('X-Request-Id'),
  });
  expect(JSON.stringify([requested, moved])).not.toMatch(/Siti|sad|shopper@/);
  expect((await verdict()).fault).toBeUndefined();
});

test('a refund that the provider refuses says so', async () => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges((_req, res) =>
    json(res, 200, { status_code: '412', status_message: 'no' }),
  );

  await desk.refund(paid.order_id);

  expect(await told()).toEqual([`refund.requested by ${keyLabel}`, `refund.moved by ${keyLabel}`]);
  expect((await entries())[1]).toMatchObject({ after: '{"status":"refused"}' });
});

test('what is refused before it begins changes no money, and leaves no entry', async () => {
  const paid = await desk.paidOrder();

  const answer = await desk.refund(paid.order_id, { amount: 150_001 });

  expect(answer.status).toBe(409);
  expect(await entries()).toEqual([]);
});

test('a repeated request under one key is one entry', async () => {
  const paid = await desk.paidOrder();
  desk.doRefunds(paid);

  await desk.refund(paid.order_id, {}, { key: 'once' });
  await desk.refund(paid.order_id, {}, { key: 'once' });

  expect((await told()).filter((line) => line.startsWith('refund.requested'))).toHaveLength(1);
});

test('a refund that the sweep ends, and one made at the provider, are Kassa’s own doing', async () => {
  const paid = await desk.paidOrder();
  gateway.midtrans.answerChanges((req) => req.socket.destroy());
  await desk.refund(paid.order_id, { amount: 10_000 });
  const done = desk.doRefunds(paid);
  await desk.pass('1 hour');

  await gateway.services.sweep();
  const own = done.map(({ key, amount }) => ({ key, amount, isConfirmed: true }));
  const message = desk.setBooks(paid, [...own, { key: 'made-there', amount: 5_000 }]);
  await merchant.notify(merchant.signed(message));

  expect(await told()).toEqual([
    `refund.requested by ${keyLabel}`,
    `refund.moved by ${keyLabel}`,
    'refund.moved by sweep',
    'refund.moved by notification',
    'refund.adopted by notification',
  ]);
  const [, doubted, ended, confirmed, adopted] = await entries();
  expect(doubted?.after).toBe('{"status":"unknown"}');
  expect(ended?.after).toBe('{"status":"accepted"}');
  expect(confirmed?.after).toBe('{"status":"confirmed"}');
  expect(adopted).toMatchObject({ actor_kind: 'system', address: null });
  expect((await verdict()).fault).toBeUndefined();
});

test('a cancel and a capture say who wanted them and that they were done', async () => {
  const page = anOrder();
  await merchant.create(page);
  const reserved = await actions.orderWith(cards.reserved);
  gateway.midtrans.answerChanges((_req, res) => {
    actions.setBooks(reserved, cards.captured);
    json(res, 200, { status_code: '200' });
  });

  await actions.cancel(page.orderId);
  await actions.capture(reserved.order_id);

  expect(await told()).toEqual([
    `order.cancel-requested by ${keyLabel}`,
    `order.cancelled by ${keyLabel}`,
    `order.capture-requested by ${keyLabel}`,
    `order.captured by ${keyLabel}`,
  ]);
  const all = await entries();
  expect(all.map((entry) => entry.subject_id)).toEqual([
    page.orderId,
    page.orderId,
    reserved.order_id,
    reserved.order_id,
  ]);
});

test('a capture that the provider refuses says so', async () => {
  const reserved = await actions.orderWith(cards.reserved);
  actions.refuseChanges();

  await actions.capture(reserved.order_id);

  expect(await told()).toEqual([
    `order.capture-requested by ${keyLabel}`,
    `order.capture-refused by ${keyLabel}`,
  ]);
});

test('a cancel that is left to the sweep is ended by it', async () => {
  const paid = await actions.orderWith(cards.captured);
  actions.loseAnswer();
  await actions.cancel(paid.order_id);
  actions.loseAnswer(() => actions.setBooks(paid, cards.cancelled));
  await desk.pass('1 hour');

  await gateway.services.sweep();

  expect(await told()).toEqual([
    `order.cancel-requested by ${keyLabel}`,
    'order.cancelled by sweep',
  ]);
});

test('an item that a person is done with says who that was, and keeps the note to itself', async () => {
  const order = anOrder();
  await merchant.create(order);
  await merchant.tell(order.orderId, { gross_amount: '1.00' });
  const [item] = await merchant.attention();

  await gateway.send(`/admin/attention/${item?.id}/resolve`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${merchant.secretKey}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({ note: 'Called Siti' }),
  });

  const all = await entries();
  expect(all).toMatchObject([
    { action: 'attention.resolved', actor_label: keyLabel, subject_id: item?.id, before: null },
  ]);
  expect(JSON.parse(all[0]?.after ?? '')).toEqual({ order: order.orderId, reason: item?.reason });
});

test('a reconciliation says who began it, what it mended, and who closed what was left', async () => {
  const late = anOrder();
  const odd = anOrder();
  for (const order of [late, odd]) await merchant.create(order);
  gateway.midtrans.setStatus(late.orderId, aNotification({ order_id: late.orderId }));
  const other = aNotification({ order_id: odd.orderId, gross_amount: '1.00' });
  gateway.midtrans.setStatus(odd.orderId, other);

  const { id, differences } = await books.reconcile();
  const left = differences.find(({ resolution }) => resolution === 'open');
  const path = `/${id}/differences/${left?.id}/resolve`;
  const closed = await books.post(path, { note: 'refunded by hand' });
  await books.post(path, { note: 'again' });

  expect(closed.body.difference).toMatchObject({ resolvedBy: keyLabel });
  expect(await told()).toEqual([
    `reconciliation.started by ${keyLabel}`,
    'reconciliation.repaired by reconciliation',
    `reconciliation-difference.resolved by ${keyLabel}`,
  ]);
  const [, repaired] = await entries();
  expect(JSON.parse(repaired?.before ?? '')).toEqual({ status: 'pending', captured: '0' });
  expect(JSON.parse(repaired?.after ?? '')).toEqual({ status: 'paid', captured: '150000' });
  expect(repaired?.request_id).toBe(id);
});

test('the nightly reconciliation begins by itself, once', async () => {
  const night = new Date('2026-03-05T22:00:00Z');
  const { beginAll } = gateway.services.nightlyReconciliations;

  await Promise.all([beginAll(night), beginAll(night)]);

  expect(await told()).toEqual(['reconciliation.started by nightly reconciliation']);
});

test('statistics that were mended say by which operator; those that were right say nothing', async () => {
  await merchant.create(anOrder());
  const tenant = await gateway.tenantOf(merchant.slug);
  const task = { mode: 'mend', origin: byOperator('ops', 'run-1') } as const;

  await gateway.services.stats.rebuild(tenant, task);
  expect(await entries()).toEqual([]);
  await gateway.admin.query('update daily_stats set amount = 1 where tenant_id = $1', [
    merchant.id,
  ]);
  await gateway.services.stats.rebuild(tenant, task);

  expect(await entries()).toMatchObject([
    { action: 'stats.rebuilt', actor_kind: 'operator', actor_label: 'ops', request_id: 'run-1' },
  ]);
});

test('what cannot be audited is not done', async () => {
  const paid = await desk.paidOrder();
  await gateway.admin.query(
    `alter table audit_entries add constraint broken check (tenant_id <> '${merchant.id}')`,
  );

  const answer = await desk.refund(paid.order_id);
  await gateway.admin.query('alter table audit_entries drop constraint broken');

  expect(answer.status).toBe(500);
  expect(await desk.rows()).toEqual([]);
  expect(desk.refundCalls()).toEqual([]);
});

test('the first entries of a chain, many at once, make one chain', async () => {
  const paid = await Promise.all(Array.from({ length: 12 }, () => desk.paidOrder()));
  gateway.midtrans.answerChanges((_req, res) =>
    json(res, 200, { status_code: '412', status_message: 'no' }),
  );

  const answers = await Promise.all(paid.map(({ order_id }) => desk.refund(order_id)));

  expect(new Set(answers.map(({ body }) => body.code))).toEqual(new Set(['refund-refused']));
  const all = await entries();
  expect(all.map(({ seq }) => Number(seq))).toEqual(Array.from({ length: 24 }, (_, at) => at + 1));
  expect(await verdict()).toMatchObject({ fault: undefined, head: { seq: 24n } });
});
