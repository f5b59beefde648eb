import type { Logger } from 'pino';
import { type Config, masterKeySource } from './config.ts';
import { createDb, type Db } from './db/database.ts';
import { listen } from './db/listener.ts';
import { createPool } from './db/pools.ts';
import { checkRole } from './db/role-check.ts';
import { openLocalMasterKeys } from './providers/keys/local.ts';
import { createMidtransAdapter } from './providers/midtrans/adapter.ts';
import { createAccounts } from './services/accounts.ts';
import { createAddresses } from './services/addresses.ts';
import { createAdministrators } from './services/administrators.ts';
import { createApiKeys } from './services/api-keys.ts';
import { createAttentionService } from './services/attention.ts';
import { createAuditService } from './services/audit.ts';
import { createAuditVerification } from './services/audit-verification.ts';
import { type Auth, createAuth } from './services/better-auth.ts';
import { createCustomerService } from './services/customers.ts';
import { createHealthService } from './services/health.ts';
import { createHistorySeals } from './services/history-seals.ts';
import { createIdempotency } from './services/idempotency.ts';
import { createInvitations } from './services/invitations.ts';
import { createInvited } from './services/invited.ts';
import { createIssuedKeys } from './services/issued-keys.ts';
import { createKeyRotation } from './services/key-rotation.ts';
import { createLedgerService } from './services/ledger.ts';
import { createMembers } from './services/members.ts';
import { createMidtransAccounts } from './services/midtrans-accounts.ts';
import { createNightlyReconciliations } from './services/nightly-reconciliations.ts';
import { createNotificationService } from './services/notifications.ts';
import { createOrderActions } from './services/order-actions.ts';
import { createOrderService } from './services/orders.ts';
import { createPaymentChecks } from './services/payment-checks.ts';
import { createPaymentService } from './services/payments.ts';
import { createPlaces } from './services/places.ts';
import { createRateLimits, noRateLimits, type RateLimits } from './services/rate-limits.ts';
import { createReconciliationBatches } from './services/reconciliation-batches.ts';
import { createReconciliations } from './services/reconciliations.ts';
import { createRefundService } from './services/refunds.ts';
import { createRefusals } from './services/refusals.ts';
import { createSealing } from './services/sealing.ts';
import { createSecondFactors } from './services/second-factors.ts';
import { createSessionSteps } from './services/session-steps.ts';
import { createSessions } from './services/sessions.ts';
import { createSettingsService } from './services/settings.ts';
import { createSignIn } from './services/sign-in.ts';
import { createSignInGuard } from './services/sign-in-guard.ts';
import { createStatsService } from './services/stats.ts';
import { createSupportGrants } from './services/support-grants.ts';
import { createSweep } from './services/sweep.ts';
import { createTenantDirectory, type TenantDirectory } from './services/tenants.ts';
import { openVault } from './services/vault.ts';

export type Wiring = Awaited<ReturnType<typeof wire>>;

const tenantChannel = 'kassa_tenants';

type WireOptions = { readonly config: Config; readonly log: Logger; readonly version: string };

/**
 * Builds everything that the server and the worker share, by hand and in order: the one place that
 * knows all.
 *
 * @throws Error when a database login is one that row-level security would not hold
 */
