import type pg from 'pg';
import { connect } from '../database/support/open.ts';
import { createRowFactory } from '../database/support/row-factory.ts';
import { readTenantTables, type TenantTable } from '../database/support/tenant-tables.ts';
import { aNotification, anOrder, type Gateway, type Merchant } from './gateway.ts';
import { openReconciliationDesk } from './reconciliations.ts';

/** Chains and keys that Kassa reads to go on: what chance makes of them is what a forger would. */
const ownMade = ['audit_entries', 'audit_heads', 'data_keys'];

/** Two rows of every kind that tenants have, from the catalogue; a new table is among them by itself. */
export async function openSeeder({ database }: { readonly database: { readonly admin: string } }) {
  const client = await connect(database.admin);
  const tables = await readTenantTables(client);
  const factory = createRowFactory(client, tables);

  async function seed(merchant: { readonly id: string }): Promise<void> {
    for (const { name } of tables.filter((table) => !ownMade.includes(table.name))) {
      await factory.store(name, merchant.id);
      await factory.store(name, merchant.id);
    }
    // Words that the tables take from anybody and the services know.
    for (const { name, columns } of tables) {
      if (!columns.some((column) => column.name === 'currency')) continue;
      await client.query(`update ${name} set currency = 'IDR' where tenant_id = $1`, [merchant.id]);
    }
  }

  return { seed, tables, close: () => client.end() };
}

/** Under which a merchant's refund was asked for. */
export const tradeKey = 'the-key-of-a-refund';

/** What only a life brings: money, a refund, a reconciliation that found something, and one that runs. */
export async function trade(gateway: Gateway, merchant: Merchant): Promise<void> {
  const paid = anOrder();
  await merchant.create(paid);
  await merchant.tell(paid.orderId, { payment_type: 'gopay' });
  const desk = openReconciliationDesk(gateway, merchant);
  await gateway.send(`/admin/orders/${paid.orderId}/refunds`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${merchant.secretKey}`,
      'Idempotency-Key': tradeKey,
    },
    body: JSON.stringify({ reason: 'broken', amount: 1_000 }),
  });
  for (const order of [anOrder(), anOrder()]) {
    await merchant.create(order);
    const other = aNotification({ order_id: order.orderId, gross_amount: '1.00' });
    gateway.midtrans.setStatus(order.orderId, other);
  }
  await desk.reconcile();
  await desk.begin();
}

/** All that a tenant has, in all tables, as one text. */
export async function textOf(
  { admin }: { readonly admin: pg.Pool },
  tables: readonly TenantTable[],
  tenantId: string,
): Promise<string> {
  const parts = tables.map(
    ({ name }) =>
      `select '${name}' as name, each::text as row from ${name} each where tenant_id = $1`,
  );
  const { rows } = await admin.query<{ text: string }>(
    `select string_agg(concat(name, row), E'\n' order by name, row) as text
       from (${parts.join(' union all ')} union all
             select 'tenants', each::text from tenants each where id = $1) as all_rows`,
    [tenantId],
  );
  return String(rows[0]?.text);
}
