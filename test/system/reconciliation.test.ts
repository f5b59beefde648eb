import { createHash } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type MidtransEmulator, startMidtransEmulator } from '../../emulators/midtrans/emulator.ts';
import { checkMoney, describeInvariants } from '../../local/money-checker.ts';
import type { ReconciliationView } from '../../src/contracts/reconciliations.ts';
import { anOrder } from '../support/gateway.ts';
import { freePorts } from '../support/ports.ts';
import { addPagesText, recentDays } from '../support/reconciliations.ts';
import { type KassaProcess, startProcess } from '../support/server-process.ts';
import { send } from '../support/system.ts';
import { createTestDatabase, openAdminPool, type TestDatabase } from '../support/test-database.ts';

// The real processes and the provider's emulator: what happens when our books are an hour older
// than the provider's, and when whoever compares them is killed.

const slug = 'restored-shop';
const secretKey = `sk_test_${'s'.repeat(32)}`;
const serverKey = 'SB-Mid-server-reconciliations';
let database: TestDatabase;
let midtrans: MidtransEmulator;
let admin: pg.Pool;
let settings: Record<string, string>;
let server: KassaProcess;
let workers: KassaProcess[];

beforeAll(async () => {
  database = await createTestDatabase();
  midtrans = await startMidtransEmulator({ port: 0, dataFile: ':memory:' });
  admin = openAdminPool(database);
  const { rows } = await admin.query<{ id: string }>(
    `insert into tenants (slug, name, midtrans_server_key) values ($1, 'A shop', $2) returning id`,
    [slug, serverKey],
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
    LOG_LEVEL: 'fatal', // the faults are wanted, and there is no mail server
    // Whatever is found here is found by a reconciliation.
    SWEEP_INTERVAL_SECONDS: '3600',
  };
  server = await startProcess('server', { database, settings });
  workers = [await startWorker()];
  // A worker begins the last night's run, which must not stand in the way of those asked for here.
  await vi.waitFor(async () => expect(await nightlyStatuses()).toEqual(['done']), {
    timeout: 30_000,
    interval: 100,
  });
});

afterAll(async () => {
  await Promise.all([server, ...workers].map((one) => one.kill('SIGTERM')));
  await admin.end();
  await midtrans.close();
  await database.drop();
});

const startWorker = () => startProcess('worker', { database, settings });

async function nightlyStatuses(): Promise<string[]> {
  const { rows } = await admin.query<{ status: string }>('select status from reconciliations');
  return rows.map(({ status }) => status);
}

async function control(path: string, body: object): Promise<void> {
  const answer = await send(`${midtrans.url}/_control/${path}`, { body });
  expect(answer.status).toBeLessThan(300);
}

async function create(order: object): Promise<number> {
  return (await send(`${server.url}/payment/create?tenant=${slug}`, { body: order })).status;
}

async function statusOf(orderId: string): Promise<string | undefined> {
  const answer = await send(`${server.url}/orders/${orderId}/status?tenant=${slug}`);
  return (answer.body.order as { status: string } | undefined)?.status;
}

async function ask(path = '', body?: object): Promise<ReconciliationView> {
  const headers = { Authorization: `Bearer ${secretKey}` };
  const answer = await send(`${server.url}/admin/reconciliations${path}`, { headers, body });
  return answer.body.reconciliation as unknown as ReconciliationView;
}

async function ended(id: string): Promise<ReconciliationView> {
  return vi.waitFor(
    async () => {
      const run = await ask(`/${id}`);
      if (run.status === 'running') throw new Error(`Still running: ${run.counts.checked}`);
      return run;
    },
    { timeout: 150_000, interval: 100 },
  );
}

/** What the shoppers were charged, and how often. */
async function captures() {
  const answer = await fetch(`${midtrans.url}/_control/books`);
  const { transactions } = (await answer.json()) as { transactions: { captured_amount: number }[] };
  return transactions.filter(({ captured_amount }) => captured_amount > 0).length;
}

/** How often the provider was asked. */
async function statusCalls(): Promise<number> {
  const answer = await fetch(`${midtrans.url}/_control/calls`);
  const { calls } = (await answer.json()) as { calls: Record<string, number> };
  return calls['core.status'] ?? 0;
}

