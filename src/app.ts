import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import type { Logger } from 'pino';
import { pinoHttp } from 'pino-http';
import { auditRefusals, carryRefusals } from './middleware/audit-refusals.ts';
import { identifyCaller } from './middleware/caller.ts';
import { resolveMembership } from './middleware/membership.ts';
import { recogniseOwnPages } from './middleware/own-pages.ts';
import { answerNotFound, answerProblems } from './middleware/problems.ts';
import { trustProxies } from './middleware/proxy-trust.ts';
import { countKeyFailures, limitRequests, refuseKeyGuessers } from './middleware/rate-limit.ts';
import { assignRequestId } from './middleware/request-id.ts';
import {
  dropForgedHeaders,
  refuseOddRequests,
  requireKnownHost,
} from './middleware/request-shape.ts';
import { secureAnswers } from './middleware/security-headers.ts';
import { resolveTenant } from './middleware/tenant-resolver.ts';
import { adminRoutes } from './routes/admin.ts';
import { adminAttentionRoutes } from './routes/admin-attention.ts';
import { adminKeyRoutes } from './routes/admin-keys.ts';
import { adminMidtransAccountRoutes } from './routes/admin-midtrans-account.ts';
import { adminOrderRoutes } from './routes/admin-orders.ts';
import { adminReconciliationRoutes } from './routes/admin-reconciliations.ts';
import { adminSettingsRoutes } from './routes/admin-settings.ts';
import { adminTeamRoutes } from './routes/admin-team.ts';
import { auditRoutes } from './routes/audit.ts';
import { authRoutes } from './routes/auth.ts';
import { demoRoutes } from './routes/demo.ts';
import { healthRoutes, probeRoutes } from './routes/health.ts';
import { orderRoutes } from './routes/orders.ts';
import { paymentRoutes } from './routes/payments.ts';
import { placeRoutes } from './routes/places.ts';
import { superadminStaffRoutes } from './routes/superadmin-staff.ts';
import { superadminSupportGrantRoutes } from './routes/superadmin-support-grants.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import type { Accounts } from './services/accounts.ts';
import type { ApiKeys } from './services/api-keys.ts';
import type { AttentionService } from './services/attention.ts';
import type { AuditService } from './services/audit.ts';
import type { CustomerService } from './services/customers.ts';
import type { HealthService } from './services/health.ts';
import type { Idempotency } from './services/idempotency.ts';
import type { Invitations } from './services/invitations.ts';
import type { Invited } from './services/invited.ts';
import type { IssuedKeys } from './services/issued-keys.ts';
import type { LedgerService } from './services/ledger.ts';
import type { Members } from './services/members.ts';
import type { MidtransAccounts } from './services/midtrans-accounts.ts';
import type { NotificationService } from './services/notifications.ts';
import type { OrderActions } from './services/order-actions.ts';
import type { OrderService } from './services/orders.ts';
import type { PaymentService } from './services/payments.ts';
import type { Places } from './services/places.ts';
import type { RateLimits } from './services/rate-limits.ts';
import type { Reconciliations } from './services/reconciliations.ts';
import type { RefundService } from './services/refunds.ts';
import type { Refusals } from './services/refusals.ts';
import type { SecondFactors } from './services/second-factors.ts';
import type { Sessions } from './services/sessions.ts';
import type { SettingsService } from './services/settings.ts';
import type { SignIn } from './services/sign-in.ts';
import type { StatsService } from './services/stats.ts';
import type { SupportGrants } from './services/support-grants.ts';
import type { TenantDirectory } from './services/tenants.ts';

