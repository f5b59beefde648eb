import type { PlatformTx } from '../db/database.ts';
import type { PlatformRole } from '../domain/access.ts';
import { SessionId, TenantId, UserId } from '../domain/ids.ts';
import { sessionTimes } from '../domain/sessions.ts';

/** A session that is alive, with what its user may do on the platform. */
export type LiveSession = {
  readonly id: SessionId;
  readonly userId: UserId;
  readonly email: string;
  readonly hasSecondFactor: boolean;
  readonly platformRole: PlatformRole | undefined;
  readonly activeTenantId: TenantId | undefined;
  readonly isFresh: boolean;
  readonly isTouchDue: boolean;
};

/** One line of the list that a user sees. */
export type ListedSession = {
  readonly id: SessionId;
  readonly userAgent: string | undefined;
  readonly address: string | undefined;
  readonly createdAt: Date;
  readonly lastUsedAt: Date;
};

type LiveRow = {
  id: string;
  user_id: string;
  email: string;
  two_factor_enabled: boolean;
  role: PlatformRole | null;
  active_tenant_id: string | null;
  is_fresh: boolean;
  is_touch_due: boolean;
};

/** A use within this time of the last one is not noted: it would be a write for each request. */
const touchSeconds = 60;
const maxListed = 100;

const isAlive = `s.expires_at > now()
  and s.created_at > now() - make_interval(secs => ${sessionTimes.absolute})
  and s.last_used_at > now() - make_interval(secs => ${sessionTimes.idle})`;

/** Whose session a token is, as things stand now: a role, a ban or an end counts at once. */
export async function findLive(tx: PlatformTx, token: string): Promise<LiveSession | undefined> {
  const { rows } = await tx.query<LiveRow>(
    `select s.id, s.user_id, u.email, u.two_factor_enabled, m.role, s.active_tenant_id,
            coalesce(s.confirmed_at > now() - make_interval(secs => $2), false) as is_fresh,
            s.last_used_at < now() - make_interval(secs => $3) as is_touch_due
       from identity.sessions s
       join identity.users u on u.id = s.user_id
       left join identity.platform_members m on m.user_id = s.user_id
      where s.token = $1 and ${isAlive} and u.disabled_at is null and u.email_verified`,
    [token, sessionTimes.fresh, touchSeconds],
  );
  return rows[0] && toLive(rows[0]);
}

export async function touch(tx: PlatformTx, id: SessionId): Promise<void> {
  await tx.query(`update identity.sessions set last_used_at = now() where id = $1`, [id]);
}

/** Notes that the password was given just now. */
export async function confirm(tx: PlatformTx, id: SessionId): Promise<void> {
  await tx.query(`update identity.sessions set confirmed_at = now() where id = $1`, [id]);
}

/** A user's sessions that are alive, the latest used first. */
export async function list(tx: PlatformTx, userId: UserId): Promise<ListedSession[]> {
  const { rows } = await tx.query<{
    id: string;
    user_agent: string | null;
    ip_address: string | null;
    created_at: Date;
    last_used_at: Date;
  }>(
    `select s.id, s.user_agent, s.ip_address, s.created_at, s.last_used_at
       from identity.sessions s
      where s.user_id = $1 and ${isAlive}
      order by s.last_used_at desc, s.id limit ${maxListed}`,
    [userId],
  );
  return rows.map((row) => ({
    id: SessionId.parse(row.id),
    userAgent: row.user_agent || undefined,
    address: row.ip_address || undefined,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  }));
}

/** Ends a session of this user; false when the user has no such one. */
export async function end(tx: PlatformTx, userId: UserId, id: SessionId): Promise<boolean> {
  const { rowCount } = await tx.query(
    `delete from identity.sessions where user_id = $1 and id = $2`,
    [userId, id],
  );
  return rowCount === 1;
}

export async function endByToken(tx: PlatformTx, token: string): Promise<void> {
  await tx.query(`delete from identity.sessions where token = $1`, [token]);
}

/** Ends all sessions of a user but the one that is kept; answers how many. */
export async function endOthers(
  tx: PlatformTx,
  userId: UserId,
  kept: { readonly id: SessionId } | { readonly token: string } | undefined,
): Promise<number> {
  const { rowCount } = await tx.query(
    `delete from identity.sessions
      where user_id = $1 and id is distinct from $2 and token is distinct from $3`,
    [userId, kept && 'id' in kept ? kept.id : null, kept && 'token' in kept ? kept.token : null],
  );
  return rowCount ?? 0;
}

/** A session that takes another's place goes on in the tenant that was chosen there. */
export async function chooseTenant(
  tx: PlatformTx,
  token: string,
  tenantId: TenantId | undefined,
): Promise<void> {
  await tx.query(`update identity.sessions set active_tenant_id = $2 where token = $1`, [
    token,
    tenantId ?? null,
  ]);
}

/** From now on the session's requests are for this tenant, unless they name another. */
export async function setTenant(tx: PlatformTx, id: SessionId, tenantId: TenantId): Promise<void> {
  await tx.query(`update identity.sessions set active_tenant_id = $2 where id = $1`, [
    id,
    tenantId,
  ]);
}

/** Deletes sessions that are over, a bounded part; answers how many. */
export async function deleteExpired(tx: PlatformTx, limit: number): Promise<number> {
  const { rowCount } = await tx.query(
    `delete from identity.sessions where id in (
       select s.id from identity.sessions s where not (${isAlive}) limit $1)`,
    [limit],
  );
  return rowCount ?? 0;
}

function toLive(row: LiveRow): LiveSession {
  return {
    id: SessionId.parse(row.id),
    userId: UserId.parse(row.user_id),
    email: row.email,
    hasSecondFactor: row.two_factor_enabled,
    platformRole: row.role ?? undefined,
    activeTenantId: row.active_tenant_id ? TenantId.parse(row.active_tenant_id) : undefined,
    isFresh: row.is_fresh,
    isTouchDue: row.is_touch_due,
  };
}
