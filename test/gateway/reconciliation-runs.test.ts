import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { byOperator } from '../../src/domain/caller.ts';
import { jobHandlers } from '../../src/jobs/handlers.ts';
import { eventually } from '../support/eventually.ts';
import {
  aNotification,
  anOrder,
  type Gateway,
  type Merchant,
  startGateway,
} from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';
import { openReconciliationDesk, recentDays } from '../support/reconciliations.ts';

const notFound = { status_code: '404', status_message: "Transaction doesn't exist.", id: 'x' };

let gateway: Gateway;
let merchant: Merchant;
let desk: ReturnType<typeof openReconciliationDesk>;

beforeAll(async () => {
  gateway = await startGateway({ PROVIDER_TIMEOUT_MS: '300' });
});

beforeEach(async () => {
  gateway.midtrans.answerStatuses(undefined);
  gateway.midtrans.calls.length = 0;
  merchant = await gateway.merchant();
  desk = openReconciliationDesk(gateway, merchant);
});

afterEach(async () => {
  expect(await desk.findings()).toEqual([]);
});

afterAll(() => gateway.close());

type JobRow = { topic: string; payload: { reconciliationId: string; batch: number } };

async function jobs(): Promise<JobRow['payload'][]> {
  const rows = await merchant.rows<JobRow>('outbox');
  return rows.filter(({ topic }) => topic === 'reconcile').map(({ payload }) => payload);
}

/** An order whose money came without a word. */
async function silentlyPaid(): Promise<string> {
  const order = anOrder();
  await merchant.create(order);
  gateway.midtrans.setStatus(order.orderId, aNotification({ order_id: order.orderId }));
  return order.orderId;
}

/** The provider says that it does not know some of the pages made in bulk, and nothing else. */
function fallSilent({ after }: { after: number }): void {
  let answered = 0;
  gateway.midtrans.answerStatuses((req, res) => {
    if (answered === after || !req.url?.includes('/MANY-')) return req.socket.destroy();
    answered += 1;
    return json(res, 200, notFound);
  });
}

test('a run goes on in batches, each with a job of its own, until every payment is compared', async () => {
  await desk.addPages(230);
  const { id } = await desk.begin();
  expect(await jobs()).toEqual([{ reconciliationId: id, batch: 0 }]);

  expect(await desk.workToEnd(id)).toEqual(['advanced', 'advanced', 'over']);

  expect(await jobs()).toEqual([0, 1, 2].map((batch) => ({ reconciliationId: id, batch })));
  expect(await desk.report(id)).toMatchObject({ status: 'done', counts: { checked: 230 } });
  expect(new Set(gateway.midtrans.statusCalls().map(({ path }) => path)).size).toBe(230);
});

test('a batch ends when its time is up, and the next one goes on', async () => {
  await desk.addPages(20);
  const { id } = await desk.begin();
  gateway.midtrans.answerStatuses((_req, res) => setTimeout(() => json(res, 200, notFound), 20));

  expect(await desk.work(id, { askingMs: 5 })).toBe('advanced');

  const { checked } = (await desk.report(id)).counts;
  expect(checked).toBeGreaterThan(0);
  expect(checked).toBeLessThan(10);
  await desk.workToEnd(id);
  expect(await desk.report(id)).toMatchObject({ status: 'done', counts: { checked: 20 } });
});

test('a job that comes again after its batch is done does nothing', async () => {
  await desk.addPages(101);
  const { id } = await desk.begin();
  await desk.work(id, { batch: 0 });
  gateway.midtrans.calls.length = 0;

  expect(await desk.work(id, { batch: 0 })).toBe('over');

  expect(gateway.midtrans.statusCalls()).toEqual([]);
  expect(await jobs()).toHaveLength(2);
});

