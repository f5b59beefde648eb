import type { PlatformTx } from '../db/database.ts';
import { type PlatformRole, platformRoles } from '../domain/access.ts';
import { UserId } from '../domain/ids.ts';
import { type Member, type MemberRow, type Page, toMember } from './memberships.ts';

/** What changes the staff waits here. Readers do not. */
export async function lockStaff(tx: PlatformTx): Promise<void> {
  await tx.query(`select user_id from identity.platform_members order by user_id for update`);
}

export async function hasEmail(tx: PlatformTx, email: string): Promise<boolean> {
  const { rows } = await tx.query(
    `select from identity.platform_members m
       join identity.users u on u.id = m.user_id
      where u.email = $1`,
    [email],
  );
  return rows.length > 0;
}

/** Longest members first. */
export async function list(
  tx: PlatformTx,
  { after, limit }: Page,
): Promise<Member<PlatformRole>[]> {
  const { rows } = await tx.query<MemberRow>(
    `select m.user_id, u.email, u.name, m.role, u.two_factor_enabled, m.created_at,
            (extract(epoch from m.created_at) * 1000000)::bigint::text as created_micros
       from identity.platform_members m
       join identity.users u on u.id = m.user_id
      where $1::bigint is null or (m.created_at, m.user_id) >
            ('epoch'::timestamptz + $1 * interval '1 microsecond', $2::uuid)
      order by m.created_at, m.user_id limit $3`,
    [after?.micros ?? null, after?.id ?? null, limit],
  );
  return rows.map((row) => toMember(row, roleOf));
}

/** Superadmins who can sign in. */
export async function listSuperadmins(tx: PlatformTx, limit: number): Promise<UserId[]> {
  const { rows } = await tx.query<{ user_id: string }>(
    `select m.user_id from identity.platform_members m
       join identity.users u on u.id = m.user_id
      where m.role = 'superadmin' and u.disabled_at is null
      order by m.created_at, m.user_id limit $1`,
    [limit],
  );
  return rows.map(({ user_id }) => UserId.parse(user_id));
}

type Appointment = { readonly userId: UserId; readonly role: PlatformRole };

/** A role that is there stays. */
export async function insert(tx: PlatformTx, { userId, role }: Appointment): Promise<void> {
  await tx.query(
    `insert into identity.platform_members (user_id, role) values ($1, $2)
     on conflict (user_id) do nothing`,
    [userId, role],
  );
}

export async function changeRole(tx: PlatformTx, { userId, role }: Appointment): Promise<void> {
  await tx.query(
    `update identity.platform_members set role = $2, updated_at = now() where user_id = $1`,
    [userId, role],
  );
}

export async function remove(tx: PlatformTx, userId: UserId): Promise<void> {
  await tx.query(`delete from identity.platform_members where user_id = $1`, [userId]);
}

function roleOf(text: string): PlatformRole {
  const role = (Object.keys(platformRoles) as PlatformRole[]).find((known) => known === text);
  if (!role) throw new Error(`Staff has the role ${text}, which Kassa does not know.`);
  return role;
}
