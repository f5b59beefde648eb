import type { PlatformTx } from '../db/database.ts';
import { Slug, SupportGrantId, TenantId, UserId } from '../domain/ids.ts';
import type { Moment } from '../domain/moment.ts';
import type { Page } from './memberships.ts';

/** A grant as the platform sees it, which knows them by their ids, over all tenants. */
export type SupportGrant = {
  readonly id: SupportGrantId;
  readonly tenantId: TenantId;
  readonly slug: Slug;
  readonly userId: UserId;
  readonly email: string;
  readonly reason: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
  /** Before its time. */
  readonly endedAt: Date | undefined;
  /** In the list. */
  readonly position: Moment;
};

type GrantRow = {
  id: string;
  tenant_id: string;
  slug: string;
  user_id: string;
  email: string;
  reason: string;
  created_at: Date;
  created_micros: string;
  expires_at: Date;
  ended_at: Date | null;
};

const selectGrants = `select g.id, g.tenant_id, t.slug, g.user_id, u.email, g.reason, g.created_at,
         (extract(epoch from g.created_at) * 1000000)::bigint::text as created_micros,
         g.expires_at, g.ended_at
    from support_grants g
    join tenants t on t.id = g.tenant_id
    join identity.users u on u.id = g.user_id`;

const isRunning = `ended_at is null and expires_at > now()`;

export async function find(tx: PlatformTx, id: SupportGrantId): Promise<SupportGrant | undefined> {
  const { rows } = await tx.query<GrantRow>(`${selectGrants} where g.id = $1`, [id]);
  return rows[0] && toGrant(rows[0]);
}

export async function findRunning(
  tx: PlatformTx,
  id: SupportGrantId,
): Promise<SupportGrant | undefined> {
  const { rows } = await tx.query<GrantRow>(`${selectGrants} where g.id = $1 and ${isRunning}`, [
    id,
  ]);
  return rows[0] && toGrant(rows[0]);
}

export async function listRunningOf(tx: PlatformTx, userId: UserId): Promise<SupportGrant[]> {
  const { rows } = await tx.query<GrantRow>(
    `${selectGrants} where g.user_id = $1 and ${isRunning} order by g.tenant_id, g.id limit 1000`,
    [userId],
  );
  return rows.map(toGrant);
}

/** Newest first. */
export async function list(tx: PlatformTx, { after, limit }: Page): Promise<SupportGrant[]> {
  const { rows } = await tx.query<GrantRow>(
    `${selectGrants}
      where $1::bigint is null or (g.created_at, g.id) <
            ('epoch'::timestamptz + $1 * interval '1 microsecond', $2::uuid)
      order by g.created_at desc, g.id desc limit $3`,
    [after?.micros ?? null, after?.id ?? null, limit],
  );
  return rows.map(toGrant);
}

function toGrant(row: GrantRow): SupportGrant {
  return {
    id: SupportGrantId.parse(row.id),
    tenantId: TenantId.parse(row.tenant_id),
    slug: Slug.parse(row.slug),
    userId: UserId.parse(row.user_id),
    email: row.email,
    reason: row.reason,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    endedAt: row.ended_at ?? undefined,
    position: { micros: row.created_micros, id: row.id },
  };
}
