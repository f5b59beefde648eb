import type { PlatformTx } from '../db/database.ts';
import type { TenantRole } from '../domain/access.ts';
import type { ApiKeyForm } from '../domain/api-keys.ts';
import { ApiKeyId, InvitationId, Slug, TenantId, type UserId } from '../domain/ids.ts';
import { currencyOf } from '../domain/money.ts';
import { Secret } from '../domain/secret.ts';
import type { MidtransAccount, Tenant, TenantStatus } from '../domain/tenant.ts';

/** A tenant with its account as it is stored: the key is sealed, or plain as somebody put it in. */
export type StoredTenant = Omit<Tenant, 'midtrans'> & {
  readonly midtrans: (MidtransAccount & { readonly hasPlainNeighbours: boolean }) | undefined;
};

type TenantRow = {
  id: string;
  slug: string;
  name: string;
  status: TenantStatus;
  locale: string;
  currency: string;
  time_zone: string;
  max_orders_per_month: number | null;
  return_url: string | null;
  payment_expiry_minutes: number;
  email_from: string | null;
  email_reply_to: string | null;
  allowed_origins: string[];
  create_requires_key: boolean;
  midtrans_environment: MidtransAccount['environment'];
  midtrans_server_key: string | null;
  midtrans_merchant_id: string | null;
  is_midtrans_shared: boolean;
  requires_second_factor: boolean;
  has_plain_neighbours: boolean;
};

/** A tenant as those see it who work for it. */
export type WorkPlace = Pick<Tenant, 'id' | 'slug' | 'name' | 'status'> & {
  readonly role: TenantRole;
};
type WorkPlaceRow = Pick<TenantRow, 'id' | 'slug' | 'name' | 'status'> & { role: TenantRole };

const columns = `t.id, t.slug, t.name, t.status, t.locale, t.currency, t.time_zone,
  coalesce(t.max_orders_per_month, p.max_orders_per_month, older.max_orders_per_month)
    as max_orders_per_month,
  t.return_url, t.payment_expiry_minutes, t.email_from, t.email_reply_to,
  t.allowed_origins, t.create_requires_key, t.requires_second_factor,
  t.midtrans_environment, t.midtrans_server_key, t.midtrans_merchant_id,
  exists (select from tenants o
           where o.id <> t.id
             and (o.midtrans_merchant_id = t.midtrans_merchant_id
                  or (o.midtrans_server_key like 'sealed:%'
                      and o.midtrans_server_key_fingerprint = t.midtrans_server_key_fingerprint)))
    as is_midtrans_shared,
  exists (select from tenants o
           where o.id <> t.id
             and o.midtrans_server_key <> '' and o.midtrans_server_key not like 'sealed:%')
    as has_plain_neighbours`;

// `small` and `medium` are older names: their limits are those of the plan that they are read as.
const source = `tenants t
  join plans p on p.code = t.plan
  left join plans older on older.code = p.read_as`;

export async function findBySlug(tx: PlatformTx, slug: Slug): Promise<StoredTenant | undefined> {
  const { rows } = await tx.query<TenantRow>(`select ${columns} from ${source} where t.slug = $1`, [
    slug,
  ]);
  return rows[0] && toTenant(rows[0]);
}

export async function findById(tx: PlatformTx, id: TenantId): Promise<StoredTenant | undefined> {
  const { rows } = await tx.query<TenantRow>(`select ${columns} from ${source} where t.id = $1`, [
    id,
  ]);
  return rows[0] && toTenant(rows[0]);
}

type KeyRow = {
  key_id: string;
  key_prefix: string;
  key_scopes: string[] | null;
  is_use_due: boolean;
};

/** A key in force, and the tenant that it names. */
export type KeyHolder = {
  readonly tenant: StoredTenant;
  readonly keyId: ApiKeyId;
  readonly prefix: string;
  readonly scopes: readonly string[] | undefined;
  /** Nobody has written down for a while that it is used. */
  readonly isUseDue: boolean;
};

/**
 * Who holds the key of that SHA-256, whosever it is: it says for which tenant a request is. One
 * statement, which every request with a key pays; an unknown key costs it what a revoked one does.
 */
export async function findByKey(
  tx: PlatformTx,
  { hash, kind, environment }: ApiKeyForm & { readonly hash: Buffer },
): Promise<KeyHolder | undefined> {
  const { rows } = await tx.query<TenantRow & KeyRow>(
    `select k.id as key_id, k.prefix as key_prefix, k.scopes as key_scopes,
            k.last_used_at is null or k.last_used_at < now() - interval '1 minute' as is_use_due,
            ${columns}
       from ${source}
       join api_keys k on k.tenant_id = t.id
      where k.key_hash = $1 and k.kind = $2 and t.midtrans_environment = $3
        and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())`,
    [hash, kind, environment],
  );
  const [row] = rows;
  if (!row) return undefined;
  return {
    tenant: toTenant(row),
    keyId: ApiKeyId.parse(row.key_id),
    prefix: row.key_prefix,
    scopes: row.key_scopes ?? undefined,
    isUseDue: row.is_use_due,
  };
}

