import { z } from 'zod';
import type { Access, PlatformScope, Scope } from '../domain/access.ts';
import {
  ApiKeyId,
  AttentionItemId,
  DifferenceId,
  InvitationId,
  OrderReference,
  ReconciliationId,
  SupportGrantId,
  UserId,
} from '../domain/ids.ts';
import type { LimitName } from '../domain/limits.ts';
import * as accounts from './accounts.ts';
import { ApiKeysQuery, CreateApiKeyRequest, RotateApiKeyRequest } from './api-keys.ts';
import * as attention from './attention.ts';
import { AuditQuery } from './audit.ts';
import { CustomersQuery } from './customers.ts';
import { BalancesQuery } from './ledger.ts';
import { MidtransAccountRequest } from './midtrans-account.ts';
import { CreatePaymentRequest } from './payments.ts';
import * as places from './places.ts';
import * as reconciliations from './reconciliations.ts';
import { CancelRequest, CaptureRequest, RefundRequest } from './refunds.ts';
import { SettingsRequest } from './settings.ts';
import { DaysQuery, SeriesQuery } from './stats.ts';
import * as supportGrants from './support-grants.ts';
import * as team from './team.ts';

/** What a route is: who may use it, and the shapes of what it takes. */
export type Route = {
  readonly access: Access;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  /** Besides those of its door. */
  readonly limits?: readonly LimitName[];
  /** A JSON body; `raw`: the characters as they came, for a signature over them. */
  readonly body?: z.ZodType | 'raw';
};

const open = { door: 'open' } as const;
const provider = { door: 'provider' } as const;
const storefront = (scope: Scope) => ({ door: 'storefront', scope }) as const;
const tenant = (scope: Scope) => ({ door: 'tenant', scope, isSensitive: false }) as const;
/** What is hard to undo: a person confirms a password for it. */
const sensitive = (scope: Scope) => ({ door: 'tenant', scope, isSensitive: true }) as const;
const platform = (scope: PlatformScope) =>
  ({ door: 'platform', scope, isSensitive: false }) as const;
const sensitivePlatform = (scope: PlatformScope) =>
  ({ door: 'platform', scope, isSensitive: true }) as const;
const signIn = { door: 'sign-in' } as const;
const account = { door: 'account', isSensitive: false } as const;
const sensitiveAccount = { door: 'account', isSensitive: true } as const;

const UserParams = z.object({ userId: UserId });
const InvitationParams = z.object({ id: InvitationId });
const OrderParams = z.object({ orderId: OrderReference });
const ApiKeyParams = z.object({ id: ApiKeyId });
const ReconciliationParams = z.object({ id: ReconciliationId });

/**
 * Every route of Kassa: nothing answers that is not on this list. A GET answers HEAD as well.
 * Tests walk it, so that a new route is tried with every role, key and stranger from its first day.
 */
