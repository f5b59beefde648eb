import type pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Inbox, startInbox } from '../../emulators/inbox/inbox.ts';
import { type MidtransEmulator, startMidtransEmulator } from '../../emulators/midtrans/emulator.ts';
import { anOrder } from '../support/gateway.ts';
import { freePorts } from '../support/ports.ts';
import { type KassaProcess, startProcess } from '../support/server-process.ts';
import { send } from '../support/system.ts';
import { createTestDatabase, openAdminPool, type TestDatabase } from '../support/test-database.ts';

type Mail = { from: string; to: string; replyTo: string; subject: string; text: string };

let database: TestDatabase;
let midtrans: MidtransEmulator;
let inbox: Inbox;
let admin: pg.Pool;
let settings: Record<string, string>;
let server: KassaProcess;
let worker: KassaProcess;

beforeAll(async () => {
  database = await createTestDatabase();
  midtrans = await startMidtransEmulator({ port: 0, dataFile: ':memory:' });
  inbox = await startInbox({ port: 0, smtpPort: 0, dataFile: ':memory:' });
  admin = openAdminPool(database);
  await admin.query(
    `insert into tenants (slug, name, midtrans_server_key, locale, email_from, email_reply_to)
     values ('en-shop', 'English Shop', 'SB-Mid-server-worker-en', 'en',
             'English Shop <orders@en.example>', 'help@en.example'),
            ('sv-shop', 'Svenska Butiken', 'SB-Mid-server-worker-sv', 'sv', 'order@sv.example', null),
            ('id-shop', 'Toko Indonesia', 'SB-Mid-server-worker-id', 'id', null, null)`,
  );
  const [port] = await freePorts(1);
  settings = {
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    MIDTRANS_BASE_URL: midtrans.url,
    SMTP_URL: inbox.smtpUrl,
    NOTIFICATION_CONFIRM_MS: '300',
    SWEEP_INTERVAL_SECONDS: '1',
  };
  server = await startProcess('server', { database, settings });
  worker = await startProcess('worker', { database, settings });
});

beforeEach(async () => {
  await fetch(`${midtrans.url}/_control/faults`, { method: 'DELETE' });
});

afterAll(async () => {
  await Promise.all([server.kill('SIGTERM'), worker.kill('SIGTERM')]);
  await admin.end();
  await inbox.close();
  await midtrans.close();
  await database.drop();
});

async function mailsTo(email: string): Promise<Mail[]> {
  const answer = await fetch(`${inbox.url}/_control/messages?to=${encodeURIComponent(email)}`);
  return (await answer.json()) as Mail[];
}

async function sell(slug: string, overrides: Record<string, unknown> = {}) {
  const order = anOrder({ email: `${crypto.randomUUID()}@shopper.example`, ...overrides });
  const created = await send(`${server.url}/payment/create?tenant=${slug}`, { body: order });
  expect(created.status).toBe(200);
  return order;
}

async function control(path: string, body: object): Promise<void> {
  const answer = await send(`${midtrans.url}/_control/${path}`, { body });
  expect(answer.status).toBeLessThan(300);
}

async function statusOf(slug: string, orderId: string) {
  const answer = await send(`${server.url}/orders/${orderId}/status?tenant=${slug}`);
  return (answer.body.order as { status: string } | undefined)?.status;
}

test.each([
  ['en-shop', 'English Shop <orders@en.example>', 'help@en.example', 'IDR 150,000'],
  ['sv-shop', 'Svenska Butiken <order@sv.example>', '', '150 000 IDR'],
  ['id-shop', 'Toko Indonesia <no-reply@kassa.example>', '', 'Rp 150.000'],
])('%s writes in its own language and name', async (slug, from, replyTo, amount) => {
  const order = await sell(slug);
  await expect.poll(async () => (await mailsTo(order.email)).length).toBe(1);

  await control(`orders/${order.orderId}/pay`, { method: 'bca_va' });

  await expect.poll(async () => (await mailsTo(order.email)).length).toBe(2);
  const [paid, created] = await mailsTo(order.email);
  for (const mail of [paid, created]) {
    expect(mail).toMatchObject({ from, to: `${order.name} <${order.email}>` });
    expect(mail?.replyTo ?? '').toBe(replyTo);
    expect(mail?.text.replaceAll(/\s/g, ' ')).toContain(amount);
    expect(mail?.subject).toContain(order.orderId);
  }
  expect(paid?.subject).not.toBe(created?.subject);
});

test('a mail server that is away for a while gets each mail once it is back', async () => {
  await fetch(`${inbox.url}/_control/faults`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ mode: 'temporary', messages: 1 }),
  });

  const order = await sell('en-shop');

  await expect.poll(async () => (await mailsTo(order.email)).length).toBe(1);
});

test('an address that is refused for good ends among the dead letters, and blocks nobody', async () => {
  await fetch(`${inbox.url}/_control/faults`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ mode: 'permanent', messages: 1 }),
  });
  const refused = await sell('en-shop');
  await expect
    .poll(async () => {
      const { rows } = await admin.query(
        `select 1 from pgboss.job where name = 'order-mail-dead'
          and source_id in (select id from pgboss.job where name = 'order-mail' and state = 'failed')`,
      );
      return rows.length;
    })
    .toBe(1);

  const next = await sell('en-shop');

  await expect.poll(async () => (await mailsTo(next.email)).length).toBe(1);
  expect(await mailsTo(refused.email)).toEqual([]);
});

test('a notification whose confirmation was slow is finished by the worker', async () => {
  const order = await sell('en-shop');
  await control('faults', { kind: 'stall', scope: 'core', count: 1 });

  await control(`orders/${order.orderId}/pay`, { method: 'bca_va' });

  await expect.poll(() => statusOf('en-shop', order.orderId)).toBe('paid');
});

test('a payment whose notifications are all lost is found by the sweep', async () => {
  const order = await sell('en-shop');
  await control('notifications/drop', { next: 2 });
  await control(`orders/${order.orderId}/pay`, { method: 'bca_va' });
  await admin.query(`update payments set next_check_at = now() where status = 'pending'`);

  await expect.poll(() => statusOf('en-shop', order.orderId)).toBe('paid');
  await expect.poll(async () => (await mailsTo(order.email)).length).toBeGreaterThan(0);
});

test('jobs of a worker that was killed are done by the next one', async () => {
  await worker.kill('SIGKILL');
  const orders = await Promise.all(Array.from({ length: 5 }, () => sell('en-shop')));

  worker = await startProcess('worker', { database, settings });

  for (const { email } of orders) {
    await expect.poll(async () => (await mailsTo(email)).length).toBe(1);
  }
  const { rows } = await admin.query('select 1 from outbox');
  expect(rows).toEqual([]);
});

test('a worker seals what is old enough of the history', async () => {
  await worker.kill('SIGTERM');
  await sell('en-shop');
  await admin.query(`update order_events set created_at = created_at - interval '1 hour'`);

  worker = await startProcess('worker', { database, settings });

  await expect
    .poll(async () => {
      const { rows } = await admin.query(
        `select 1 from audit_entries e join tenants t on t.id = e.tenant_id
          where t.slug = 'en-shop' and e.action = 'order-events.sealed'`,
      );
      return rows.length;
    })
    .toBe(1);
});
