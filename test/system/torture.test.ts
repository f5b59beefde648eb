import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Inbox, startInbox } from '../../emulators/inbox/inbox.ts';
import { type MidtransEmulator, startMidtransEmulator } from '../../emulators/midtrans/emulator.ts';
import { checkMoney, describeInvariants } from '../../local/money-checker.ts';
import { anOrder } from '../support/gateway.ts';
import { freePorts } from '../support/ports.ts';
import { type KassaProcess, startProcess } from '../support/server-process.ts';
import { send } from '../support/system.ts';
import { createTestDatabase, openAdminPool, type TestDatabase } from '../support/test-database.ts';

// Mixed traffic against the real processes while they are killed and the provider misbehaves; then
// quiet, and the books must be those of the provider. The seed makes the choices, not the timing; a
// run is repeated with KASSA_TORTURE_SEED.

const orders = 400;
const lanes = 6;
// biome-ignore lint/style/noProcessEnv: a run that failed is repeated with its seed.
const seed = Number(process.env.KASSA_TORTURE_SEED ?? Date.now() % 1_000_000);
const slugs = ['shop-one', 'shop-two'];
const methods = ['bca_va', 'permata_va', 'gopay', 'credit_card', 'indomaret', 'qris', 'shopeepay'];
const faultKinds = [
  { kind: 'error', scope: 'snap.create' },
  { kind: 'reset', scope: 'snap.create' },
  { kind: 'reset-after-effect', scope: 'snap.create' },
  { kind: 'html', scope: 'snap.create' },
  { kind: 'truncated', scope: 'snap.create' },
  { kind: 'stall', scope: 'core.status' },
  { kind: 'error', scope: 'core.status' },
  { kind: 'reset', scope: 'core.status' },
  { kind: 'html', scope: 'core.status' },
  { kind: 'reset-after-effect', scope: 'core.expire' },
  { kind: 'reset-after-effect', scope: 'snap.cancel' },
];

let database: TestDatabase;
let midtrans: MidtransEmulator;
let inbox: Inbox;
let admin: pg.Pool;
let settings: Record<string, string>;
let server: KassaProcess;
let worker: KassaProcess;
const injected = new Map<string, number>();

beforeAll(async () => {
  database = await createTestDatabase();
  midtrans = await startMidtransEmulator({ port: 0, dataFile: ':memory:' });
  inbox = await startInbox({ port: 0, smtpPort: 0, dataFile: ':memory:' });
  admin = openAdminPool(database);
  for (const [index, slug] of slugs.entries()) {
    const serverKey = `SB-Mid-server-torture-${slug}`;
    const merchantId = `G90000000${index}`;
    await control('accounts', { serverKey, merchantId });
    await admin.query(
      `insert into tenants (slug, name, midtrans_server_key, midtrans_merchant_id)
       values ($1, $1, $2, $3)`,
      [slug, serverKey, merchantId],
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

async function control(path: string, body: object): Promise<void> {
  await send(`${midtrans.url}/_control/${path}`, { body });
}

function count(what: string): void {
  injected.set(what, (injected.get(what) ?? 0) + 1);
}

/** Small and good enough: mulberry32. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function pick<T>(random: () => number, values: readonly T[]): T {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new Error('There is nothing to pick from.');
  return value;
}

/** As a storefront does: the same order again until there is a page, or a refusal for good. */
async function createUntilAnswered(slug: string, order: { orderId: string }): Promise<boolean> {
  for (let tries = 0; tries < 25; tries += 1) {
    const answer = await send(`${server.url}/payment/create?tenant=${slug}`, { body: order }).catch(
      () => undefined,
    );
    if (answer?.status === 200) return true;
    if (answer && answer.status < 500 && answer.status !== 409) return false;
    await sleep(200);
  }
  return false;
}

async function shop(random: () => number): Promise<void> {
  const slug = pick(random, slugs);
  const order = anOrder({
    paymentMethod: undefined,
    amount: 10_000 + Math.floor(random() * 90_000),
  });
  if (random() < 0.4) {
    const fault = pick(random, faultKinds);
    count(`${fault.kind} ${fault.scope}`);
    await control('faults', { ...fault, count: 1 });
  }
  if (!(await createUntilAnswered(slug, order))) return;
  const serverKey = `SB-Mid-server-torture-${slug}`;
  const on = (action: string, body: object = {}) =>
    control(`orders/${order.orderId}/${action}`, { serverKey, ...body });
  if (random() < 0.3) {
    count('fee on top');
    await on('fee', { amount: 500 + Math.floor(random() * 5_000) });
  }
  const fate = random();
  if (fate < 0.1) return; // leaves
  if (random() < 0.15) {
    count('notification dropped');
    await control('notifications/drop', { next: 1 });
  }
  const method = pick(random, methods);
  if (fate < 0.2) {
    await on('choose', { method });
    await on(pick(random, ['deny', 'expire', 'cancel']));
    if (random() < 0.5) await on('settle-late');
    if (random() < 0.5) await createUntilAnswered(slug, order);
    return;
  }
  await on('pay', { method });
  if (random() < 0.4) {
    count('notification duplicated');
    await control('notifications/duplicate', { times: 3 });
  }
  if (fate > 0.9) await on('reverse');
  else if (fate > 0.75) await on('refund', { refundKey: `r-${order.orderId}`, reason: 'torture' });
  if (random() < 0.3) await createUntilAnswered(slug, order);
}

test(`seed ${seed}: whatever breaks, the books are right when quiet`, async () => {
  const random = randomFrom(seed);
  let left = orders;
  let isOver = false;
  const shoppers = Array.from({ length: lanes }, async (_, lane) => {
    const own = randomFrom(seed + lane + 1);
    while (left > 0) {
      left -= 1;
      await shop(own);
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
    }
  })();
  await Promise.all(shoppers);
  isOver = true;
  await chaos;

  await fetch(`${midtrans.url}/_control/faults`, { method: 'DELETE' });
  await control('settlement-run', {});
  await control('clock/advance', { seconds: 6 * 3_600 });
  // As if the gaps between our questions had passed.
  await admin.query('update payments set next_check_at = now() where next_check_at is not null');
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
  const paid = invariants.find(({ name }) => name.startsWith('I1'));
  expect(paid?.checked).toBeGreaterThan(orders / 4);
}, 240_000);
