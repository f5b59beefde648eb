import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type pg from 'pg';
import { buildApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { type AttentionItemView, AttentionListReply } from '../../src/contracts/attention.ts';
import { createHttpServer } from '../../src/http-server.ts';
import { createLog } from '../../src/log.ts';
import { wire } from '../../src/wire.ts';
import { type MidtransStub, startMidtransStub } from './midtrans-stub.ts';
import { processEnvironment } from './process-environment.ts';
import { createTestDatabase, openAdminPool } from './test-database.ts';

export type Gateway = Awaited<ReturnType<typeof startGateway>>;
export type Merchant = Awaited<ReturnType<Gateway['merchant']>>;
export type Answer = { readonly status: number; readonly headers: Headers; readonly body: Body };
type Body = Record<string, unknown> & {
  code?: string;
  order?: { status: string };
  errors?: { field: string; message: string }[];
};

/** The real app over a real database, in this process, with a stub in Midtrans' place. */
export async function startGateway(settings: Record<string, string> = {}) {
  const database = await createTestDatabase();
  const midtrans: MidtransStub = await startMidtransStub();
  const config = loadConfig({
    ...processEnvironment(database),
    MIDTRANS_BASE_URL: midtrans.url,
    PROVIDER_TIMEOUT_MS: '1500',
    ...settings,
  });
  const logLines: string[] = [];
  const log = createLog(
    { name: 'kassa-test', level: 'debug' },
    { write: (line) => void logLines.push(line) },
  );
  const wiring = await wire({ config, log, version: '0.0.0-test' });
  const isHttps = config.PUBLIC_URL.startsWith('https://');
  const app = buildApp({
    services: wiring.services,
    log,
    publicUrl: config.PUBLIC_URL,
    trustedProxies: config.TRUSTED_PROXIES,
    tenantDomains: config.TENANT_DOMAINS,
    platformSubdomains: config.PLATFORM_SUBDOMAINS,
    hasDemo: false,
    isHttps,
  });
  const server = createHttpServer(app, {
    isHttps,
    trustedProxies: config.TRUSTED_PROXIES,
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const admin = openAdminPool(database);

  async function send(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`${url}${path}`, init);
    const text = await response.text();
    const body = text.startsWith('{') ? (JSON.parse(text) as Body) : { text };
    return { status: response.status, headers: response.headers, body };
  }

  /** Adds a tenant as an operator would: one plain insert. */
  async function merchant(columns: Record<string, unknown> = {}) {
    const slug = `shop-${randomUUID().slice(0, 8)}`;
    const serverKey = `SB-Mid-server-${randomBytes(12).toString('hex')}`;
    const row = { slug, name: 'A shop', midtrans_server_key: serverKey, ...columns };
    const names = Object.keys(row);
    const { rows } = await admin.query<{ id: string }>(
      `insert into tenants (${names.join(', ')})
       values (${names.map((_, index) => `$${index + 1}`).join(', ')}) returning id`,
      Object.values(row),
    );
    const id = rows[0]?.id;
    const mode = columns.midtrans_environment === 'production' ? 'live' : 'test';
    const secretKey = `sk_${mode}_${randomBytes(24).toString('hex')}`;
    await admin.query(`insert into api_keys (tenant_id, prefix, key_hash) values ($1, $2, $3)`, [
      id,
      secretKey.slice(0, 12),
      createHash('sha256').update(secretKey).digest(),
    ]);

    const post = (path: string, body: unknown) =>
      send(`${path}?tenant=${row.slug}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
    const notify = (body: unknown) => post('/webhooks/midtrans', body);
    const get = (path: string) => send(`${path}?tenant=${row.slug}`);
    return {
      id: String(id),
      slug: row.slug,
      serverKey: String(row.midtrans_server_key),
      secretKey,
      post,
      get,
      create: (body: unknown) => post('/payment/create', body),
      notify,
      /** A notification of this merchant's account, correctly signed. */
      signed: (fields: Record<string, unknown>) => sign(fields, String(row.midtrans_server_key)),
      orderStatus: async (orderId: string) =>
        (await get(`/orders/${orderId}/status`)).body.order?.status,
      /** A read of the admin's, with the secret key. */
      look: (path: string) => send(path, { headers: { Authorization: `Bearer ${secretKey}` } }),
      stats: () => send('/admin/stats', { headers: { Authorization: `Bearer ${secretKey}` } }),
      /** What waits for a person, or did, newest first. */
      async attention(status: 'open' | 'resolved' = 'open'): Promise<AttentionItemView[]> {
        const answer = await send(`/admin/attention?status=${status}`, {
          headers: { Authorization: `Bearer ${secretKey}` },
        });
        return AttentionListReply.parse(answer.body).items;
      },
      /** The provider's books say so, and its notification arrives. */
      async tell(reference: string, overrides: Record<string, unknown> = {}) {
        const message = { ...aNotification(overrides), order_id: reference };
        midtrans.setStatus(message.transaction_id, message);
        midtrans.setStatus(reference, message);
        const answer = await notify(sign(message, String(row.midtrans_server_key)));
        return { message, answer };
      },
      /** The time of every open page of this merchant is up. */
      async runOut() {
        await admin.query(
          `update payments
              set expires_at = now() - interval '1 s', next_check_at = now() - interval '1 s'
            where tenant_id = $1 and status in ('creating', 'unknown', 'pending')`,
          [id],
        );
      },
      /** The provider's references of the merchant's payments, in the order of their making. */
      async references(): Promise<string[]> {
        const { rows } = await admin.query<{ provider_reference: string }>(
          'select provider_reference from payments where tenant_id = $1 order by created_at, id',
          [id],
        );
        return rows.map((row) => row.provider_reference);
      },
      /** An order whose first page ran out and whose second is open. */
      async orderWithTwoPages() {
        const order = anOrder();
        await this.create(order);
        await this.runOut();
        await this.create(order);
        const [first = '', second = ''] = await this.references();
        return { order, first, second };
      },
      /** Rows of a table of this tenant, as a superuser sees them. */
      async rows<R extends pg.QueryResultRow>(table: string): Promise<R[]> {
        const result = await admin.query<R>(`select * from ${table} where tenant_id = $1`, [id]);
        return result.rows;
      },
    };
  }

  return {
    config,
    url,
    publicUrl: config.PUBLIC_URL,
    sessionSecret: config.SESSION_SECRET.reveal(),
    send,
    merchant,
    midtrans,
    admin,
    database,
    logLines,
    services: wiring.services,
    wiring,
    async tenantOf(slug: string) {
      const { rows } = await admin.query<{ id: string }>('select id from tenants where slug = $1', [
        slug,
      ]);
      const tenant = await wiring.services.directory.find(rows[0]?.id as never);
      if (!tenant) throw new Error(`There is no tenant ${slug}.`);
      return tenant;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await wiring.close();
      await admin.end();
      await midtrans.close();
      await database.drop();
    },
  };
}

/** A body that `POST /payment/create` takes. */
export function anOrder(overrides: Record<string, unknown> = {}) {
  return {
    orderId: `ORDER-${randomUUID().slice(0, 8)}`,
    amount: 150_000,
    email: 'shopper@shop.example',
    phone: '+628123456789',
    name: 'Siti Rahma',
    paymentMethod: 'bca_va',
    ...overrides,
  };
}

/** Midtrans' notification of a bank transfer, unless told otherwise. */
export function aNotification(overrides: Record<string, unknown> = {}) {
  return {
    transaction_time: '2026-01-15 10:00:00',
    transaction_status: 'settlement',
    transaction_id: randomUUID(),
    status_message: 'midtrans payment notification',
    status_code: '200',
    payment_type: 'bank_transfer',
    gross_amount: '150000.00',
    fraud_status: 'accept',
    currency: 'IDR',
    ...overrides,
  };
}

function sign(fields: Record<string, unknown>, serverKey: string) {
  const { order_id, status_code, gross_amount } = fields;
  const signature = createHash('sha512')
    .update(`${order_id}${status_code}${gross_amount}${serverKey}`)
    .digest('hex');
  return { ...fields, signature_key: signature };
}
