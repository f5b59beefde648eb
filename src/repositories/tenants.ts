import type { PlatformTx } from '../db/database.ts';
import type { TenantRole } from '../domain/access.ts';
import type { ApiKeyForm } from '../domain/api-keys.ts';
import { ApiKeyId, InvitationId, Slug, TenantId, type UserId } from '../domain/ids.ts';
import { currencyOf } from '../domain/money.ts';
import { Secret } from '../domain/secret.ts';
import type { MidtransAccount, Tenant, TenantStatus } from '../domain/tenant.ts';

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
             and (o.midtrans_server_key = t.midtrans_server_key
                  or o.midtrans_merchant_id = t.midtrans_merchant_id)) as is_midtrans_shared`;

// `small` and `medium` are older names: their limits are those of the plan that they are read as.
const source = `tenants t
  join plans p on p.code = t.plan
  left join plans older on older.code = p.read_as`;

export async function findBySlug(tx: PlatformTx, slug: Slug): Promise<Tenant | undefined> {
  const { rows } = await tx.query<TenantRow>(`select ${columns} from ${source} where t.slug = $1`, [
    slug,
  ]);
  return rows[0] && toTenant(rows[0]);
}

export async function findById(tx: PlatformTx, id: TenantId): Promise<Tenant | undefined> {
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

/** What is known of a key by its text. */
export type KeyText = ApiKeyForm & {
  /** SHA-256. */
  readonly hash: Buffer;
};

/** A key in force, and the tenant that it names. */
export type KeyHolder = {
  readonly tenant: Tenant;
  readonly keyId: ApiKeyId;
  readonly prefix: string;
  readonly scopes: readonly string[] | undefined;
  /** Nobody has written down for a while that it is used. */
  readonly isUseDue: boolean;
};

/**
 * Who holds a key, whosever it is: it says for which tenant a request is. One
 * statement, which every request with a key pays; an unknown key costs it what a revoked one does.
 */
export async function findByKey(
  tx: PlatformTx,
  { hash, kind, environment }: KeyText,
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

function toTenant(row: TenantRow): Tenant {
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
        }
      : undefined,
    requiresSecondFactor: row.requires_second_factor,
  };
}
