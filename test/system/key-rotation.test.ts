import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { run } from '../database/support/command.ts';
import { aNotification, anOrder } from '../support/gateway.ts';
import { masterKeyOf } from '../support/master-keys.ts';
import { type MidtransStub, startMidtransStub } from '../support/midtrans-stub.ts';
import { processEnvironment } from '../support/process-environment.ts';
import { type KassaProcess, startProcess } from '../support/server-process.ts';
import { createTestDatabase, openAdminPool } from '../support/test-database.ts';

const kassa = new URL('../../src/cli/kassa.ts', import.meta.url);
const server = new URL('../../src/server.ts', import.meta.url);
const database = await createTestDatabase();
const admin = openAdminPool(database);
/** Enough that a rotation of data keys can be caught in the middle. */
const shopCount = 60;
const busyShops = 4;

let folder: string;
let file: string;
let midtrans: MidtransStub;
let servers: KassaProcess[];
let worker: KassaProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kassa-rotation-'));
  file = join(folder, 'master-keys');
  await writeFile(file, `${masterKeyOf('k1')}\n`, { mode: 0o600 });
  midtrans = await startMidtransStub();
  for (let n = 0; n < shopCount; n += 1) await addShop(n);
  const settings = {
    MASTER_KEYS: '',
    MASTER_KEY_FILE: file,
    MIDTRANS_BASE_URL: midtrans.url,
    NOTIFICATION_CONFIRM_MS: '5000',
    LOG_LEVEL: 'error',
  };
  servers = [
    await startProcess('server', { database, settings }),
    await startProcess('server', { database, settings }),
  ];
  worker = await startProcess('worker', { database, settings });
}, 60_000);

afterAll(async () => {
  for (const each of [...servers, worker]) await each.kill('SIGTERM');
  await midtrans.close();
  await admin.end();
  await database.drop();
  await rm(folder, { recursive: true });
});

const slugOf = (n: number) => `shop-${n}`;
const serverKeyOf = (n: number) => `SB-Mid-server-of-shop-number-${n}`;
const secretKeyOf = (n: number) => `sk_test_${String(n).padStart(32, '0')}`;

async function addShop(n: number): Promise<void> {
  await admin.query(
    `with shop as (
       insert into tenants (slug, name, midtrans_server_key) values ($1, 'A shop', $2) returning id)
     insert into api_keys (tenant_id, prefix, key_hash) select id, 'sk_test_', $3 from shop`,
    [slugOf(n), serverKeyOf(n), createHash('sha256').update(secretKeyOf(n)).digest()],
  );
}

const environment = (masterKeys: { MASTER_KEYS: string; MASTER_KEY_FILE?: string }) => ({
  ...processEnvironment(database),
  ...masterKeys,
});
const fromFile = () => environment({ MASTER_KEYS: '', MASTER_KEY_FILE: file });
const command = (...words: string[]) => run(kassa, fromFile(), words);

type Counts = { requests: number; readonly failures: string[] };

/** Shops that create, hear of money and look at their numbers, on both servers, until told to stop. */
function startLoad() {
  const counts: Counts = { requests: 0, failures: [] };
  let isOver = false;
  const work = Promise.all(
    Array.from({ length: busyShops }, async (_, n) => {
      while (!isOver) await visit(n, counts);
    }),
  );
  const stop = async () => {
    isOver = true;
    await work;
  };
  onTestFinished(stop);
  return { counts, stop };
}

async function visit(n: number, counts: Counts): Promise<void> {
  const { url = '' } = servers[counts.requests % servers.length] ?? {};
  const order = anOrder();
  const paid = { ...aNotification(), order_id: order.orderId };
  midtrans.setStatus(paid.transaction_id, paid);
  const { order_id, status_code, gross_amount } = paid;
  const signature_key = createHash('sha512')
    .update(`${order_id}${status_code}${gross_amount}${serverKeyOf(n)}`)
    .digest('hex');
  const json = { 'Content-Type': 'application/json' };
  const posts: [string, object][] = [
    ['/payment/create', order],
    ['/webhooks/midtrans', { ...paid, signature_key }],
  ];
  for (const [path, body] of posts) {
    await ask(counts, `${url}${path}?tenant=${slugOf(n)}`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify(body),
    });
  }
  const headers = { Authorization: `Bearer ${secretKeyOf(n)}` };
  await ask(counts, `${url}/admin/stats`, { headers });
  const { authorization } = midtrans.createCalls().at(-1)?.headers ?? {};
  if (!authorization?.startsWith('Basic ')) counts.failures.push('a call without a key');
}

