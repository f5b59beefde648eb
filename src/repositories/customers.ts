import { v7 as uuidv7 } from 'uuid';
import type { TenantTx } from '../db/database.ts';
import { CustomerId } from '../domain/ids.ts';

type NewCustomer = {
  readonly email: string; // lower case
  readonly name: string;
  readonly phone: string | undefined;
};

/** Finds the shopper by mail address or makes one; the newest name and phone win. */
export async function upsert(tx: TenantTx, customer: NewCustomer): Promise<CustomerId> {
  const { rows } = await tx.query<{ id: string }>(
    `insert into customers (tenant_id, id, email, name, phone)
     values ($1, $2, $3, $4, $5)
     on conflict (tenant_id, email) do update
       set name = excluded.name,
           phone = coalesce(excluded.phone, customers.phone),
           last_seen_at = excluded.last_seen_at
     returning id`,
    [tx.tenantId, uuidv7(), customer.email, customer.name, customer.phone ?? null],
  );
  return CustomerId.parse(rows[0]?.id);
}
