import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { toCursor } from '../../src/contracts/pages.ts';
import type { DifferenceView, ReconciliationView } from '../../src/contracts/reconciliations.ts';
import {
  aNotification,
  anOrder,
  type Gateway,
  type Merchant,
  startGateway,
} from '../support/gateway.ts';
import { openReconciliationDesk, recentDays } from '../support/reconciliations.ts';

let gateway: Gateway;
let merchant: Merchant;
let stranger: Merchant;
let desk: ReturnType<typeof openReconciliationDesk>;

beforeAll(async () => {
  gateway = await startGateway();
  stranger = await gateway.merchant();
});

beforeEach(async () => {
  merchant = await gateway.merchant();
  desk = openReconciliationDesk(gateway, merchant);
});

afterAll(() => gateway.close());

/** A finished run with one open difference: the provider has another amount. */
async function openDifference() {
  const order = anOrder();
  await merchant.create(order);
  const other = aNotification({ order_id: order.orderId, gross_amount: '1.00' });
  gateway.midtrans.setStatus(order.orderId, other);
  const { id, differences } = await desk.reconcile();
  const [difference] = differences;
  if (!difference) throw new Error('Nothing differs.');
  return { id, difference, path: `/${id}/differences/${difference.id}/resolve` };
}

const nobody = '00000000-0000-4000-8000-000000000000';
const word = { by: 'Ayu', note: 'refunded by hand' };

test('asking begins a run, which is shown as it is', async () => {
  const answer = await desk.post('', recentDays());

  expect(answer.status).toBe(202);
  const run = answer.body.reconciliation as ReconciliationView;
  expect(run).toMatchObject({ ...recentDays(), status: 'running', trigger: 'merchant' });
  expect(run.finishedAt).toBeNull();
  const counts = { checked: 0, unanswered: 0, differences: 0, repaired: 0, resolved: 0, open: 0 };
  expect(run.counts).toEqual(counts);
  expect((await desk.get(`/${run.id}`)).body).toEqual({
    success: true,
    reconciliation: run,
    differences: [],
    next: null,
  });
});

test('asking for the same days while they are reconciled answers the run that does so', async () => {
  const { id } = await desk.begin();

  const again = await desk.begin();

  expect(again.id).toBe(id);
  expect(await merchant.rows('reconciliations')).toHaveLength(1);
});

test('asking for other days while a run is running is refused, and may pass', async () => {
  const { to } = recentDays();
  await desk.begin();

  const other = await desk.post('', { from: to, to });

  expect(other.status).toBe(409);
  expect(other.body).toMatchObject({ code: 'reconciliation-in-progress', retryable: true });
  expect(other.headers.get('Retry-After')).toBe('60');
});

test('ten who ask at once get one run', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => desk.begin()));

  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
});

test('one Idempotency-Key is one run and one answer, also after the run has ended', async () => {
  const first = await desk.post('', recentDays(), { key: 'monday' });
  const { id } = first.body.reconciliation as ReconciliationView;
  await desk.workToEnd(id);

  const again = await desk.post('', recentDays(), { key: 'monday' });
  const { to } = recentDays();
  const reused = await desk.post('', { from: to, to }, { key: 'monday' });
  const next = await desk.post('', recentDays(), { key: 'tuesday' });

  expect(again.body).toEqual(first.body);
  expect(again.headers.get('Idempotent-Replayed')).toBe('true');
  expect(reused.body.code).toBe('idempotency-key-reused');
  expect((next.body.reconciliation as ReconciliationView).id).not.toBe(id);
});

const { from, to } = recentDays();
const later = (days: number) =>
  new Date(Date.parse(to) + days * 86_400_000).toISOString().slice(0, 10);

test.each<[unknown, string]>([
  [{ from, to: later(1) }, 'to'],
  [{ from: to, to: from }, 'from'],
  [{ from: later(-31), to }, 'from'],
  [{ from }, 'to'],
  [{ from: '2026-02-30', to }, 'from'],
  [{ from: 20_260_101, to }, 'from'],
  [{ from, to, days: 2 }, 'body'],
])('days that cannot be reconciled are refused: %j', async (window, field) => {
  const answer = await desk.post('', window, { key: 'wrong' });

  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({ code: 'invalid-request', errors: [{ field }] });
  expect(await merchant.rows('reconciliations')).toEqual([]);
  expect(await merchant.rows('idempotency_keys')).toEqual([]);
});

test('31 days are not too many', async () => {
  await desk.begin({ from: later(-30), to });
});

test('runs are listed newest first, a page at a time', async () => {
  const ids: string[] = [];
  for (let count = 0; count < 5; count += 1) ids.unshift((await desk.reconcile()).id);
  const pages: string[][] = [];

  let cursor = '';
  do {
    const { body } = await desk.get(`?limit=2${cursor && `&cursor=${cursor}`}`);
    pages.push((body.reconciliations as ReconciliationView[]).map(({ id }) => id));
    cursor = (body.next as string | null) ?? '';
  } while (cursor);

  expect(pages).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4)]);
});

