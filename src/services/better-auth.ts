import { type BetterAuthOptions, betterAuth } from 'better-auth';
import { isAPIError } from 'better-auth/api';
import { twoFactor } from 'better-auth/plugins/two-factor';
import type { Logger } from 'pino';
import { v7 as uuidv7 } from 'uuid';
import type { Db, PlatformTx } from '../db/database.ts';
import { createPlatformDialect } from '../db/platform-dialect.ts';
import { UserId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import type { Secret } from '../domain/secret.ts';
import { sessionTimes, tokenTimes } from '../domain/sessions.ts';
import * as users from '../repositories/users.ts';
import { type CookieNames, cookieNames } from './cookies.ts';
import { hashPassword, passwordLength, verifyPassword } from './passwords.ts';

type AuthSettings = {
  readonly publicUrl: string;
  readonly sessionSecret: Secret;
};

type Dependencies = AuthSettings & { readonly db: Db; readonly log: Logger };

export type Auth = ReturnType<typeof createAuth>;

/** What better-auth is told about the browser that asks. */
export const addressHeader = 'x-kassa-address';

/** Each takes a processor for scrypt, and most a connection of the control plane's few as well. */
const maxAtOnce = 2;
/** Who would wait longer is told to come again. */
const maxWaiting = 40;

/**
 * better-auth behind our own doors: its handler is not mounted, and each of its steps runs inside a
 * transaction of ours, together with the audit entry and the mail that follow from it.
 */
export function createAuth({ db, log, publicUrl, sessionSecret }: Dependencies) {
  const { dialect, current, join } = createPlatformDialect();
  const cookies = cookieNames(publicUrl);
  const auth = betterAuth({
    ...ours({ publicUrl, sessionSecret }, cookies),
    logger: {
      level: 'error',
      // The message alone: what comes with it may name a person, or hold a row.
      log: (_level, message) => log.error({ library: 'better-auth' }, message),
    },
    database: { dialect, type: 'postgres', schemaName: 'identity', transaction: false },
    databaseHooks: {
      session: {
        create: {
          // Whoever may not sign in any more gets no session, whichever way it would be made.
          before: async ({ userId }) =>
            (await users.isDisabled(current(), UserId.parse(userId))) ? false : undefined,
        },
      },
    },
  });
  const inTurn = takeTurns();

  /** Runs `work` as one transaction, which better-auth's own statements are part of. */
  async function transact<T>(work: (tx: PlatformTx) => Promise<T>): Promise<T> {
    return inTurn(() => db.withPlatform((tx) => join(tx, () => work(tx))));
  }

  return { api: auth.api, context: auth.$context, cookies, transact, inTurn };
}

function ours({ publicUrl, sessionSecret }: AuthSettings, cookies: CookieNames) {
  return {
    appName: 'Kassa',
    baseURL: publicUrl,
    // With a version, so that a next secret can stand beside this one. Not `secret`: beside it the
    // environment would be asked for more.
    secrets: [{ version: 1, value: sessionSecret.reveal() }],
    telemetry: { enabled: false },
    rateLimit: { enabled: false }, // ours count for all processes: services/rate-limits.ts
    user: {
      modelName: 'users',
      fields: {
        emailVerified: 'email_verified',
        createdAt: 'created_at',
        updatedAt: 'updated_at',
      },
      additionalFields: { locale: { type: 'string', required: true } },
    },
    session: {
      modelName: 'sessions',
      fields: {
        userId: 'user_id',
        expiresAt: 'expires_at',
        ipAddress: 'ip_address',
        userAgent: 'user_agent',
        createdAt: 'created_at',
        updatedAt: 'updated_at',
      },
      additionalFields: {
        // Each of its ways to a session asks for the password or the second factor.
        confirmedAt: {
          type: 'date',
          fieldName: 'confirmed_at',
          required: false,
          input: false,
          defaultValue: () => new Date(),
        },
      },
      expiresIn: sessionTimes.absolute,
      disableSessionRefresh: true,
    },
    account: {
      modelName: 'accounts',
      fields: {
        userId: 'user_id',
        accountId: 'account_id',
        providerId: 'provider_id',
        createdAt: 'created_at',
        updatedAt: 'updated_at',
      },
    },
    verification: {
      modelName: 'verifications',
      fields: { expiresAt: 'expires_at', createdAt: 'created_at', updatedAt: 'updated_at' },
      storeIdentifier: 'hashed',
      disableCleanup: true, // the worker does
    },
    emailAndPassword: {
      enabled: true,
      requireEmailVerification: true,
      autoSignIn: false,
      minPasswordLength: passwordLength.min,
      maxPasswordLength: passwordLength.max,
      revokeSessionsOnPasswordReset: true,
      resetPasswordTokenExpiresIn: tokenTimes.resetPassword,
      password: {
        hash: (password) => hashPassword(password),
        verify: ({ hash, password }) => verifyPassword(hash, password),
      },
    },
    plugins: [secondFactor()],
    advanced: {
      database: { generateId: () => uuidv7(), validateSchema: false },
      ipAddress: { ipAddressHeaders: [addressHeader] },
      useSecureCookies: false, // would put its own prefix before ours
      defaultCookieAttributes: { secure: cookies.isSecure, httpOnly: true, sameSite: 'lax' },
      cookies: {
        session_token: { name: cookies.session },
        two_factor: { name: cookies.secondFactor },
      },
    },
  } satisfies BetterAuthOptions;
}

function secondFactor() {
  return twoFactor({
    issuer: 'Kassa',
    twoFactorCookieMaxAge: sessionTimes.secondFactor,
    totpOptions: { digits: 6, period: 30 },
    backupCodeOptions: { storeBackupCodes: 'encrypted', amount: 10, length: 10 },
    // A stranger with the password could keep the owner out; ours counts the owner's devices apart.
    accountLockout: { enabled: false },
    schema: {
      user: { fields: { twoFactorEnabled: 'two_factor_enabled' } },
      twoFactor: {
        modelName: 'two_factors',
        fields: {
          userId: 'user_id',
          backupCodes: 'backup_codes',
          failedVerificationCount: 'failed_verification_count',
          lockedUntil: 'locked_until',
        },
      },
    },
  });
}

/** Why better-auth refused, by its own code; or what it answered. */
export type Outcome<T> = { readonly value: T } | { readonly refused: string };

/**
 * A refusal as a value: the transaction goes on, so that the failed try that was counted, and its
 * audit entry, are stored.
 */
export async function attempt<T>(call: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await call() };
  } catch (error) {
    if (!isAPIError(error)) throw error;
    const refused = String(error.body?.code ?? error.status);
    // Our own hook has refused the session, which better-auth takes for a defect.
    if (error.statusCode >= 500 && refused !== 'FAILED_TO_CREATE_SESSION') throw error;
    return { refused };
  }
}

/** Runs `maxAtOnce` at a time; the others wait in a bounded line. */
function takeTurns() {
  let running = 0;
  const waiting: (() => void)[] = [];

  return async function run<T>(work: () => Promise<T>): Promise<T> {
    if (running >= maxAtOnce) {
      if (waiting.length >= maxWaiting) {
        throw new Problem('too-many-requests', 'Too many sign in just now.', { retryAfter: 5 });
      }
      // Whoever leaves hands the place over.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