test('of two workers at once one writes, and the other is told', async () => {
  await desk.addPages(99);
  const orderId = await silentlyPaid();
  const { id } = await desk.begin();
  const paid = aNotification({ order_id: orderId });
  // Nobody is answered before both have begun to ask.
  const { statusCalls } = gateway.midtrans;
  const bothAsk = eventually(() => expect(statusCalls().length).toBeGreaterThan(4));
  gateway.midtrans.answerStatuses(async (req, res) => {
    await bothAsk;
    json(res, 200, req.url?.includes(orderId) ? paid : notFound);
  });

  const steps = await Promise.all([desk.work(id), desk.work(id)]);

  expect(steps.sort()).toEqual(['advanced', 'overtaken']);
  await desk.workToEnd(id);
  const report = await desk.report(id);
  expect(report).toMatchObject({ status: 'done', counts: { checked: 100, differences: 2 } });
  expect(await merchant.orderStatus(orderId)).toBe('paid');
  const mails = await merchant.rows<{ payload: { kind?: string } }>('outbox');
  expect(mails.filter(({ payload }) => payload.kind === 'paid')).toHaveLength(1);
});

test('one who was stopped and wakes up writes nothing into what its successor has done', async () => {
  const { orderId } = anOrder();
  await merchant.create(anOrder({ orderId }));
  const { message } = await merchant.tell(orderId);
  const { id } = await desk.begin();
  const stale = { ...message, transaction_status: 'expire', status_code: '407' };
  let wake = () => {};
  let isAsleep = false;
  gateway.midtrans.answerStatuses(async (_req, res) => {
    isAsleep = true;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
    json(res, 200, stale);
  });
  const stopped = desk.work(id);
  await eventually(() => expect(isAsleep).toBe(true));
  gateway.midtrans.answerStatuses(undefined);
  await desk.workToEnd(id);
  const before = await desk.report(id);

  wake();

  expect(await stopped).toBe('overtaken');
  expect(before).toMatchObject({ status: 'done', differences: [] });
  expect(await desk.report(id)).toEqual(before);
  expect(await desk.attention()).toBeNull();
});

test('a batch that died before its end is done again, and says the same', async () => {
  const orderId = await silentlyPaid();
  const { id } = await desk.begin();
  // The end of the batch fails, as if the process had died before it.
  await gateway.admin.query('revoke delete on reconciliation_questions from kassa_app');
  await expect(desk.work(id)).rejects.toThrow('permission denied');
  expect(await merchant.orderStatus(orderId)).toBe('paid');
  expect(await desk.report(id)).toMatchObject({ status: 'running', counts: { checked: 0 } });
  await gateway.admin.query('grant delete on reconciliation_questions to kassa_app');

  expect(await desk.work(id)).toBe('over');

  expect(await desk.report(id)).toMatchObject({
    status: 'done',
    counts: { checked: 1, differences: 2, repaired: 2 },
  });
});

test('while the provider is away a run waits, and goes on where it was', async () => {
  await desk.addPages(150);
  const orderId = await silentlyPaid();
  const { id } = await desk.begin();
  fallSilent({ after: 20 });

  const during = [await desk.work(id), await desk.work(id), await desk.work(id)];

  expect(during).toEqual(['advanced', 'paused', 'paused']);
  const halfway = await desk.report(id);
  expect(halfway).toMatchObject({ status: 'running', counts: { checked: 20, differences: 0 } });
  expect(halfway.counts.unanswered).toBeGreaterThan(0);
  gateway.midtrans.answerStatuses(undefined);
  expect((await desk.workToEnd(id)).at(-1)).toBe('over');
  expect(await desk.report(id)).toMatchObject({
    status: 'done',
    counts: { checked: 151, unanswered: 0, repaired: 2 },
  });
  expect(await merchant.orderStatus(orderId)).toBe('paid');
});

test('a run whose questions stay unanswered ends, and says how many it could not ask', async () => {
  await desk.addPages(150);
  const { id } = await desk.begin();
  fallSilent({ after: 20 });

  const steps = await desk.workToEnd(id);

  expect(steps).toEqual(['advanced', ...Array(11).fill('paused'), 'over']);
  expect(await desk.report(id)).toMatchObject({
    status: 'incomplete',
    counts: { checked: 20, unanswered: 130, differences: 0 },
  });
});