test('the differences of a run are listed a page at a time', async () => {
  for (let count = 0; count < 3; count += 1) {
    const order = anOrder();
    await merchant.create(order);
    gateway.midtrans.setStatus(order.orderId, aNotification({ order_id: order.orderId }));
  }
  const { id, differences } = await desk.reconcile();
  expect(differences).toHaveLength(6);

  const first = await desk.get(`/${id}?limit=4`);
  const second = await desk.get(`/${id}?limit=4&cursor=${first.body.next}`);

  const both = [first, second].flatMap(({ body }) => body.differences as DifferenceView[]);
  expect(both).toEqual(differences);
  expect(second.body.next).toBeNull();
});

test.each(['?limit=0', '?limit=101', '?cursor=x', '/not-an-id', `/${nobody}?cursor=x`])(
  'what cannot be listed is refused: %s',
  async (path) => {
    expect((await desk.get(path)).body.code).toBe('invalid-request');
  },
);

test('a person closes a difference, with a name and a note, once', async () => {
  const { id, path } = await openDifference();

  const closed = await desk.post(path, word, { key: 'close' });
  const again = await desk.post(path, { by: 'Budi', note: 'me too' });

  expect(closed.status).toBe(200);
  expect(closed.body.difference).toMatchObject({
    resolution: 'resolved',
    resolvedBy: `${merchant.secretKey.slice(0, 12)} (Ayu)`,
    note: 'refunded by hand',
    resolvedAt: expect.any(String),
  });
  expect(again.body).toEqual(closed.body);
  expect((await desk.report(id)).counts).toMatchObject({ differences: 1, resolved: 1, open: 0 });
  expect((await desk.post(path, word, { key: 'close' })).body).toEqual(closed.body);
});

test('an order is off the list of a person once a run finds that its books agree again', async () => {
  const order = anOrder();
  await merchant.create(order);
  const { message } = await merchant.tell(order.orderId);
  const older = { ...message, transaction_status: 'pending', status_code: '201' };
  gateway.midtrans.setStatus(order.orderId, older);
  await desk.settle();
  await desk.reconcile();
  expect(await merchant.attention()).toMatchObject([{ reason: 'books-differ' }]);
  gateway.midtrans.setStatus(order.orderId, message);

  await desk.reconcile();

  expect(await merchant.attention()).toEqual([]);
  expect(await merchant.attention('resolved')).toMatchObject([
    { reason: 'books-differ', resolvedBy: 'kassa' },
  ]);
});

test.each<[unknown, string]>([
  [{ by: 'Ayu' }, 'note'],
  [{ by: 'Ayu', note: ' ' }, 'note'],
  [{ by: '', note: 'done' }, 'by'],
  [{ by: 'Ayu', note: 'x'.repeat(501) }, 'note'],
])('a word that says too little, or too much, closes nothing: %j', async (body, field) => {
  const { id, path } = await openDifference();

  const answer = await desk.post(path, body);

  expect(answer.body).toMatchObject({ code: 'invalid-request', errors: [{ field }] });
  expect((await desk.report(id)).counts).toMatchObject({ open: 1 });
});

test('a stranger sees nothing of it, and closes nothing', async () => {
  const { id, path } = await openDifference();
  const from = stranger;

  const list = await desk.get('', { from });
  const report = await desk.get(`/${id}`, { from });
  const closed = await desk.post(path, word, { from });
  const paged = await desk.get(`?cursor=${toCursor(id)}`, { from });

  expect(list.body).toEqual({ success: true, reconciliations: [], next: null });
  expect(paged.body.reconciliations).toEqual([]);
  for (const { status, body } of [report, closed]) {
    expect(status).toBe(404);
    expect(body.code).toBe('reconciliation-not-found');
  }
  expect((await desk.report(id)).counts).toMatchObject({ open: 1 });
});

test('what is not there is not found', async () => {
  const { id } = await openDifference();

  const run = await desk.get(`/${nobody}`);
  const difference = await desk.post(`/${id}/differences/${nobody}/resolve`, word);

  expect([run.status, difference.status]).toEqual([404, 404]);
});

test.each([
  ['GET', ''],
  ['POST', ''],
  ['GET', `/${nobody}`],
  ['POST', `/${nobody}/differences/${nobody}/resolve`],
])('%s /admin/reconciliations%s wants a secret key', async (method, path) => {
  const answer = await gateway.send(`/admin/reconciliations${path}?tenant=${merchant.slug}`, {
    method,
  });

  expect(answer.status).toBe(401);
});

test.each([
  ['PUT', '', 'GET, HEAD, POST'],
  ['POST', `/${nobody}`, 'GET, HEAD'],
  ['GET', `/${nobody}/differences/${nobody}/resolve`, 'POST'],
])('%s /admin/reconciliations%s is not a method of it', async (method, path, allowed) => {
  const answer = await gateway.send(`/admin/reconciliations${path}?tenant=${merchant.slug}`, {
    method,
  });

  expect(answer.status).toBe(405);
  expect(answer.headers.get('Allow')).toBe(allowed);
});
