import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, inject, onTestFinished, test } from 'vitest';
import { dropDatabase } from '../../local/database.ts';
import { migrate } from '../../src/db/migrate.ts';
import { addTenant, connect } from './support/open.ts';
import { createRowFactory } from './support/row-factory.ts';
import { readTenantTables } from './support/tenant-tables.ts';

const folder = fileURLToPath(new URL('../../migrations', import.meta.url));

const reasons: readonly [string | null, string | null][] = [
  [null, null],
  ['Money arrived after the order had ended.', 'late-money'],
  ['A second attempt paid the same order.', 'paid-twice'],
  ['Two payments paid the same order.', 'paid-twice'],
  ['The bank took the money back.', 'reversed'],
  ['The bank refused refunds of 1000 that the provider had accepted.', 'refund-refused-by-bank'],
  ['Refund 0198 was refused: no.', 'refund-refused'],
  ['The provider reports 154000.00.', 'amount-differs'],
  ['The provider says paid, but the amount differs from the order.', 'amount-differs'],
  ['Fraud screening holds the payment: approve or deny it at the provider.', 'fraud-hold'],
  ['The provider says expired, but a paid payment cannot expire.', 'news-that-cannot-be'],
];

/** A database as it was before the list. */
async function olderDatabase() {
  const { adminUrl, password } = inject('postgres');
  const name = `kassa_older_${randomUUID().replaceAll('-', '')}`;
  const server = await connect(adminUrl);
  await server.query(`create database ${name} owner kassa_owner`);
  await server.end();
  onTestFinished(() => dropDatabase(adminUrl, name));
  const dir = await mkdtemp(join(tmpdir(), 'kassa-migrations-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  for (const file of await readdir(folder)) {
    if (file < '0012') await cp(join(folder, file), join(dir, file));
  }
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const adminOfIt = url.href;
  url.username = 'kassa_owner';
  url.password = password;
  await migrate({ ownerUrl: url.href, dir });
  return { ownerUrl: url.href, admin: await connect(adminOfIt) };
}

test('what an order was flagged with before the list is on it', async () => {
  const { ownerUrl, admin } = await olderDatabase();
  onTestFinished(() => admin.end());
  const tenant = await addTenant(admin, 'tenant-a');
  const factory = createRowFactory(admin, await readTenantTables(admin));
  for (const [text, reason] of reasons) {
    const { id } = await factory.store('orders', tenant);
    await admin.query('update orders set attention_reason = $2, order_id = $3 where id = $1', [
      id,
      text,
      `${reason}: ${text}`,
    ]);
  }

  await migrate({ ownerUrl });

  const { rows } = await admin.query(
    `select o.order_id, a.reason || ': ' || a.detail as item, a.payment_id, a.resolved_at
       from attention_items a join orders o on o.tenant_id = a.tenant_id and o.id = a.order_id`,
  );
  expect(rows).toHaveLength(reasons.length - 1);
  for (const row of rows) {
    expect(row).toMatchObject({ item: row.order_id, payment_id: null, resolved_at: null });
  }
  const { rows: tables } = await admin.query(
    `select relforcerowsecurity as forced from pg_class where relname = 'orders'`,
  );
  expect(tables).toEqual([{ forced: true }]);
});
