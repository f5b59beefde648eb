import type { PlatformTx } from '../db/database.ts';
import type { Scope } from '../domain/access.ts';
import {
  type ApiKeyForm,
  type ApiKeyKind,
  type ApiKeyStatus,
  effectiveScopes,
} from '../domain/api-keys.ts';
import { ApiKeyId, type TenantId } from '../domain/ids.ts';
import type { Moment } from '../domain/moment.ts';

// Of the control plane: a key is looked for before it is known whose it is (`tenants.ts`).

export type ApiKey = {
  readonly id: ApiKeyId;
  readonly kind: ApiKeyKind;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: readonly Scope[];
  readonly status: ApiKeyStatus;
  readonly createdAt: Date;
  readonly createdBy: string | undefined;
  readonly lastUsedAt: Date | undefined;
  readonly expiresAt: Date | undefined;
  readonly revokedAt: Date | undefined;
  readonly rotatedFrom: ApiKeyId | undefined;
  readonly replacedBy: ApiKeyId | undefined;
  /** As stored: undefined stands for all of its kind. */
  readonly limitedTo: readonly string[] | undefined;
  /** In the list. */
  readonly position: Moment;
};

type ApiKeyRow = {
  id: string;
  kind: ApiKeyKind;
  name: string;
  prefix: string;
  scopes: string[] | null;
  status: ApiKeyStatus;
  created_at: Date;
  created_micros: string;
  created_by: string | null;
  last_used_at: Date | null;
  expires_at: Date | null;
  revoked_at: Date | null;
  rotated_from: string | null;
  replaced_by: string | null;
};

const selectKeys = `select k.id, k.kind, k.name, k.prefix, k.scopes,
         case when k.revoked_at is not null then 'revoked'
              when k.expires_at <= now() then 'expired' else 'active' end as status,
         k.created_at, (extract(epoch from k.created_at) * 1000000)::bigint::text as created_micros,
         k.created_by, k.last_used_at, k.expires_at, k.revoked_at, k.rotated_from,
         n.id as replaced_by
    from api_keys k
    left join api_keys n on n.tenant_id = k.tenant_id and n.rotated_from = k.id
   where k.tenant_id = $1`;

/**
 * Lets one transaction at a time change which keys a tenant has, so that they can be counted.
 * Answers which of the provider's environments the tenant works in.
 */
export async function lockAll(
  tx: PlatformTx,
  tenantId: TenantId,
): Promise<ApiKeyForm['environment']> {
  const { rows } = await tx.query<{ midtrans_environment: ApiKeyForm['environment'] }>(
    `select midtrans_environment from tenants where id = $1 for no key update`,
    [tenantId],
  );
  if (!rows[0]) throw new Error(`There is no tenant ${tenantId} whose keys could be changed.`);
  return rows[0].midtrans_environment;
}

export async function countActive(tx: PlatformTx, tenantId: TenantId): Promise<number> {
  const { rows } = await tx.query<{ active: number }>(
    `select count(*)::integer as active from api_keys
      where tenant_id = $1 and revoked_at is null and (expires_at is null or expires_at > now())`,
    [tenantId],
  );
  return rows[0]?.active ?? 0;
}

export async function find(
  tx: PlatformTx,
  tenantId: TenantId,
  id: ApiKeyId,
): Promise<ApiKey | undefined> {
  const { rows } = await tx.query<ApiKeyRow>(`${selectKeys} and k.id = $2`, [tenantId, id]);
  return rows[0] && toApiKey(rows[0]);
}

export async function get(tx: PlatformTx, tenantId: TenantId, id: ApiKeyId): Promise<ApiKey> {
  const key = await find(tx, tenantId, id);
  if (!key) throw new Error(`There is no key ${id}, which was there a moment ago.`);
  return key;
}

type Page = {
  /** The last key of the page before. */
  readonly after: Moment | undefined;
  readonly limit: number;
};

/** Newest first. */
export async function list(
  tx: PlatformTx,
  tenantId: TenantId,
  { after, limit }: Page,
): Promise<ApiKey[]> {
  const { rows } = await tx.query<ApiKeyRow>(
    `${selectKeys}
        and ($2::bigint is null or (k.created_at, k.id) <
             ('epoch'::timestamptz + $2 * interval '1 microsecond', $3::uuid))
      order by k.created_at desc, k.id desc limit $4`,
    [tenantId, after?.micros ?? null, after?.id ?? null, limit],
  );
  return rows.map(toApiKey);
}

type NewKey = {
  readonly id: ApiKeyId;
  readonly kind: ApiKeyKind;
  readonly name: string;
  readonly prefix: string;
  /** SHA-256 of the key. */
  readonly hash: Buffer;
  readonly limitedTo: readonly string[] | undefined;
  readonly expiresAt: Date | undefined;
  readonly createdBy: string;
  readonly rotatedFrom: ApiKeyId | undefined;
};

export async function insert(tx: PlatformTx, tenantId: TenantId, key: NewKey): Promise<void> {
  await tx.query(
    `insert into api_keys (tenant_id, id, kind, name, prefix, key_hash, scopes, expires_at,
                           created_by, rotated_from)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      tenantId,
      key.id,
      key.kind,
      key.name,
      key.prefix,
      key.hash,
      key.limitedTo ?? null,
      key.expiresAt ?? null,
      key.createdBy,
      key.rotatedFrom ?? null,
    ],
  );
}

type Ending = { readonly id: ApiKeyId; readonly minutes: number };

/** Ends a key so many minutes from now, unless it ends before. */
export async function expireIn(
  tx: PlatformTx,
  tenantId: TenantId,
  { id, minutes }: Ending,
): Promise<void> {
  await tx.query(
    `update api_keys set expires_at = least(expires_at, now() + $3 * interval '1 minute')
      where tenant_id = $1 and id = $2`,
    [tenantId, id, minutes],
  );
}

/** Answers whether it was not revoked before. */
export async function revoke(tx: PlatformTx, tenantId: TenantId, id: ApiKeyId): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update api_keys set revoked_at = now()
      where tenant_id = $1 and id = $2 and revoked_at is null`,
    [tenantId, id],
  );
  return rowCount === 1;
}

/** Once a minute is enough: every request would wait for the row of a busy key. */
export async function noteUse(tx: PlatformTx, tenantId: TenantId, id: ApiKeyId): Promise<void> {
  await tx.query(
    `update api_keys set last_used_at = now()
      where tenant_id = $1 and id = $2
        and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
    [tenantId, id],
  );
}

function toApiKey(row: ApiKeyRow): ApiKey {
  const limitedTo = row.scopes ?? undefined;
  return {
    id: ApiKeyId.parse(row.id),
    kind: row.kind,
    name: row.name,
    prefix: row.prefix,
    scopes: effectiveScopes(row.kind, limitedTo),
    status: row.status,
    createdAt: row.created_at,
    createdBy: row.created_by ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    rotatedFrom: row.rotated_from === null ? undefined : ApiKeyId.parse(row.rotated_from),
    replacedBy: row.replaced_by === null ? undefined : ApiKeyId.parse(row.replaced_by),
    limitedTo,
    position: { micros: row.created_micros, id: row.id },
  };
}
