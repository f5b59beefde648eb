import type { PlatformTx } from '../db/database.ts';
import { type TenantRole, tenantRoles } from '../domain/access.ts';
import { type TenantId, UserId } from '../domain/ids.ts';
import type { Moment } from '../domain/moment.ts';

/** Of a circle of people, tenant or platform, as its list shows one. */
export type Member<Role> = {
  readonly userId: UserId;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly hasSecondFactor: boolean;
  readonly createdAt: Date;
  /** In the list. */
  readonly position: Moment;
};

export type MemberRow = {
  user_id: string;
  email: string;
  name: string;
  role: string;
  two_factor_enabled: boolean;
  created_at: Date;
  created_micros: string;
};

export type Page = { readonly after: Moment | undefined; readonly limit: number };

/** What changes a team waits here, so that each change sees what those before it made. */
export async function lockTeam(tx: PlatformTx, tenantId: TenantId): Promise<void> {
  // Not `for update`, which whoever writes an order of the tenant would have to wait for.
  await tx.query(`select id from tenants where id = $1 for no key update`, [tenantId]);
}

export async function findRole(
  tx: PlatformTx,
  tenantId: TenantId,
  userId: UserId,
): Promise<TenantRole | undefined> {
  const { rows } = await tx.query<{ role: string }>(
    `select role from memberships where tenant_id = $1 and user_id = $2`,
    [tenantId, userId],
  );
  return rows[0] && roleOf(rows[0].role);
}

export async function hasEmail(
  tx: PlatformTx,
  tenantId: TenantId,
  email: string,
): Promise<boolean> {
  const { rows } = await tx.query(
    `select from memberships m
       join identity.users u on u.id = m.user_id
      where m.tenant_id = $1 and u.email = $2`,
    [tenantId, email],
  );
  return rows.length > 0;
}

/** Longest members first. */
export async function list(
  tx: PlatformTx,
  tenantId: TenantId,
  { after, limit }: Page,
): Promise<Member<TenantRole>[]> {
  const { rows } = await tx.query<MemberRow>(
    `select m.user_id, u.email, u.name, m.role, u.two_factor_enabled, m.created_at,
            (extract(epoch from m.created_at) * 1000000)::bigint::text as created_micros
       from memberships m
       join identity.users u on u.id = m.user_id
      where m.tenant_id = $1
        and ($2::bigint is null or (m.created_at, m.user_id) >
             ('epoch'::timestamptz + $2 * interval '1 microsecond', $3::uuid))
      order by m.created_at, m.user_id limit $4`,
    [tenantId, after?.micros ?? null, after?.id ?? null, limit],
  );
  return rows.map((row) => toMember(row, roleOf));
}

/** Owners who can sign in. */
export async function listOwners(
  tx: PlatformTx,
  tenantId: TenantId,
  limit: number,
): Promise<UserId[]> {
  const { rows } = await tx.query<{ user_id: string }>(
    `select m.user_id from memberships m
       join identity.users u on u.id = m.user_id
      where m.tenant_id = $1 and m.role = 'owner' and u.disabled_at is null
      order by m.created_at, m.user_id limit $2`,
    [tenantId, limit],
  );
  return rows.map(({ user_id }) => UserId.parse(user_id));
}

/** A role that is there stays. */
export async function insert(
  tx: PlatformTx,
  tenantId: TenantId,
  { userId, role }: { readonly userId: UserId; readonly role: TenantRole },
): Promise<void> {
  await tx.query(
    `insert into memberships (tenant_id, user_id, role) values ($1, $2, $3)
     on conflict (tenant_id, user_id) do nothing`,
    [tenantId, userId, role],
  );
}

export async function changeRole(
  tx: PlatformTx,
  tenantId: TenantId,
  { userId, role }: { readonly userId: UserId; readonly role: TenantRole },
): Promise<void> {
  await tx.query(
    `update memberships set role = $3, updated_at = now() where tenant_id = $1 and user_id = $2`,
    [tenantId, userId, role],
  );
}

export async function remove(tx: PlatformTx, tenantId: TenantId, userId: UserId): Promise<void> {
  await tx.query(`delete from memberships where tenant_id = $1 and user_id = $2`, [
    tenantId,
    userId,
  ]);
}

export function toMember<Role>(row: MemberRow, parse: (role: string) => Role): Member<Role> {
  const { user_id, email, name, role, two_factor_enabled, created_at, created_micros } = row;
  return {
    userId: UserId.parse(user_id),
    email,
    name,
    role: parse(role),
    hasSecondFactor: two_factor_enabled,
    createdAt: created_at,
    position: { micros: created_micros, id: user_id },
  };
}

function roleOf(text: string): TenantRole {
  const role = (Object.keys(tenantRoles) as TenantRole[]).find((known) => known === text);
  if (!role) throw new Error(`A membership has the role ${text}, which Kassa does not know.`);
  return role;
}
