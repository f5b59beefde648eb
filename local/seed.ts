import { createHash } from 'node:crypto';
import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { hashPassword } from '../src/services/passwords.ts';

type DemoTenant = {
  readonly slug: string;
  readonly name: string;
  readonly plan: string;
  readonly placement: 'shared' | 'dedicated';
  readonly locale: string;
  readonly timeZone: string;
  readonly midtransServerKey: string;
  readonly owner: DemoUser;
};

type DemoUser = { readonly email: string; readonly name: string; readonly locale: string };

/** The two merchants that a newcomer meets. */
export const demoTenants: readonly DemoTenant[] = [
  {
    slug: 'buatfilm',
    name: 'Buat Film',
    plan: 'pro',
    placement: 'shared',
    locale: 'id',
    timeZone: 'Asia/Jakarta',
    midtransServerKey: 'SB-Mid-server-demo-buatfilm',
    owner: { email: 'owner@buatfilm.example', name: 'Ayu Lestari', locale: 'id' },
  },
  {
    slug: 'goteborg',
    name: 'Göteborgs Filmorkester',
    plan: 'enterprise',
    placement: 'dedicated', // served from the shared database until it has its own
    locale: 'sv',
    timeZone: 'Europe/Stockholm',
    midtransServerKey: 'SB-Mid-server-demo-goteborg',
    owner: { email: 'owner@goteborg.example', name: 'Åsa Lindqvist', locale: 'sv' },
  },
];

/** Runs the demo's platform. */
export const demoSuperadmin: DemoUser = {
  email: 'superadmin@kassa.example',
  name: 'Demo Superadmin',
  locale: 'en',
};

type SeedOptions = {
  readonly platformUrl: string;
  readonly port: number;
  /** The tenants' secret keys by slug. */
  readonly secretKeys: Readonly<Record<string, string>>;
  readonly superadminPassword: string;
  /** The tenants' owners' by slug. */
  readonly ownerPasswords: Readonly<Record<string, string>>;
};

/**
 * Adds the demo's merchants with their keys and owners, and who runs the platform; what is there
 * stays, but for the port in addresses.
 */
export async function seedDemo(options: SeedOptions): Promise<void> {
  const { platformUrl, port, secretKeys, superadminPassword, ownerPasswords } = options;
  const client = new pg.Client({ connectionString: platformUrl });
  await client.connect();
  try {
    for (const tenant of demoTenants) {
      const secretKey = secretKeys[tenant.slug];
      if (!secretKey) throw new Error(`The demo has no secret key for ${tenant.slug}.`);
      await insertTenant(client, tenant, port);
      await insertKey(client, tenant.slug, secretKey);
      const password = ownerPasswords[tenant.slug];
      if (!password) throw new Error(`The demo has no password for the owner of ${tenant.slug}.`);
      await insertOwner(client, tenant, password);
    }
    await insertSuperadmin(client, superadminPassword);
  } finally {
    await client.end();
  }
}

/** Tells the emulator what a merchant would enter in Midtrans' dashboard. */
export async function nameAtMidtrans(midtransUrl: string, port: number): Promise<void> {
  for (const { name, slug, midtransServerKey } of demoTenants) {
    const shop = `http://${slug}.localhost:${port}/demo`;
    const answer = await fetch(`${midtransUrl}/_control/accounts`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ serverKey: midtransServerKey, name, unfinishUrl: shop }),
    });
    if (!answer.ok) throw new Error(`The Midtrans emulator refused ${slug}: ${answer.status}.`);
  }
}

async function insertTenant(client: pg.Client, tenant: DemoTenant, port: number): Promise<void> {
  const { slug, name, plan, placement, locale, timeZone, midtransServerKey } = tenant;
  await client.query(
    `insert into tenants (slug, name, plan, placement, locale, time_zone, midtrans_server_key,
                          contact_email, email_from, email_reply_to, return_url)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8, $10)
     on conflict (slug) do update set return_url = excluded.return_url`,
    [
      slug,
      name,
      plan,
      placement,
      locale,
      timeZone,
      midtransServerKey,
      `hello@${slug}.example`,
      `${name} <orders@${slug}.example>`,
      `http://${slug}.localhost:${port}/demo/order`,
    ],
  );
}

async function insertKey(client: pg.Client, slug: string, secretKey: string): Promise<void> {
  await client.query(
    `insert into api_keys (tenant_id, prefix, key_hash)
     select id, $2, $3 from tenants where slug = $1
     on conflict (key_hash) do nothing`,
    [slug, secretKey.slice(0, 12), createHash('sha256').update(secretKey).digest()],
  );
}

async function insertSuperadmin(client: pg.Client, password: string): Promise<void> {
  await insertUser(client, demoSuperadmin, password);
  await client.query(
    `insert into identity.platform_members (user_id, role)
     select id, 'superadmin' from identity.users where email = $1
     on conflict (user_id) do nothing`,
    [demoSuperadmin.email],
  );
}

async function insertOwner(
  client: pg.Client,
  { slug, owner }: DemoTenant,
  password: string,
): Promise<void> {
  await insertUser(client, owner, password);
  await client.query(
    `insert into memberships (tenant_id, user_id, role)
     select t.id, u.id, 'owner' from tenants t, identity.users u where t.slug = $1 and u.email = $2
     on conflict (tenant_id, user_id) do nothing`,
    [slug, owner.email],
  );
}

async function insertUser(
  client: pg.Client,
  { email, name, locale }: DemoUser,
  password: string,
): Promise<void> {
  const { rows } = await client.query('select from identity.users where email = $1', [email]);
  if (rows.length > 0) return;
  // One statement, so that a start that dies half-way leaves no user without a password.
  await client.query(
    `with made as (
       insert into identity.users (id, name, email, email_verified, locale)
       values ($1, $2, $3, true, $6) returning id
     )
     insert into identity.accounts (id, user_id, account_id, provider_id, password)
     select $4, id, id::text, 'credential', $5 from made`,
    [uuidv7(), name, email, uuidv7(), await hashPassword(password), locale],
  );
}
