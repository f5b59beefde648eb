import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Inbox, startInbox } from '../../emulators/inbox/inbox.ts';
import { type MidtransEmulator, startMidtransEmulator } from '../../emulators/midtrans/emulator.ts';
import { checkMoney, describeInvariants } from '../../local/money-checker.ts';
import { openClients, type Shop } from '../support/merchant-acts.ts';
import { freePorts } from '../support/ports.ts';
import { type KassaProcess, startProcess } from '../support/server-process.ts';
import { openTraffic, randomFrom } from '../support/shop-traffic.ts';
import { createTestDatabase, openAdminPool, type TestDatabase } from '../support/test-database.ts';

// Mixed traffic against the real processes while they are killed and the provider misbehaves; then
// quiet, and the books must be those of the provider. The seed makes the choices, not the timing; a
// run is repeated with KASSA_TORTURE_SEED.

const orders = 200;
const lanes = 6;
// biome-ignore lint/style/noProcessEnv: a run that failed is repeated with its seed.
const seed = Number(process.env.KASSA_TORTURE_SEED ?? Date.now() % 1_000_000);
const shops = ['shop-one', 'shop-two'].map((slug, index) => ({
  slug,
  serverKey: `SB-Mid-server-torture-${slug}`,
  merchantId: `G90000000${index}`,
  secretKey: `sk_test_${`${index}`.repeat(32)}`,
}));

let database: TestDatabase;
let midtrans: MidtransEmulator;
let inbox: Inbox;
let admin: pg.Pool;
let settings: Record<string, string>;
let server: KassaProcess;
let worker: KassaProcess;
let quietSince: Date | undefined;
const injected = new Map<string, number>();
const clients = openClients(() => server.url);
const traffic = openTraffic({ clients, control, count, shops, serverUrl: () => server.url });

beforeAll(async () => {
  database = await createTestDatabase();
  midtrans = await startMidtransEmulator({ port: 0, dataFile: ':memory:' });
  inbox = await startInbox({ port: 0, smtpPort: 0, dataFile: ':memory:' });
  admin = openAdminPool(database);
  for (const { slug, serverKey, merchantId, secretKey } of shops) {
    await control('accounts', { serverKey, merchantId });
    await admin.query(
      `with added as (
         insert into tenants (slug, name, midtrans_server_key, midtrans_merchant_id)
         values ($1, $1, $2, $3) returning id)
       insert into api_keys (tenant_id, prefix, key_hash) select id, 'sk_test_', $4 from added`,
      [slug, serverKey, merchantId, createHash('sha256').update(secretKey).digest()],
    );
  }
  const [port] = await freePorts(1);
  settings = {
    LOG_LEVEL: 'silent',
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    MIDTRANS_BASE_URL: midtrans.url,
    SMTP_URL: inbox.smtpUrl,
    PROVIDER_TIMEOUT_MS: '500',
    NOTIFICATION_CONFIRM_MS: '250',
    SWEEP_INTERVAL_SECONDS: '1',
  };
  server = await startProcess('server', { database, settings });
  worker = await startProcess('worker', { database, settings });
}, 60_000);

afterAll(async () => {
  await Promise.all([server.kill('SIGTERM'), worker.kill('SIGTERM')]);
  await admin.end();
  await inbox.close();
  await midtrans.close();
  await database.drop();
});

