import type { SessionReply, SessionsReply } from '../contracts/accounts.ts';
import type { Db } from '../db/database.ts';
import { platformChain } from '../domain/audit.ts';
import type { Caller, UserCaller } from '../domain/caller.ts';
import type { SessionId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import type { Secret } from '../domain/secret.ts';
import * as audit from '../repositories/audit-entries.ts';
import * as sessions from '../repositories/sessions.ts';
import * as users from '../repositories/users.ts';
import { type CookieNames, readCookie, signedValue } from './cookies.ts';
import type { Visit } from './visits.ts';

type Dependencies = {
  readonly db: Db;
  readonly cookies: CookieNames;
  readonly sessionSecret: Secret;
  /** Platform staff has to have a second factor; only the demo goes without. */
  readonly staffNeedsSecondFactor: 'yes' | 'no';
};

const sweptAtOnce = 1_000;

export type Sessions = ReturnType<typeof createSessions>;

/** Who is signed in, where, and until when. */
export function createSessions(dependencies: Dependencies) {
  const { db, cookies, sessionSecret, staffNeedsSecondFactor } = dependencies;

  /**
   * Who sends a request, by its cookie. Read from the database each time, so that a session that
   * was ended, a user who was banned and a role that was taken away count from the next request on.
   */
  async function authenticate(cookieHeader: string | undefined): Promise<Caller> {
    const token = signedValue(readCookie(cookieHeader, cookies.session), sessionSecret);
    if (token === undefined) return { kind: 'anonymous' };
    const found = await db.withPlatformOnce((tx) => sessions.findLive(tx, token));
    if (!found) return { kind: 'anonymous' };
    if (found.isTouchDue) await db.withPlatformOnce((tx) => sessions.touch(tx, found.id));
    const { platformRole, hasSecondFactor } = found;
    return {
      kind: 'user',
      userId: found.userId,
      email: found.email,
      sessionId: found.id,
      activeTenantId: found.activeTenantId,
      isFresh: found.isFresh,
      hasSecondFactor,
      owesSecondFactor:
        platformRole !== undefined && !hasSecondFactor && staffNeedsSecondFactor === 'yes',
      platformRole,
      tenantRole: undefined,
    };
  }

  /** What a page has to know of who uses it. */
  async function describe(caller: UserCaller): Promise<Omit<SessionReply, 'tenants'>> {
    const user = await db.withPlatformOnce((tx) => users.find(tx, caller.userId));
    if (!user) throw new Error(`There is no user ${caller.userId}, but a session.`);
    const { id, name, email, locale, hasSecondFactor } = user;
    return {
      success: true,
      user: { id, name, email, locale },
      platformRole: caller.platformRole ?? null,
      secondFactor: { isOn: hasSecondFactor, isOwed: caller.owesSecondFactor },
      isFresh: caller.isFresh,
    };
  }

  async function list(caller: UserCaller): Promise<SessionsReply> {
    const found = await db.withPlatformOnce((tx) => sessions.list(tx, caller.userId));
    return {
      success: true,
      sessions: found.map((session) => ({
        id: session.id,
        device: session.userAgent ?? null,
        address: session.address ?? null,
        signedInAt: session.createdAt.toISOString(),
        lastUsedAt: session.lastUsedAt.toISOString(),
        isCurrent: session.id === caller.sessionId,
      })),
    };
  }

  /** @throws Problem `session-not-found`, the same for a session of somebody else */
  async function revoke(visit: Visit, caller: UserCaller, id: SessionId) {
    await db.withPlatform(async (tx) => {
      if (!(await sessions.end(tx, caller.userId, id))) {
        throw new Problem('session-not-found', `You have no session ${id}.`);
      }
      await audit.append(tx, platformChain, visit.origin, ended(caller, 1));
    });
    return { success: true };
  }

  async function revokeOthers(visit: Visit, caller: UserCaller) {
    return db.withPlatform(async (tx) => {
      const count = await sessions.endOthers(tx, caller.userId, { id: caller.sessionId });
      if (count > 0) await audit.append(tx, platformChain, visit.origin, ended(caller, count));
      return { success: true, ended: count };
    });
  }

  /** Deletes what is over. */
  async function sweep(): Promise<void> {
    await db.withPlatformOnce((tx) => sessions.deleteExpired(tx, sweptAtOnce));
    await db.withPlatformOnce((tx) => users.deleteExpiredVerifications(tx, sweptAtOnce));
  }

  return { authenticate, describe, list, revoke, revokeOthers, sweep };
}

function ended({ userId }: UserCaller, count: number) {
  return {
    action: 'user.sessions-ended',
    subject: { kind: 'user', id: userId },
    after: { count },
  } as const;
}
