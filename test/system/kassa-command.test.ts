import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../database/support/command.ts';
import { aNotification, anOrder, type Gateway, startGateway } from '../support/gateway.ts';

const entry = new URL('../../src/cli/kassa.ts', import.meta.url);

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(() => gateway.close());

function kassa(...words: string[]) {
  const { app, platform, worker } = gateway.database;
  return run(
    entry,
    { DATABASE_URL: app, DATABASE_PLATFORM_URL: platform, DATABASE_WORKER_URL: worker },
    words,
  );
}

test('kassa ledger check says that all books agree, and which do not', async () => {
  const merchant = await gateway.merchant();
  await gateway.merchant();
  const order = anOrder();
  await merchant.create(order);
  const paid = aNotification({ order_id: order.orderId });
  gateway.midtrans.setStatus(paid.transaction_id, paid);
  await merchant.notify(merchant.signed(paid));

  const clean = await kassa('ledger', 'check');
  await gateway.admin.query('update ledger_transfers set amount = 149999 where tenant_id = $1', [
    merchant.id,
  ]);
  const damaged = await kassa('ledger', 'check', '--tenant', merchant.slug);

  expect(clean).toMatchObject({ code: 0, output: '2 tenants checked, 0 differences\n' });
  expect(damaged.code).toBe(1);
  expect(damaged.output).toMatch(
    new RegExp(`${merchant.slug}: payment .*: captured should be 150000, but is 149999`),
  );
});

test('kassa stats rebuild finds nothing, and mends what somebody broke', async () => {
  const merchant = await gateway.merchant();
  await merchant.create(anOrder());
  const rebuild = (...words: string[]) =>
    kassa('stats', 'rebuild', '--tenant', merchant.slug, ...words);

  const clean = await rebuild();
  await gateway.admin.query('update daily_stats set amount = 1 where tenant_id = $1', [
    merchant.id,
  ]);
  const looked = await rebuild('--dry-run');
  const mended = await rebuild();
  const after = await rebuild();

  expect(clean).toMatchObject({ code: 0, output: '1 tenants rebuilt, 0 differences mended\n' });
  for (const { code, output } of [looked, mended]) {
    expect(code).toBe(1);
    expect(output).toMatch(
      new RegExp(`${merchant.slug}: .* pending bca_va: off by 0 orders, 149999, 0 refunded`),
    );
  }
  expect(after.code).toBe(0);
});

test.each([
  [['ledger', 'check', '--tenant', 'nobody'], 'There is no tenant nobody.'],
  [['ledger', 'chek'], 'unknown command'],
])('kassa %j says what is wrong', async (words, message) => {
  const answer = await kassa(...words);

  expect(answer.code).toBe(1);
  expect(answer.output).toContain(message);
});

test('without an environment the command says what to set', async () => {
  const answer = await run(entry, {}, ['ledger', 'check']);

  expect(answer.code).toBe(1);
  expect(answer.output).toContain('DATABASE_URL');
});