async function control(path: string, body: object, method?: 'PUT' | 'POST'): Promise<void> {
  await fetch(`${midtrans.url}/_control/${path}`, {
    method: method ?? 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
}

function count(what: string): void {
  injected.set(what, (injected.get(what) ?? 0) + 1);
}

/** Nothing fails any more, banks speak, and time passes. */
async function beQuiet(): Promise<void> {
  const { rows } = await admin.query<{ now: Date }>('select now()');
  quietSince = rows[0]?.now;
  await fetch(`${midtrans.url}/_control/faults`, { method: 'DELETE' });
  await control('settlement-run', {});
  await control('clock/advance', { seconds: 6 * 3_600 });
  await passTime();
}

/** Every gap between our questions is over, and what was news is so no more. */
async function passTime(): Promise<void> {
  await admin.query(
    `update payments set next_check_at = next_check_at - interval '1 day',
                         updated_at = updated_at - interval '1 hour'`,
  );
  await admin.query(
    `update refunds set next_check_at = now(), accepted_at = accepted_at - interval '1 hour',
                        lease_until = lease_until - interval '1 hour',
                        unclear_at = unclear_at - interval '1 hour'
      where next_check_at is not null`,
  );
  await admin.query(
    `update order_actions set next_check_at = now(), lease_until = lease_until - interval '1 hour',
                              unclear_at = unclear_at - interval '1 hour'
      where next_check_at is not null`,
  );
  // Jobs that wait for their next try have it now.
  await admin.query(`update pgboss.job set start_after = now() where state = 'retry'`);
}

async function isReconciling(): Promise<boolean> {
  const { rows } = await admin.query(
    `select 1 from reconciliations where status = 'running' and started_at < $1`,
    [quietSince],
  );
  return rows.length > 0;
}

/** Everything about a payment that whoever reads a failure wants to know. */
async function storyOf(id: string) {
  const { rows: payments } = await admin.query(
    `select provider_reference as reference, attempt, provider_transaction_id as transaction, status,
            captured_amount as captured, refunded_amount as refunded, lost_amount as lost, updated_at
       from payments
      where order_id = (select order_id from payments where id = $1) order by created_at`,
    [id],
  );
  const { rows: events } = await admin.query(
    `select created_at, source, kind, from_status, to_status, reference, detail from order_events
      where order_id = (select order_id from payments where id = $1) order by created_at`,
    [id],
  );
  const books = await fetch(`${midtrans.url}/_control/books?orderId=${payments[0]?.reference}`);
  return { payments, events, books: await books.json() };
}

/** What a run finds that begins now; one that runs already knows only what was there before. */
async function reconcile(merchant: Shop): Promise<unknown[]> {
  let id: string | undefined;
  return vi.waitFor(
    async () => {
      // A bank may have refused what was accepted in the quiet: that is believed after a while only.
      await passTime();
      id ??= (await isReconciling()) ? undefined : await clients.reconcile(merchant);
      const { rows: runs } = await admin.query(
        'select status, checked, silences from reconciliations where id = $1',
        [id],
      );
      const { rows: questions } = await admin.query(
        'select payment_id, reason, tries from reconciliation_questions where run_id = $1',
        [id],
      );
      if (runs[0]?.status !== 'done') {
        const stories = await Promise.all(questions.map(({ payment_id: one }) => storyOf(one)));
        throw new Error(JSON.stringify({ seed, runs, questions, stories }, null, 1));
      }
      const { rows: differences } = await admin.query(
        `select payment_id, what, subject, ours, theirs, resolution
           from reconciliation_differences where run_id = $1`,
        [id],
      );
      return differences;
    },
    { timeout: 90_000, interval: 500 },
  );
}

test(`seed ${seed}: whatever breaks, the books are right when quiet`, async () => {
  const random = randomFrom(seed);
  let toCome = orders;
  let isOver = false;
  const shoppers = Array.from({ length: lanes }, async (_, lane) => {
    const own = randomFrom(seed + lane + 1);
    while (toCome > 0) {
      toCome -= 1;
      await traffic.shop(own);
    }
  });
  const chaos = (async () => {
    while (!isOver) {
      await sleep(300 + random() * 900);
      const victim = random() < 0.6 ? 'server' : 'worker';
      count(`kill -9 ${victim}`);
      if (victim === 'server') {
        await server.kill('SIGKILL');
        server = await startProcess('server', { database, settings });
      } else {
        await worker.kill('SIGKILL');
        worker = await startProcess('worker', { database, settings });
      }
      await traffic.stir(random);
    }
  })();
  await Promise.all(shoppers);
  isOver = true;
  await chaos;

  await beQuiet();
  // The first one finds money whose only message was lost. Then there is nothing left to find.
  await Promise.all(shops.map(reconcile));
  const left = await Promise.all(shops.map(reconcile));
  const invariants = await vi.waitFor(
    async () => {
      const found = await checkMoney({ adminUrl: database.admin, midtransUrl: midtrans.url });
      const isRight = found.every(({ violations }) => violations.length === 0);
      if (!isRight) throw new Error(`seed ${seed}\n${describeInvariants(found)}`);
      return found;
    },
    { timeout: 60_000, interval: 500 },
  );

  const faults = [...injected].map(([what, times]) => `${what}: ${times}`).sort();
  process.stdout.write(
    `\n${orders} orders, seed ${seed}. Faults: ${faults.join(', ')}\n${describeInvariants(invariants)}\n`,
  );
  expect(left).toEqual([[], []]);
  const paid = invariants.find(({ name }) => name.startsWith('I1'));
  expect(paid?.checked).toBeGreaterThan(orders / 4);
}, 360_000);
