import type { PlatformTx } from '../db/database.ts';
import { UserId } from '../domain/ids.ts';

/** A person who signs in, or is about to. */
export type User = {
  readonly id: UserId;
  readonly name: string;
  readonly email: string;
  readonly isVerified: boolean;
  readonly hasSecondFactor: boolean;
  readonly isDisabled: boolean;
  readonly locale: string;
};

type UserRow = {
  id: string;
  name: string;
  email: string;
  email_verified: boolean;
  two_factor_enabled: boolean;
  is_disabled: boolean;
  locale: string;
};

const columns = `id, name, email, email_verified, two_factor_enabled,
  disabled_at is not null as is_disabled, locale`;

export async function find(tx: PlatformTx, id: UserId): Promise<User | undefined> {
  const { rows } = await tx.query<UserRow>(`select ${columns} from identity.users where id = $1`, [
    id,
  ]);
  return rows[0] && toUser(rows[0]);
}

export async function findByEmail(tx: PlatformTx, email: string): Promise<User | undefined> {
  const { rows } = await tx.query<UserRow>(
    `select ${columns} from identity.users where email = $1`,
    [email.toLowerCase()],
  );
  return rows[0] && toUser(rows[0]);
}

/**
 * As `findByEmail`, and until the commit nobody else changes this user: neither the password nor
 * whose the address is.
 */
export async function lockByEmail(tx: PlatformTx, email: string): Promise<User | undefined> {
  const { rows } = await tx.query<UserRow>(
    `select ${columns} from identity.users where email = $1 for update`,
    [email.toLowerCase()],
  );
  return rows[0] && toUser(rows[0]);
}

export async function isDisabled(tx: PlatformTx, id: UserId): Promise<boolean> {
  const { rows } = await tx.query<{ is_disabled: boolean }>(
    `select disabled_at is not null as is_disabled from identity.users where id = $1`,
    [id],
  );
  // Nobody is as good as disabled.
  return rows[0]?.is_disabled ?? true;
}

/** Holds others up who change this user, until the commit. */
export async function lock(tx: PlatformTx, id: UserId): Promise<void> {
  await tx.query(`select from identity.users where id = $1 for update`, [id]);
}

type NewUser = Pick<User, 'id' | 'name' | 'email' | 'isVerified' | 'locale'>;

/** Adds a user who cannot sign in yet, for want of a password; false when the address is taken. */
export async function insert(tx: PlatformTx, user: NewUser): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into identity.users (id, name, email, email_verified, locale)
     values ($1, $2, $3, $4, $5)
     on conflict (email) do nothing`,
    [user.id, user.name, user.email.toLowerCase(), user.isVerified, user.locale],
  );
  return rowCount === 1;
}

export async function rename(
  tx: PlatformTx,
  id: UserId,
  { name, locale }: Pick<User, 'name' | 'locale'>,
): Promise<void> {
  await tx.query(
    `update identity.users set name = $2, locale = $3, updated_at = now() where id = $1`,
    [id, name, locale],
  );
}

/** Whoever answered a mail has its address; true when that is news. */
export async function markVerified(tx: PlatformTx, id: UserId): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update identity.users set email_verified = true, updated_at = now()
      where id = $1 and not email_verified`,
    [id],
  );
  return rowCount === 1;
}

/** Gives an account that nobody has proved to whoever proves its address; false when it is proved. */
export async function claim(
  tx: PlatformTx,
  { id, name }: Pick<User, 'id' | 'name'>,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update identity.users set name = $2, email_verified = true, updated_at = now()
      where id = $1 and not email_verified and disabled_at is null`,
    [id, name],
  );
  return rowCount === 1;
}

/** The stored form of the user's password; nothing for a user who has none yet. */
export async function findPassword(tx: PlatformTx, id: UserId): Promise<string | undefined> {
  const { rows } = await tx.query<{ password: string | null }>(
    `select password from identity.accounts where user_id = $1 and provider_id = 'credential'`,
    [id],
  );
  return rows[0]?.password ?? undefined;
}

type NewPassword = {
  /** Of a new row. */
  readonly id: string;
  readonly userId: UserId;
  /** Undefined: whatever was there opens nothing any more. */
  readonly hash: string | undefined;
};

/** Stores a password as better-auth looks for it. */
export async function setPassword(
  tx: PlatformTx,
  { id, userId, hash }: NewPassword,
): Promise<void> {
  await tx.query(
    `insert into identity.accounts (id, user_id, account_id, provider_id, password)
     values ($1, $2, $3, 'credential', $4)
     on conflict (user_id, provider_id) do update
       set password = excluded.password, updated_at = excluded.updated_at`,
    [id, userId, userId, hash ?? null],
  );
}

/**
 * Forgets what was mailed to a user or begun by one and could still be used: links for a new
 * password, sign-ins that wait for the second factor.
 */
export async function forgetPending(tx: PlatformTx, id: UserId): Promise<void> {
  await tx.query(`delete from identity.verifications where value = $1`, [id]);
}

/** Deletes what nobody asked back in time, a bounded part; answers how much. */
export async function deleteExpiredVerifications(tx: PlatformTx, limit: number): Promise<number> {
  const { rowCount } = await tx.query(
    `delete from identity.verifications where id in (
       select id from identity.verifications where expires_at < now() limit $1)`,
    [limit],
  );
  return rowCount ?? 0;
}

function toUser(row: UserRow): User {
  return {
    id: UserId.parse(row.id),
    name: row.name,
    email: row.email,
    isVerified: row.email_verified,
    hasSecondFactor: row.two_factor_enabled,
    isDisabled: row.is_disabled,
    locale: row.locale,
  };
}
