import { v7 as uuidv7 } from 'uuid';
import type { TenantTx } from '../db/database.ts';
import { CustomerId } from '../domain/ids.ts';
import type { Moment } from '../domain/moment.ts';

export type Customer = {
  readonly id: CustomerId;
  readonly email: string; // lower case
  readonly name: string;
  readonly phone: string | undefined;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
};

/** Finds the shopper by mail address or makes one; the newest name and phone win. */
export async function upsert(
  tx: TenantTx,
  customer: Pick<Customer, 'email' | 'name' | 'phone'>,
): Promise<CustomerId> {
  const { rows } = await tx.query<{ id: string }>(
    `insert into customers (tenant_id, id, email, name, phone)
     values ($1, $2, $3, $4, $5)
     on conflict (tenant_id, email) do update
       set name = excluded.name,
           phone = coalesce(excluded.phone, customers.phone),
           last_seen_at = greatest(customers.last_seen_at, excluded.last_seen_at)
     returning id`,
    [tx.tenantId, uuidv7(), customer.email, customer.name, customer.phone ?? null],
  );
  return CustomerId.parse(rows[0]?.id);
}

type CustomerRow = {
  id: string;
  email: string;
  name: string;
  phone: string | null;
  created_at: Date;
  last_seen_at: Date;
  seen_micros: string;
};

/** Who was seen last comes first. */
export async function list(
  tx: TenantTx,
  { after, limit }: { after: Moment | undefined; limit: number },
): Promise<(Customer & { readonly position: Moment })[]> {
  const { rows } = await tx.query<CustomerRow>(
    `select id, email, name, phone, created_at, last_seen_at,
            (extract(epoch from last_seen_at) * 1000000)::bigint::text as seen_micros
       from customers
      where tenant_id = $1
        and ($2::bigint is null or (last_seen_at, id) <
             ('epoch'::timestamptz + $2 * interval '1 microsecond', $3::uuid))
      order by last_seen_at desc, id desc
      limit $4`,
    [tx.tenantId, after?.micros ?? null, after?.id ?? null, limit],
  );
  return rows.map((row) => ({
    id: CustomerId.parse(row.id),
    email: row.email,
    name: row.name,
    phone: row.phone ?? undefined,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    position: { micros: row.seen_micros, id: row.id },
  }));
}