/** The invitation of that SHA-256, whoever invites, as long as it can be accepted. */
export async function findInvitationByHash(tx: PlatformTx, hash: Buffer) {
  const { rows } = await tx.query<{ tenant_id: string; id: string }>(
    `select tenant_id, id from invitations
      where token_hash = $1 and accepted_at is null and revoked_at is null and expires_at > now()`,
    [hash],
  );
  const [row] = rows;
  return row && { tenantId: TenantId.parse(row.tenant_id), id: InvitationId.parse(row.id) };
}

/** Tenants that a user works for, by slug. */
export async function listOfUser(
  tx: PlatformTx,
  userId: UserId,
  limit: number,
): Promise<WorkPlace[]> {
  const { rows } = await tx.query<WorkPlaceRow>(
    `select t.id, t.slug, t.name, t.status, m.role
       from memberships m join tenants t on t.id = m.tenant_id
      where m.user_id = $1 order by t.slug limit $2`,
    [userId, limit],
  );
  return rows.map(({ id, slug, ...rest }) => ({
    id: TenantId.parse(id),
    slug: Slug.parse(slug),
    ...rest,
  }));
}

/**
 * Whether another tenant has the same server key, sealed or still plain. A plain one is compared by
 * its digest, so that no key travels to the database.
 */
export async function hasKeyElsewhere(
  tx: PlatformTx,
  { id, fingerprint, digest }: { id: TenantId; fingerprint: Buffer; digest: Buffer },
): Promise<boolean> {
  const { rows } = await tx.query<{ is_elsewhere: boolean }>(
    `select exists (select from tenants
                     where id <> $1 and midtrans_server_key like 'sealed:%'
                       and midtrans_server_key_fingerprint = $2)
         or exists (select from tenants
                     where id <> $1
                       and midtrans_server_key <> '' and midtrans_server_key not like 'sealed:%'
                       and sha256(convert_to(midtrans_server_key, 'UTF8')) = $3) as is_elsewhere`,
    [id, fingerprint, digest],
  );
  return rows[0]?.is_elsewhere === true;
}

/** What a merchant says of its account at Midtrans; the key is sealed. */
export type MidtransAccountRow = {
  readonly environment: MidtransAccount['environment'];
  readonly merchantId: string | undefined;
  readonly clientKey: string | undefined;
  readonly sealedKey: string;
  readonly fingerprint: Buffer;
  readonly end: string | undefined;
};

/** The account until now, locked until the end of the transaction. */
export async function lockMidtransAccount(tx: PlatformTx, id: TenantId) {
  const { rows } = await tx.query<{
    environment: MidtransAccount['environment'];
    merchant_id: string | null;
    has_key: boolean;
  }>(
    `select midtrans_environment as environment, midtrans_merchant_id as merchant_id,
            coalesce(midtrans_server_key, '') <> '' as has_key
       from tenants where id = $1 for update`,
    [id],
  );
  const [row] = rows;
  if (!row) throw new Error(`There is no tenant ${id} any more.`);
  const { environment, merchant_id: merchantId, has_key: hasServerKey } = row;
  return { hasServerKey, environment, merchantId: merchantId ?? undefined };
}

export async function changeMidtransAccount(
  tx: PlatformTx,
  id: TenantId,
  account: MidtransAccountRow,
): Promise<void> {
  const { environment, merchantId, clientKey, sealedKey, fingerprint, end } = account;
  await tx.query(
    `update tenants
        set midtrans_environment = $2, midtrans_merchant_id = $3, midtrans_client_key = $4,
            midtrans_server_key = $5, midtrans_server_key_fingerprint = $6,
            midtrans_server_key_end = $7, updated_at = now()
      where id = $1`,
    [id, environment, merchantId ?? null, clientKey ?? null, sealedKey, fingerprint, end ?? null],
  );
}

/** Ids of all tenants, whatever their status, in pages of `limit`. */
export async function listIds(
  tx: PlatformTx,
  { after, limit }: { after: TenantId | undefined; limit: number },
): Promise<TenantId[]> {
  const { rows } = await tx.query<{ id: string }>(
    `select id from tenants
      where $1::uuid is null or id > $1
      order by id limit $2`,
    [after ?? null, limit],
  );
  return rows.map(({ id }) => TenantId.parse(id));
}

function toTenant(row: TenantRow): StoredTenant {
  return {
    id: TenantId.parse(row.id),
    slug: Slug.parse(row.slug),
    name: row.name,
    status: row.status,
    locale: row.locale,
    currency: currencyOf(row.currency),
    timeZone: row.time_zone,
    maxOrdersPerMonth: row.max_orders_per_month ?? undefined,
    returnUrl: row.return_url ?? undefined,
    paymentExpiryMinutes: row.payment_expiry_minutes,
    emailFrom: row.email_from ?? undefined,
    emailReplyTo: row.email_reply_to ?? undefined,
    allowedOrigins: row.allowed_origins,
    createRequiresKey: row.create_requires_key,
    // An empty key would make every signature computable by anyone, so it counts as none.
    midtrans: row.midtrans_server_key
      ? {
          environment: row.midtrans_environment,
          serverKey: new Secret(row.midtrans_server_key),
          merchantId: row.midtrans_merchant_id ?? undefined,
          isShared: row.is_midtrans_shared,
          hasPlainNeighbours: row.has_plain_neighbours,
        }
      : undefined,
    requiresSecondFactor: row.requires_second_factor,
  };
}
