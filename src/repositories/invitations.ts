import type { PlatformTx } from '../db/database.ts';
import { InvitationId, type TenantId, UserId } from '../domain/ids.ts';

export type Invitation = {
  readonly id: InvitationId;
  readonly email: string;
  readonly name: string | undefined;
  /** A role of the tenant, or of the platform where that is what invites. */
  readonly role: string;
  /** Undefined: an operator. */
  readonly invitedBy: UserId | undefined;
  readonly createdAt: Date;
  readonly expiresAt: Date;
};

type InvitationRow = {
  id: string;
  email: string;
  name: string | null;
  role: string;
  invited_by: string | null;
  created_at: Date;
  expires_at: Date;
};

const columns = `id, email, name, role, invited_by, created_at, expires_at`;

type NewInvitation = Pick<Invitation, 'id' | 'email' | 'name' | 'role' | 'invitedBy'>;

export async function insert(
  tx: PlatformTx,
  tenantId: TenantId,
  { id, email, name, role, invitedBy }: NewInvitation,
): Promise<Invitation> {
  const { rows } = await tx.query<InvitationRow>(
    `insert into invitations (tenant_id, id, email, name, role, invited_by)
     values ($1, $2, $3, $4, $5, $6)
     returning ${columns}`,
    [tenantId, id, email, name ?? null, role, invitedBy ?? null],
  );
  const [row] = rows;
  if (!row) throw new Error('An invitation that was just made is not there.');
  return toInvitation(row);
}

/** Nobody has accepted or revoked it; its time may be up. */
export async function findOpen(
  tx: PlatformTx,
  tenantId: TenantId,
  id: InvitationId,
): Promise<Invitation | undefined> {
  const { rows } = await tx.query<InvitationRow>(
    `select ${columns} from invitations
      where tenant_id = $1 and id = $2 and accepted_at is null and revoked_at is null`,
    [tenantId, id],
  );
  return rows[0] && toInvitation(rows[0]);
}

/** All that are open, oldest first: a tenant has not more than a few. */
export async function listOpen(
  tx: PlatformTx,
  tenantId: TenantId,
  limit: number,
): Promise<Invitation[]> {
  const { rows } = await tx.query<InvitationRow>(
    `select ${columns} from invitations
      where tenant_id = $1 and accepted_at is null and revoked_at is null
      order by created_at, id limit $2`,
    [tenantId, limit],
  );
  return rows.map(toInvitation);
}

/** Gives an open one its time again, and makes what was mailed so far worth nothing. */
export async function renew(
  tx: PlatformTx,
  tenantId: TenantId,
  { id, invitedBy, days }: { id: InvitationId; invitedBy: UserId | undefined; days: number },
): Promise<Invitation | undefined> {
  const { rows } = await tx.query<InvitationRow>(
    `update invitations
        set token_hash = null, invited_by = $3, expires_at = now() + $4 * interval '1 day'
      where tenant_id = $1 and id = $2 and accepted_at is null and revoked_at is null
  returning ${columns}`,
    [tenantId, id, invitedBy ?? null, days],
  );
  return rows[0] && toInvitation(rows[0]);
}

/** Takes the place of the token before; undefined when there is nothing left to mail. */
export async function replaceToken(
  tx: PlatformTx,
  tenantId: TenantId,
  { id, hash, days }: { id: InvitationId; hash: Buffer; days: number },
): Promise<Invitation | undefined> {
  const { rows } = await tx.query<InvitationRow>(
    `update invitations
        set token_hash = $3, expires_at = now() + $4 * interval '1 day'
      where tenant_id = $1 and id = $2 and accepted_at is null and revoked_at is null
        and expires_at > now()
  returning ${columns}`,
    [tenantId, id, hash, days],
  );
  return rows[0] && toInvitation(rows[0]);
}

/** Takes an invitation for good: of several who try with one token one is answered true. */
export async function accept(
  tx: PlatformTx,
  tenantId: TenantId,
  { id, hash, userId }: { id: InvitationId; hash: Buffer; userId: UserId },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update invitations
        set accepted_at = now(), accepted_by = $4
      where tenant_id = $1 and id = $2 and token_hash = $3
        and accepted_at is null and revoked_at is null and expires_at > now()`,
    [tenantId, id, hash, userId],
  );
  return rowCount === 1;
}

export async function revoke(
  tx: PlatformTx,
  tenantId: TenantId,
  id: InvitationId,
): Promise<Invitation | undefined> {
  const { rows } = await tx.query<InvitationRow>(
    `update invitations
        set revoked_at = now()
      where tenant_id = $1 and id = $2 and accepted_at is null and revoked_at is null
  returning ${columns}`,
    [tenantId, id],
  );
  return rows[0] && toInvitation(rows[0]);
}

/** Whoever may not invite any more leaves no door open; answers how many there were. */
export async function revokeAllBy(
  tx: PlatformTx,
  tenantId: TenantId,
  userId: UserId,
): Promise<number> {
  const { rowCount } = await tx.query(
    `update invitations
        set revoked_at = now()
      where tenant_id = $1 and invited_by = $2 and accepted_at is null and revoked_at is null`,
    [tenantId, userId],
  );
  return rowCount ?? 0;
}

function toInvitation(row: InvitationRow): Invitation {
  const { email, role } = row;
  return {
    id: InvitationId.parse(row.id),
    email,
    name: row.name ?? undefined,
    role,
    invitedBy: row.invited_by ? UserId.parse(row.invited_by) : undefined,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