export const routes = {
  'GET /livez': { access: open },
  'GET /readyz': { access: open },
  'GET /health': { access: open },

  'POST /payment/create': {
    access: storefront('payments:create'),
    limits: ['create-address', 'create-address-hour', 'create-tenant'],
    body: CreatePaymentRequest,
  },
  'GET /orders/:orderId/status': { access: storefront('orders:status'), params: OrderParams },
  'POST /webhooks/midtrans': { access: provider, body: 'raw' },

  'GET /admin/stats': { access: tenant('reports:read'), query: DaysQuery },
  'GET /admin/stats/series': { access: tenant('reports:read'), query: SeriesQuery },
  'GET /admin/ledger/balances': { access: tenant('reports:read'), query: BalancesQuery },
  'GET /admin/ledger/days': { access: tenant('reports:read'), query: SeriesQuery },
  'GET /admin/customers': { access: tenant('customers:read'), query: CustomersQuery },

  'GET /admin/orders/:orderId/refunds': { access: tenant('orders:read'), params: OrderParams },
  'POST /admin/orders/:orderId/refunds': {
    access: tenant('refunds:write'),
    params: OrderParams,
    body: RefundRequest,
  },
  'POST /admin/orders/:orderId/cancel': {
    access: tenant('orders:write'),
    params: OrderParams,
    body: CancelRequest,
  },
  'POST /admin/orders/:orderId/capture': {
    access: tenant('orders:write'),
    params: OrderParams,
    body: CaptureRequest,
  },

  'GET /admin/attention': { access: tenant('attention:read'), query: attention.AttentionQuery },
  'POST /admin/attention/:id/resolve': {
    access: tenant('attention:write'),
    params: z.object({ id: AttentionItemId }),
    body: attention.ResolveRequest,
  },

  'GET /admin/reconciliations': {
    access: tenant('reconciliations:read'),
    query: reconciliations.ReconciliationQuery,
  },
  'POST /admin/reconciliations': {
    access: tenant('reconciliations:write'),
    body: reconciliations.ReconciliationRequest,
  },
  'GET /admin/reconciliations/:id': {
    access: tenant('reconciliations:read'),
    params: ReconciliationParams,
    query: reconciliations.DifferenceQuery,
  },
  'POST /admin/reconciliations/:id/differences/:differenceId/resolve': {
    access: tenant('reconciliations:write'),
    params: ReconciliationParams.extend({ differenceId: DifferenceId }),
    body: reconciliations.ResolveRequest,
  },

  'GET /admin/audit': { access: tenant('audit:read'), query: AuditQuery },
  'GET /api/superadmin/audit': { access: platform('platform-audit:read'), query: AuditQuery },
  'GET /admin/keys': { access: tenant('keys:read'), query: ApiKeysQuery },
  'POST /admin/keys': { access: sensitive('keys:write'), body: CreateApiKeyRequest },
  'POST /admin/keys/:id/rotate': {
    access: sensitive('keys:write'),
    params: ApiKeyParams,
    body: RotateApiKeyRequest,
  },
  'DELETE /admin/keys/:id': { access: sensitive('keys:write'), params: ApiKeyParams },

  'GET /admin/settings': { access: tenant('settings:read') },
  'PUT /admin/settings': { access: sensitive('settings:write'), body: SettingsRequest },
  'PUT /admin/settings/midtrans': {
    access: sensitive('secrets:write'),
    body: MidtransAccountRequest,
  },

  'GET /admin/team': { access: tenant('team:read'), query: team.TeamQuery },
  'PUT /admin/team/members/:userId': {
    access: sensitive('team:write'),
    params: UserParams,
    body: team.RoleRequest,
  },
  'DELETE /admin/team/members/:userId': { access: sensitive('team:write'), params: UserParams },
  'POST /admin/team/invitations': { access: sensitive('team:write'), body: team.InviteRequest },
  'POST /admin/team/invitations/:id/resend': {
    access: sensitive('team:write'),
    params: InvitationParams,
  },
  'DELETE /admin/team/invitations/:id': {
    access: sensitive('team:write'),
    params: InvitationParams,
  },

  'POST /api/auth/tenant': {
    access: account,
    body: places.TenantChoice,
  },
  'POST /api/auth/tenant/leave': {
    access: sensitiveAccount,
    body: places.TenantChoice,
  },
  'POST /api/auth/invitations/preview': {
    access: signIn,
    body: team.InvitationPreviewRequest,
  },
  'POST /api/auth/invitations/accept': {
    access: signIn,
    body: team.InvitationAcceptRequest,
  },

  'GET /api/superadmin/staff': { access: platform('staff:read'), query: team.TeamQuery },
  'POST /api/superadmin/staff': {
    access: sensitivePlatform('staff:write'),
    body: team.StaffInviteRequest,
  },
  'PUT /api/superadmin/staff/members/:userId': {
    access: sensitivePlatform('staff:write'),
    params: UserParams,
    body: team.StaffRoleRequest,
  },
  'DELETE /api/superadmin/staff/members/:userId': {
    access: sensitivePlatform('staff:write'),
    params: UserParams,
  },
  'POST /api/superadmin/staff/invitations/:id/resend': {
    access: sensitivePlatform('staff:write'),
    params: InvitationParams,
  },
  'DELETE /api/superadmin/staff/invitations/:id': {
    access: sensitivePlatform('staff:write'),
    params: InvitationParams,
  },

  'GET /api/superadmin/support-grants': {
    access: platform('grants:read'),
    query: supportGrants.SupportGrantQuery,
  },
  'POST /api/superadmin/support-grants': {
    access: sensitivePlatform('grants:write'),
    body: supportGrants.SupportGrantRequest,
  },
  // Less may be seen afterwards: nothing has to be confirmed for that.
  'DELETE /api/superadmin/support-grants/:id': {
    access: platform('grants:write'),
    params: z.object({ id: SupportGrantId }),
  },

  'POST /api/auth/sign-up': { access: signIn, body: accounts.SignUpRequest },
  'POST /api/auth/verify-email': { access: signIn, body: accounts.VerifyEmailRequest },
  'POST /api/auth/verify-email/send': { access: signIn, body: accounts.MailAddressRequest },
  'POST /api/auth/sign-in': { access: signIn, body: accounts.SignInRequest },
  'POST /api/auth/sign-in/second-factor': { access: signIn, body: accounts.SecondFactorRequest },
  'POST /api/auth/password/forgot': { access: signIn, body: accounts.MailAddressRequest },
  'POST /api/auth/password/reset': { access: signIn, body: accounts.PasswordResetRequest },

  'POST /api/auth/sign-out': { access: account },
  'GET /api/auth/session': { access: account },
  'GET /api/auth/sessions': { access: account },
  'DELETE /api/auth/sessions/:id': { access: account, params: accounts.SessionParams },
  'DELETE /api/auth/sessions': { access: account },
  'POST /api/auth/confirm': { access: account, body: accounts.PasswordRequest },
  'POST /api/auth/password/change': { access: account, body: accounts.PasswordChangeRequest },
  'POST /api/auth/second-factor/begin': { access: account, body: accounts.PasswordRequest },
  'POST /api/auth/second-factor/confirm': { access: account, body: accounts.CodeRequest },
  'POST /api/auth/second-factor/disable': {
    access: sensitiveAccount,
    body: accounts.PasswordRequest,
  },
  'POST /api/auth/second-factor/recovery-codes': {
    access: account,
    body: accounts.PasswordRequest,
  },
} as const satisfies Record<`${'GET' | 'POST' | 'PUT' | 'DELETE'} /${string}`, Route>;

export type Routes = typeof routes;
export type RouteName = keyof Routes;