export type AppOptions = {
  readonly services: {
    readonly accounts: Accounts;
    readonly signIn: SignIn;
    readonly sessions: Sessions;
    readonly secondFactors: SecondFactors;
    readonly rateLimits: RateLimits;
    readonly apiKeys: ApiKeys;
    readonly issuedKeys: IssuedKeys;
    readonly settings: SettingsService;
    readonly directory: TenantDirectory;
    readonly midtransAccounts: MidtransAccounts;
    readonly payments: PaymentService;
    readonly idempotency: Idempotency;
    readonly orders: OrderService;
    readonly orderActions: OrderActions;
    readonly refunds: RefundService;
    readonly reconciliations: Reconciliations;
    readonly notifications: NotificationService;
    readonly attention: AttentionService;
    readonly audit: AuditService;
    readonly refusals: Refusals;
    readonly stats: StatsService;
    readonly ledger: LedgerService;
    readonly customers: CustomerService;
    readonly places: Places;
    readonly members: Members;
    readonly invitations: Invitations;
    readonly invited: Invited;
    readonly supportGrants: SupportGrants;
    readonly health: HealthService;
  };
  readonly log: Logger;
  /** Where our own pages are: nobody else's may do something with a session. */
  readonly publicUrl: string;
  readonly trustedProxies: readonly string[];
  readonly tenantDomains: readonly string[];
  readonly platformSubdomains: readonly string[];
  readonly hasDemo: boolean;
  readonly isHttps: boolean;
};

/** Longer ones are refused or found nowhere. */
const maxLoggedPath = 300;

/** The HTTP side of Kassa. Neither listens nor reads the environment. */
export function buildApp(options: AppOptions): Express {
  const { services, log, trustedProxies } = options;
  const trust = trustProxies(trustedProxies);
  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', [...trustedProxies]);
  app.set('query parser', 'simple');

  app.use(secureAnswers(options));
  app.use(assignRequestId(trust));
  app.use(accessLog(log));
  app.use(refuseOddRequests);
  app.use(dropForgedHeaders(trust));

  app.use(probeRoutes(services.health));
  app.use(requireKnownHost({ ...options, trust }));
  app.use(limitRequests(services.rateLimits));
  app.use(refuseKeyGuessers(services.rateLimits));
  app.use(carryRefusals(services.refusals));
  app.use(recogniseOwnPages(options));
  app.use(identifyCaller(services));
  app.use(countKeyFailures(services.rateLimits));
  app.use(resolveTenant({ ...options, directory: services.directory, trust }));
  app.use(resolveMembership(services));
  app.use(healthRoutes(services.health));
  app.use(paymentRoutes(services));
  app.use(orderRoutes(services.orders));
  app.use(webhookRoutes(services.notifications));
  app.use(adminRoutes(services));
  app.use(adminOrderRoutes(services));
  app.use(adminAttentionRoutes(services));
  app.use(adminReconciliationRoutes(services));
  app.use(auditRoutes(services));
  app.use(adminKeyRoutes(services));
  app.use(adminSettingsRoutes(services));
  app.use(adminMidtransAccountRoutes(services));
  app.use(adminTeamRoutes(services));
  app.use(placeRoutes(services));
  app.use(superadminStaffRoutes(services));
  app.use(superadminSupportGrantRoutes(services));
  app.use(authRoutes(services));
  if (options.hasDemo) app.use(demoRoutes());

  app.use(answerNotFound);
  app.use(auditRefusals);
  app.use(answerProblems);
  return app;
}

/** One line a request: who, what, how it ended. No headers, no query, no body. */
function accessLog(log: Logger): RequestHandler {
  const write = pinoHttp({
    logger: log,
    genReqId: (_req, res) => String(res.getHeader('X-Request-Id')),
    // Its own would show headers, and all that hangs on an error.
    wrapSerializers: false,
    serializers: {
      req: ({ method, originalUrl: url }: Request) => ({
        method,
        path: url.split('?')[0]?.slice(0, maxLoggedPath),
      }),
      res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
    },
    customAttributeKeys: { reqId: 'requestId' },
    customSuccessObject: (_req, res, line) => ({ ...line, ...aboutSender(res as Response) }),
    customErrorObject: (_req, res, _error, line) => ({ ...line, ...aboutSender(res as Response) }),
    quietReqLogger: true,
    customLogLevel: (_req, res, error) => {
      if (error || res.statusCode >= 500) return 'warn';
      return 'info';
    },
  });
  return (req, res, next) => {
    // Read now: a socket that has closed by the end has no address any more.
    res.locals.address = req.ip;
    write(req, res);
    next();
  };
}

function aboutSender({ locals }: Response) {
  return { tenant: locals.tenant?.slug, address: locals.address };
}