async function ask(counts: Counts, url: string, init: RequestInit): Promise<void> {
  const answer = await fetch(url, init);
  const text = await answer.text();
  counts.requests += 1;
  if (answer.status !== 200) counts.failures.push(`${url}: ${answer.status} ${text}`);
}

async function statusLines(): Promise<string[]> {
  const { code, output } = await command('keys', 'status');
  expect(code).toBe(0);
  return output.trimEnd().split('\n');
}

async function countOf(text: string): Promise<number> {
  const { rows } = await admin.query(`select count(*)::int as n from ${text}`);
  return rows[0]?.n;
}

/** Ends a rotation of data keys, without a word, while it seals anew. */
async function killInTheMiddle(): Promise<void> {
  const child = spawn(process.execPath, [kassa.pathname, 'keys', 'rotate', '--data'], {
    cwd: folder,
    env: fromFile(),
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  await expect
    .poll(() => countOf('data_keys where version = 3'), { interval: 5 })
    .toBeGreaterThan(3);
  child.kill('SIGKILL');
  const [, signal] = await exited;
  expect(signal).toBe('SIGKILL');
  expect(await countOf('key_rotations where finished_at is null')).toBe(1);
}

test('keys are replaced under load, and once more after a kill: no request fails, nothing stays behind', async () => {
  const load = startLoad();
  await expect.poll(() => load.counts.requests).toBeGreaterThan(30);
  expect(await countOf(`tenants where midtrans_server_key not like 'sealed:%'`)).toBe(0);

  // The running processes are not told: they find the new key in the file when they meet it.
  await appendFile(file, `${masterKeyOf('k2')}\n`);
  const rotated = await command('keys', 'rotate');
  const late = shopCount;
  await addShop(late);
  await visit(late, load.counts);
  await killInTheMiddle();
  const resumed = await command('keys', 'rotate', '--data');
  const before = load.counts.requests;
  await expect.poll(() => load.counts.requests).toBeGreaterThan(before + 30);
  await load.stop();

  expect(rotated).toMatchObject({ code: 0 });
  expect(rotated.output).toContain(
    `master key "k2": ${shopCount + 1} data keys put under it, 0 could`,
  );
  expect(rotated.output).toContain(`data keys: ${shopCount + 1} made, ${shopCount + 1} secrets`);
  expect(resumed).toMatchObject({ code: 0 });
  expect(await countOf('key_rotations where finished_at is null')).toBe(0);
  expect(await countOf(`data_keys where kek_id <> 'k2'`)).toBe(0);
  expect(await statusLines()).toEqual([
    'master key "k2" wraps what is new',
    expect.stringMatching(/^data keys under "k2", current: 62$/),
    expect.stringMatching(/^data keys under "k2", retired: \d+$/),
    'tenants.midtrans_server_key: 61 sealed with keys of today, 0 with older ones, 0 plain',
    'tenants.database_url: 0 sealed with keys of today, 0 with older ones, 0 plain',
    'platform_secrets.value: 1 sealed with keys of today, 0 with older ones, 0 plain',
  ]);
  process.stdout.write(
    `rotation: ${load.counts.requests} requests, ${load.counts.failures.length} failed\n`,
  );
  expect(load.counts.failures).toEqual([]);
}, 120_000);

test.each([
  ['server', server, []],
  ['worker', new URL('../../src/worker.ts', import.meta.url), []],
  ['kassa', kassa, ['keys', 'status']],
])(
  'without the master key in use the %s refuses to start, and says what to do',
  async (_, entry, words) => {
    const [old, wrong] = [
      await run(entry, environment({ MASTER_KEYS: masterKeyOf('k1') }), words),
      await run(
        entry,
        environment({ MASTER_KEYS: `k2:${masterKeyOf('other').split(':')[1]}` }),
        words,
      ),
    ];

    for (const answer of [old, wrong]) expect(answer.code).toBe(1);
    expect(old.output).toContain('is not given. Add it to MASTER_KEYS or to the MASTER_KEY_FILE');
    expect(wrong.output).toContain('is not the one that wrapped the keys in this database');
    const [, secret = ''] = masterKeyOf('k1').split(':');
    expect(old.output).not.toContain(secret);
  },
);