test('a silent provider is left alone after a few questions', async () => {
  await desk.addPages(50);
  const { id } = await desk.begin();
  fallSilent({ after: 0 });

  await desk.work(id);

  expect(gateway.midtrans.statusCalls().length).toBeLessThan(10);
});

test('payments that cannot be asked about keep back no other', async () => {
  await desk.addPages(20);
  const { id } = await desk.begin();
  fallSilent({ after: 0 });
  const questions = () => merchant.rows<{ payment_id: string }>('reconciliation_questions');
  while ((await questions()).length < 20) expect(await desk.work(id)).toBe('paused');
  const payments = await merchant.rows<{ id: string; provider_reference: string }>('payments');
  const ids = payments.map((payment) => payment.id).sort();
  const odd = payments.filter((payment) => ids.indexOf(payment.id) < 8);
  gateway.midtrans.answerStatuses((req, res) => {
    const isOdd = odd.some((payment) => req.url?.includes(payment.provider_reference));
    json(res, 200, isOdd ? { odd: true } : notFound);
  });

  await desk.workToEnd(id);

  expect(await desk.report(id)).toMatchObject({
    status: 'incomplete',
    counts: { checked: 12, unanswered: 8 },
  });
});

test('a beginning that is repeated under its id is the same run, also once that has ended', async () => {
  const { id } = await desk.begin();
  await desk.workToEnd(id);
  const tenant = await gateway.tenantOf(merchant.slug);
  const origin = byOperator('ops', 'test');
  const again = { id: id as never, trigger: 'merchant', window: recentDays(), origin } as const;

  const run = await gateway.services.reconciliations.begin(tenant, again);

  expect(run).toMatchObject({ id, status: 'done' });
  expect(await merchant.rows('reconciliations')).toHaveLength(1);
});

test('a payment that breaks our own code is logged and keeps back no other', async () => {
  const broken = await silentlyPaid();
  await gateway.admin.query(
    `alter table orders add constraint broken check (order_id <> '${broken}' or status <> 'paid')`,
  );
  const fine = await silentlyPaid();
  const { id } = await desk.begin();

  await desk.work(id);

  expect(await merchant.orderStatus(fine)).toBe('paid');
  expect(await desk.report(id)).toMatchObject({ status: 'running', counts: { checked: 1 } });
  expect(gateway.logLines.join()).toContain('a reconciliation of a payment broke');
  await gateway.admin.query('alter table orders drop constraint broken');
  await desk.workToEnd(id);
  expect(await merchant.orderStatus(broken)).toBe('paid');
});

test('a merchant without a provider account cannot begin; one that loses it gets no error', async () => {
  await desk.addPages(1);
  const { id } = await desk.begin();
  await gateway.admin.query('update tenants set midtrans_server_key = null where id = $1', [
    merchant.id,
  ]);

  await desk.workToEnd(id);

  expect(await desk.report(id)).toMatchObject({
    status: 'incomplete',
    counts: { unanswered: 1 },
  });
  expect((await desk.post('', recentDays())).body.code).toBe('provider-not-configured');
});

test('only payments that were made in the window, or whose money moved in it, are asked about', async () => {
  const made = await silentlyPaid();
  const moved = await silentlyPaid();
  const neither = await silentlyPaid();
  await merchant.tell(moved);
  await gateway.admin.query(
    `update payments set created_at = created_at - interval '40 days'
      where tenant_id = $1 and provider_reference = any($2)`,
    [merchant.id, [moved, neither]],
  );
  gateway.midtrans.calls.length = 0;
  const { id } = await desk.begin();

  await desk.workToEnd(id);

  const asked = gateway.midtrans.statusCalls().map(({ path }) => path);
  expect(asked.filter((path) => path.endsWith('/status')).sort()).toEqual(
    [made, moved].map((name) => `/v2/${name}/status`).sort(),
  );
});

