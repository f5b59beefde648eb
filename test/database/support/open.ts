import pg from 'pg';
import { pino } from 'pino';
import { createDb, type Db, type TenantTx, type Transaction } from '../../../src/db/database.ts';
import { createPool } from '../../../src/db/pools.ts';
import { TenantId } from '../../../src/domain/ids.ts';

export const log = pino({ level: 'silent' });

/** One connection, for what is arranged or looked at beside the code under test. */
export async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  // Some tests end a connection on purpose; the statement that runs fails with it as well.
  client.on('error', () => {});
  await client.connect();
  return client;
}

export type Doors = { readonly db: Db; readonly app: pg.Pool; readonly platform: pg.Pool };

type DoorOptions = { readonly app: string; readonly platform: string; readonly max?: number };

/** The doors to the database as the server opens them; by default on one connection each. */
export function openDoors({ app: appUrl, platform: platformUrl, max = 1 }: DoorOptions): Doors {
  const app = createPool({ url: appUrl, applicationName: 'test-app', max, log });
  const platform = createPool({ url: platformUrl, applicationName: 'test-platform', max, log });
  return { db: createDb({ app, platform }), app, platform };
}

/** A tenant as an operator adds one: by one plain insert. */
export async function addTenant(owner: pg.Client, slug: string): Promise<TenantId> {
  const { rows } = await owner.query(
    `insert into tenants (slug, name, midtrans_server_key) values ($1, $1, 'SB-Mid-server-test')
     returning id`,
    [slug],
  );
  return TenantId.parse(rows[0]?.id);
}

export async function closeDoors({ app, platform }: Doors): Promise<void> {
  await Promise.all([app.end(), platform.end()]);
}

/** Which tenant a connection believes to serve, and how many customers it sees. */
export const lookText = `select nullif(current_setting('app.tenant_id', true), '') as tenant,
  (select count(*) from customers)::text as customers`;

export async function look(tx: Transaction) {
  return (await tx.query(lookText)).rows[0];
}

export async function addCustomer(tx: TenantTx, email: string): Promise<void> {
  await tx.query(`insert into customers (tenant_id, email, name) values ($1, $2, 'A')`, [
    tx.tenantId,
    email,
  ]);
}