export async function wire({ config, log, version }: WireOptions) {
  const platformUrl = config.DATABASE_PLATFORM_URL.reveal();
  const app = createPool({
    url: config.DATABASE_URL.reveal(),
    applicationName: 'kassa-app',
    max: config.DATABASE_POOL_SIZE,
    log,
  });
  const platform = createPool({
    url: platformUrl,
    applicationName: 'kassa-platform',
    max: 4,
    log,
  });
  const db = createDb({ app, platform });
  try {
    await checkRole(app, { login: 'kassa_app' });
    await checkRole(platform, { login: 'kassa_platform' });
  } catch (error) {
    await db.close();
    throw error;
  }

  const secrets = await openSecrets({ config, db, log }).catch(async (error: unknown) => {
    await db.close();
    throw error;
  });
  const directory = createTenantDirectory({ db, accounts: secrets.midtransAccounts });
  const listener = await listen({
    url: platformUrl,
    channel: tenantChannel,
    log,
    onMessage: directory.forget,
    onGap: directory.forgetAll,
  });

  const addresses = createAddresses({ publicUrl: config.PUBLIC_URL });
  const midtrans = createMidtransAdapter({
    baseUrl: config.MIDTRANS_BASE_URL,
    timeoutMs: config.PROVIDER_TIMEOUT_MS,
  });
  const checks = createPaymentChecks({ db, midtrans, log });
  const providerTimeoutMs = config.PROVIDER_TIMEOUT_MS;
  const refunds = createRefundService({ db, midtrans, providerTimeoutMs });
  const orderActions = createOrderActions({ db, midtrans, checks, providerTimeoutMs });
  const reconciliations = createReconciliations({ db, log });
  const limits = config.RATE_LIMITS === 'off' ? noRateLimits : createRateLimits({ db, log });
  const refusals = createRefusals({ db, log });
  const accounts = wireAccounts({ config, db, limits, log });
  const services = {
    apiKeys: createApiKeys({ db, accounts: secrets.midtransAccounts, log }),
    issuedKeys: createIssuedKeys({ db }),
    settings: createSettingsService({
      db,
      directory,
      hasLocalShops: config.NODE_ENV === 'development',
    }),
    ...accounts,
    ...wireTeams({ db, directory, limits, auth: accounts.auth }),
    rateLimits: limits,
    ...secrets,
    directory,
    checks,
    sweep: createSweep({ db, checks, refunds, orderActions, directory, log }),
    payments: createPaymentService({ db, midtrans, checks, addresses, providerTimeoutMs }),
    idempotency: createIdempotency({ db, log, providerTimeoutMs }),
    orders: createOrderService({ db }),
    orderActions,
    refunds,
    reconciliations,
    reconciliationBatches: createReconciliationBatches({ db, midtrans, providerTimeoutMs, log }),
    nightlyReconciliations: createNightlyReconciliations({ db, reconciliations, directory, log }),
    notifications: createNotificationService({
      db,
      midtrans,
      confirmMs: config.NOTIFICATION_CONFIRM_MS,
      log,
    }),
    attention: createAttentionService({ db }),
    audit: createAuditService({ db }),
    auditVerification: createAuditVerification({ db, directory }),
    historySeals: createHistorySeals({ db, log }),
    refusals,
    stats: createStatsService({ db }),
    ledger: createLedgerService({ db }),
    customers: createCustomerService({ db }),
    health: createHealthService({ db, version }),
  };

  async function close(): Promise<void> {
    await listener.close();
    await refusals.settle();
    await db.close();
  }

  return { db, addresses, services, close };
}

type AccountOptions = {
  readonly config: Config;
  readonly db: Db;
  readonly limits: RateLimits;
  readonly log: Logger;
};

function wireAccounts({ config, db, limits, log }: AccountOptions) {
  const sessionSecret = config.SESSION_SECRET;
  const auth = createAuth({ db, log, publicUrl: config.PUBLIC_URL, sessionSecret });
  const { cookies } = auth;
  const guard = createSignInGuard({ limits, cookies, sessionSecret });
  const steps = createSessionSteps({ auth, guard, sessionSecret });
  const secondFactors = createSecondFactors({ auth, steps });
  return {
    auth,
    secondFactors,
    administrators: createAdministrators({ db }),
    accounts: createAccounts({ db, auth, guard, steps, limits }),
    signIn: createSignIn({ auth, guard, secondFactors, sessionSecret }),
    sessions: createSessions({
      db,
      cookies,
      sessionSecret,
      staffNeedsSecondFactor: config.DEMO_MODE ? 'no' : 'yes',
    }),
  };
}

type TeamOptions = {
  readonly db: Db;
  readonly directory: TenantDirectory;
  readonly limits: RateLimits;
  readonly auth: Auth;
};

function wireTeams({ db, directory, limits, auth }: TeamOptions) {
  return {
    places: createPlaces({ db, directory }),
    members: createMembers({ db }),
    invitations: createInvitations({ db, limits }),
    invited: createInvited({ db, auth, limits }),
    supportGrants: createSupportGrants({ db, directory }),
  };
}

type SecretOptions = { readonly config: Config; readonly db: Db; readonly log: Logger };

/** @throws Error when the master keys are missing, or are not those of this database */
async function openSecrets({ config, db, log }: SecretOptions) {
  const masterKeys = await openLocalMasterKeys({
    source: masterKeySource(config),
    isProduction: config.NODE_ENV === 'production',
  });
  const vault = await openVault({ db, masterKeys });
  const sealing = createSealing({ db, vault, log });
  const midtransAccounts = createMidtransAccounts({ db, vault, sealing, log });
  const keyRotation = createKeyRotation({ db, vault, sealing, masterKeys });
  return { vault, sealing, midtransAccounts, keyRotation };
}