test('what begins after the run is for the next one, so that a run has an end', async () => {
  await silentlyPaid();
  const { id } = await desk.begin();
  await silentlyPaid();

  await desk.workToEnd(id);

  expect(await desk.report(id)).toMatchObject({ status: 'done', counts: { checked: 1 } });
});

test('a job that waits fails until its batch is done, and a job of a lost tenant is given up', async () => {
  await desk.addPages(1);
  const { id } = await desk.begin();
  const mails = { send: async () => {} };
  const teamMails = { sendInvitation: async () => {}, sendGrantNotice: async () => {} };
  const { reconcile } = jobHandlers({
    ...gateway.services,
    mails,
    accountMails: mails,
    teamMails,
  });
  const payload = { reconciliationId: id as never, batch: 0 };
  fallSilent({ after: 0 });

  await expect(reconcile(merchant.id as never, payload)).rejects.toThrow('is paused');
  gateway.midtrans.answerStatuses(undefined);
  await reconcile(merchant.id as never, payload);

  expect(await desk.report(id)).toMatchObject({ status: 'done', counts: { checked: 1 } });
  const nobody = '00000000-0000-4000-8000-000000000000' as never;
  await expect(reconcile(nobody, payload)).rejects.toThrow('There is no tenant');
});

const night = new Date('2026-03-05T00:00:00Z'); // seven in the morning in Jakarta

async function nightlyRuns() {
  const rows = await merchant.rows<{ trigger: string; from_day: string; to_day: string }>(
    'reconciliations',
  );
  return rows
    .filter(({ trigger }) => trigger === 'nightly')
    .map(({ from_day, to_day }) => [from_day, to_day].map(dayText));
}

/** The tests' own client reads a date as local midnight. */
function dayText(value: unknown): string {
  return value instanceof Date ? value.toLocaleDateString('sv') : String(value);
}

test('a night has one run, however many workers look, and the next night another', async () => {
  const { beginAll } = gateway.services.nightlyReconciliations;

  await Promise.all([beginAll(night), beginAll(night), beginAll(night)]);
  expect(await nightlyRuns()).toEqual([['2026-02-28', '2026-03-04']]);
  const [{ id = '' } = {}] = await merchant.rows<{ id: string }>('reconciliations');
  await beginAll(new Date('2026-03-06T00:00:00Z'));
  expect(await nightlyRuns()).toHaveLength(1); // the first one is still running
  expect(await desk.workToEnd(id)).toEqual(['over']);
  await beginAll(night);
  expect(await nightlyRuns()).toHaveLength(1);
  await beginAll(new Date('2026-03-06T00:00:00Z'));

  expect(await nightlyRuns()).toHaveLength(2);
  expect(await desk.report(id)).toMatchObject({ status: 'done', counts: { checked: 0 } });
  expect(await jobs()).toHaveLength(2);
});

test('a merchant without a provider account has no nights, and disturbs no other', async () => {
  const poor = await gateway.merchant({ midtrans_server_key: null });

  await gateway.services.nightlyReconciliations.beginAll(night);

  expect(await poor.rows('reconciliations')).toEqual([]);
  expect(await nightlyRuns()).toHaveLength(1);
  expect(gateway.logLines.join()).not.toContain('was not begun');
});

test('a run on which nobody works any more fails, with an alarm, and makes way', async () => {
  const { id } = await desk.begin();
  const pass = (time: string) =>
    gateway.admin.query(
      `update reconciliations set updated_at = updated_at - $2::interval where tenant_id = $1`,
      [merchant.id, time],
    );
  await pass('2 hours');
  expect((await desk.begin()).id).toBe(id);
  await pass('1 hour');

  const next = await desk.begin();

  expect(next.id).not.toBe(id);
  expect(await desk.report(id)).toMatchObject({ status: 'failed', finishedAt: expect.any(String) });
  expect(gateway.logLines.join()).toContain('a reconciliation failed');
  expect(await desk.work(id)).toBe('over');
});
