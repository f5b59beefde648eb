import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { expect, test } from 'vitest';
import { checkOwnBooks } from '../../local/own-books.ts';
import { migrate } from '../../src/db/migrate.ts';
import { databaseBefore } from './support/older-database.ts';
import { addTenant } from './support/open.ts';
import { createRowFactory } from './support/row-factory.ts';
import { readTenantTables } from './support/tenant-tables.ts';

// What migrations make of the rows that a database of an older version holds.

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

test('what an order was flagged with before the list is on it', async () => {
  const { ownerUrl, admin } = await databaseBefore('0012');
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

test("statistics by method and customers' totals count the orders that are there", async () => {
  const { ownerUrl, admin } = await databaseBefore('0009');
  const tenant = await addTenant(admin, 'tenant-a');
  const customer = randomUUID();
  await admin.query(
    `insert into customers (tenant_id, id, email, name) values ($1, $2, 'a@shop.example', 'A')`,
    [tenant, customer],
  );
  for (const [status, refunded, asked, used] of [
    ['paid', 0, null, 'gopay'],
    ['partially_refunded', 4, 'bca_va', 'bca_va'],
    ['expired', 0, 'bca_va', null],
    ['disputed', 0, null, 'credit_card'],
  ]) {
    const { rows } = await admin.query(
      `insert into orders (tenant_id, order_id, customer_id, customer_name, status, amount, currency,
                           refunded_amount, payment_method, content_hash, business_day)
       values ($1, gen_random_uuid(), $2, 'A', $3, 10, 'IDR', $4, $5, '', '2026-01-15')
       returning id`,
      [tenant, customer, status, refunded, asked],
    );
    await admin.query(
      `insert into payments (tenant_id, order_id, provider, provider_reference, status, amount,
                             currency, method, expires_at)
       values ($1, $2, 'midtrans', gen_random_uuid(), $3, 10, 'IDR', $4, now())`,
      [tenant, rows[0].id, status, used],
    );
  }

  await migrate({ ownerUrl });

  const stats = await admin.query(
    `select status, method, orders, amount, refunded_amount from daily_stats order by status`,
  );
  expect(stats.rows.map((row) => Object.values(row).join(' '))).toEqual([
    'disputed credit_card 1 10 0',
    'expired bca_va 1 10 0',
    'paid gopay 1 10 0',
    'partially_refunded bca_va 1 10 4',
  ]);
  const totals = await admin.query('select * from customer_totals');
  expect(totals.rows).toMatchObject([
    { customer_id: customer, orders: '4', paid_orders: '2', spent_amount: '20' },
  ]);
});

test('a database of the version before keeps every row of every table', async () => {
  const { ownerUrl, admin } = await databaseBefore('0009');
  const tables = await readTenantTables(admin);
  const factory = createRowFactory(admin, tables);
  for (const slug of ['tenant-a', 'tenant-b']) {
    const tenant = await addTenant(admin, slug);
    for (const { name } of tables) await factory.store(name, tenant);
  }
  // Statistics are counted anew.
  const kept = tables.map(({ name }) => name).filter((name) => name !== 'daily_stats');
  const readIds = async () => {
    const found: string[][] = [];
    for (const name of kept) {
      const { rows } = await admin.query(
        `select tenant_id, to_jsonb(t) ->> 'id' as id from ${name} t`,
      );
      found.push(rows.map((row) => JSON.stringify(row)).sort());
    }
    return found;
  };
  const before = await readIds();

  await migrate({ ownerUrl });

  expect(before.every((ids) => ids.length >= 2)).toBe(true);
  expect(await readIds()).toEqual(before);
  const { rows: unforced } = await admin.query(
    `select relname from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relkind = 'r' and a.attname = 'tenant_id' and not c.relforcerowsecurity
        and c.relnamespace = 'public'::regnamespace`,
  );
  expect(unforced).toEqual([]);
});

test('money and refunds of the version before are in order, and followed to their end', async () => {
  const { ownerUrl, admin } = await databaseBefore('0009');
  const tenant = await addTenant(admin, 'tenant-a');
  for (const refund of ['requested', 'unknown', 'accepted', 'confirmed', 'refused']) {
    await storeRefunded(admin, tenant, refund);
  }

  await migrate({ ownerUrl });

  const invariants = await checkOwnBooks(admin);
  expect(invariants.flatMap(({ violations }) => violations)).toEqual([]);
  const { rows } = await admin.query(
    'select status, next_check_at is not null as is_followed, unclear_at is not null as is_unclear from refunds',
  );
  expect(rows).toHaveLength(5);
  for (const { status, ...row } of rows) {
    expect({ status, ...row }).toEqual({ status, is_followed: true, is_unclear: true });
  }
});

/** An order that was paid, and given back for a half as far as its refund has come. */
async function storeRefunded(admin: pg.Client, tenant: string, status: string): Promise<void> {
  const [customer, order, payment] = [randomUUID(), randomUUID(), randomUUID()];
  const isBack = status === 'confirmed';
  const state = isBack ? 'partially_refunded' : 'paid';
  const refunded = isBack ? 50 : 0;
  const insert = (table: string, row: Record<string, unknown>) =>
    admin.query(
      `insert into ${table} (${Object.keys(row)})
       values (${Object.keys(row).map((_, index) => `$${index + 1}`)})`,
      Object.values(row),
    );
  const money = { tenant_id: tenant, currency: 'IDR' };
  await insert('customers', { tenant_id: tenant, id: customer, email: customer, name: 'A' });
  await insert('orders', {
    ...{ ...money, id: order, order_id: order, customer_id: customer, customer_name: 'A' },
    ...{ status: state, amount: 100, refunded_amount: refunded, content_hash: '' },
    ...{ business_day: '2026-01-15', payment_method: 'gopay' },
  });
  await insert('payments', {
    ...{ ...money, id: payment, order_id: order, provider: 'midtrans', provider_reference: order },
    ...{ status: state, amount: 100, captured_amount: 100, refunded_amount: refunded },
    ...{ expires_at: new Date(), method: 'gopay' },
  });
  const accepted = ['accepted', 'confirmed'].includes(status) ? new Date() : null;
  await insert('refunds', {
    ...{ ...money, id: randomUUID(), order_id: order, payment_id: payment, source: 'merchant' },
    ...{ status, amount: 50, provider_key: randomUUID(), accepted_at: accepted },
    confirmed_at: isBack ? accepted : null,
  });
  const transfers = [
    { kind: 'payment', debit_account: 'provider_balance', credit_account: 'sales', amount: 100 },
    { kind: 'refund', debit_account: 'refunds', credit_account: 'provider_balance', amount: 50 },
  ];
  for (const transfer of isBack ? transfers : transfers.slice(0, 1)) {
    const day = '2026-01-15';
    await insert('ledger_transfers', {
      ...{ ...money, ...transfer, id: randomUUID(), order_id: order, payment_id: payment, day },
    });
    for (const [side, account] of [
      ['debits', transfer.debit_account],
      ['credits', transfer.credit_account],
    ]) {
      await admin.query(
        `insert into ledger_days as d (tenant_id, day, account, currency, ${side})
         values ($1, $2, $3, 'IDR', $4)
         on conflict (tenant_id, day, account, currency)
         do update set ${side} = d.${side} + excluded.${side}`,
        [tenant, day, account, transfer.amount],
      );
    }
  }
}