/** The books of every merchant as they are now, to be brought back as from a backup. */
async function backUp(): Promise<() => Promise<void>> {
  const { rows } = await admin.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
        and a.attname = 'tenant_id' and c.relname <> 'api_keys'`,
  );
  await admin.query('create schema backup');
  for (const { name } of rows) {
    await admin.query(`create table backup.${name} as table public.${name}`);
  }
  return async () => {
    const client = await admin.connect();
    try {
      await client.query('begin');
      // Rows that point at each other come back in no order of theirs.
      await client.query('set local session_replication_role = replica');
      for (const { name } of rows) {
        await client.query(`delete from public.${name}`);
        await client.query(`insert into public.${name} select * from backup.${name}`);
      }
      await client.query('commit');
    } finally {
      client.release();
    }
    await admin.query('drop schema backup cascade');
  };
}

test('a database that is restored to an earlier moment gets back every payment since, and charges none again', async () => {
  const orders = Array.from({ length: 12 }, () => anOrder({ paymentMethod: undefined }));
  for (const order of orders) expect(await create(order)).toBe(200);
  const restore = await backUp();
  const paid = orders.slice(0, 9);
  for (const { orderId } of paid) await control(`orders/${orderId}/pay`, { method: 'gopay' });
  const [refunded, , , voided] = paid;
  await control(`orders/${refunded?.orderId}/refund`, { amount: 50_000, refundKey: 'r-1' });
  const since = anOrder({ paymentMethod: undefined });
  expect(await create(since)).toBe(200);
  await control(`orders/${since.orderId}/pay`, { method: 'gopay' });
  await expect.poll(() => statusOf(since.orderId)).toBe('paid');
  await expect.poll(() => statusOf(String(refunded?.orderId))).toBe('partially_refunded');
  const charged = await captures();
  expect(charged).toBe(10);

  await Promise.all([server, ...workers].map((one) => one.kill('SIGKILL')));
  await restore();
  server = await startProcess('server', { database, settings });
  workers = [await startWorker()];
  expect(await statusOf(String(voided?.orderId))).toBe('pending');
  const { id } = await ask('', recentDays());
  const run = await ended(id);

  // Eight that were paid differ in two ways, the one that was refunded in part in four.
  const counts = { checked: 12, unanswered: 0, open: 0, repaired: 20 };
  expect(run).toMatchObject({ status: 'done', counts });
  for (const { orderId } of paid.slice(1)) expect(await statusOf(orderId)).toBe('paid');
  expect(await statusOf(String(refunded?.orderId))).toBe('partially_refunded');
  // Of an order that was made since, only its storefront knows; who sends it again pays no second time.
  expect(await create(since)).not.toBe(500);
  await expect.poll(() => statusOf(since.orderId)).toBe('paid');
  expect(await captures()).toBe(charged);
  const invariants = await checkMoney({ adminUrl: database.admin, midtransUrl: midtrans.url });
  const violations = invariants.flatMap((invariant) => invariant.violations);
  expect(violations, describeInvariants(invariants)).toEqual([]);
});

test('workers that are killed while they compare leave nothing uncompared, and nothing twice', async () => {
  const { rows } = await admin.query<{ id: string }>('select id from tenants where slug = $1', [
    slug,
  ]);
  await admin.query(addPagesText, [rows[0]?.id, 420]);
  const paid = anOrder({ paymentMethod: undefined });
  expect(await create(paid)).toBe(200);
  await control('notifications/drop', { next: 2 });
  await control(`orders/${paid.orderId}/pay`, { method: 'gopay' });
  // Slow enough to be killed in the middle of a batch.
  await control('faults', { kind: 'delay', scope: 'core.status', delayMs: 30, count: 2_000 });
  workers.push(await startWorker());
  const total = await admin.query<{ count: number }>('select count(*)::int as count from payments');
  const { id } = await ask('', recentDays());

  await expect.poll(async () => (await ask(`/${id}`)).counts.checked).toBeGreaterThan(0);
  const before = await statusCalls();
  await expect.poll(statusCalls).toBeGreaterThan(before + 20);
  await Promise.all(workers.map((worker) => worker.kill('SIGKILL')));
  expect((await ask(`/${id}`)).status).toBe('running');
  workers = [await startWorker(), await startWorker()];
  await fetch(`${midtrans.url}/_control/faults`, { method: 'DELETE' });
  const run = await ended(id);

  expect(run).toMatchObject({ status: 'done', counts: { open: 0, unanswered: 0, repaired: 2 } });
  expect(run.counts.checked).toBe(total.rows[0]?.count);
  expect(await statusOf(paid.orderId)).toBe('paid');
}, 200_000);

test('a provider that is away for a while holds a run up, and no longer', async () => {
  const paid = anOrder({ paymentMethod: undefined });
  expect(await create(paid)).toBe(200);
  await control('notifications/drop', { next: 2 });
  await control(`orders/${paid.orderId}/pay`, { method: 'gopay' });
  await control('faults', { kind: 'error', scope: 'core.status', skip: 50, count: 12 });

  const { id } = await ask('', recentDays());
  const run = await ended(id);

  expect(await (await fetch(`${midtrans.url}/_control/faults`)).json()).toEqual({ faults: [] });
  expect(run).toMatchObject({ status: 'done', counts: { unanswered: 0, open: 0, repaired: 2 } });
  expect(await statusOf(paid.orderId)).toBe('paid');
});
