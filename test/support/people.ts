import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import type { PlatformRole, TenantRole } from '../../src/domain/access.ts';
import type { Answer, Gateway, Merchant } from './gateway.ts';

type UserOptions = {
  readonly email?: string;
  readonly name?: string;
  readonly hasSecondFactor?: boolean;
  readonly isVerified?: boolean;
};
type SessionOptions = { readonly isFresh?: boolean };

export type Person = Awaited<ReturnType<ReturnType<typeof openPeople>['user']>>;

/** People with accounts and sessions, put into the database as a sign-in would leave them. */
export function openPeople(gateway: Gateway) {
  const { admin, send, sessionSecret } = gateway;

  async function user(options: UserOptions = {}, session: SessionOptions = {}) {
    const id = uuidv7();
    const {
      email = `user-${randomUUID().slice(0, 8)}@people.example`,
      name = 'Ayu Lestari',
      hasSecondFactor = false,
      isVerified = true,
    } = options;
    await admin.query(
      `insert into identity.users (id, name, email, email_verified, two_factor_enabled)
       values ($1, $2, $3, $4, $5)`,
      [id, name, email, isVerified, hasSecondFactor],
    );
    const { sessionId, cookie } = await signIn(id, session);
    const ask = (method: string) => (path: string, body?: unknown) =>
      send(path, {
        method,
        headers: {
          Cookie: cookie,
          Origin: gateway.publicUrl,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    return {
      id,
      email,
      name,
      sessionId,
      cookie,
      get: ask('GET'),
      post: ask('POST'),
      put: ask('PUT'),
      delete: ask('DELETE'),
    };
  }

  async function signIn(userId: string, { isFresh = true }: SessionOptions) {
    const sessionId = uuidv7();
    const token = randomBytes(24).toString('base64url');
    await admin.query(
      `insert into identity.sessions (id, user_id, token, expires_at, confirmed_at)
       values ($1, $2, $3, now() + interval '1 day', $4)`,
      [sessionId, userId, token, isFresh ? new Date() : null],
    );
    const signature = createHmac('sha256', sessionSecret).update(token).digest('base64');
    return { sessionId, cookie: `kassa_session=${encodeURIComponent(`${token}.${signature}`)}` };
  }

  async function join(person: Person, merchant: Merchant, role: TenantRole): Promise<void> {
    await admin.query(
      `insert into memberships (tenant_id, user_id, role) values ($1, $2, $3)
       on conflict (tenant_id, user_id) do update set role = excluded.role`,
      [merchant.id, person.id, role],
    );
  }

  /** A signed-in user who works for the merchant. */
  async function member(
    merchant: Merchant,
    role: TenantRole,
    options: UserOptions = {},
    session: SessionOptions = {},
  ) {
    const person = await user(options, session);
    await join(person, merchant, role);
    return person;
  }

  /** A signed-in user who runs the platform, with a second factor. */
  async function staff(role: PlatformRole, options: UserOptions = {}) {
    const person = await user({ hasSecondFactor: true, ...options });
    await admin.query('insert into identity.platform_members (user_id, role) values ($1, $2)', [
      person.id,
      role,
    ]);
    return person;
  }

  /** What a chain says, oldest first: action, actor and what changed. */
  async function chain(tenantId: string) {
    const { rows } = await admin.query<{
      action: string;
      actor_id: string | null;
      subject_id: string;
      before: string | null;
      after: string | null;
    }>(
      `select action, actor_id, subject_id, before, after from audit_entries
        where tenant_id = $1 order by seq`,
      [tenantId],
    );
    return rows;
  }

  async function actionsOf(tenantId: string): Promise<string[]> {
    return (await chain(tenantId)).map(({ action }) => action);
  }

  return { user, join, member, staff, chain, actionsOf };
}

/** What two answers say, but for their request ids: what a stranger can tell them apart by. */
export function telling({ status, body }: Answer) {
  const { requestId, ...rest } = body;
  return { status, ...rest };
}
