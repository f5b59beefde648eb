/**
 * Who may do what, written once. A route names the scope that it takes (`contracts/routes.ts`), a
 * role or a key has scopes, and `middleware/authorise.ts` holds one against the other.
 */

/** What can be done with one tenant's things. */
export const scopes = [
  'payments:create',
  'orders:status',
  'orders:read',
  'orders:write',
  'refunds:write',
  'customers:read',
  'reports:read',
  'attention:read',
  'attention:write',
  'reconciliations:read',
  'reconciliations:write',
  'settings:read',
  'settings:write',
  'secrets:write',
  'keys:read',
  'keys:write',
  'team:read',
  'team:write',
  'audit:read',
] as const;
export type Scope = (typeof scopes)[number];

/** What a shop's own page may do: its key can be read by everybody who opens the page. */
export const publishableScopes: readonly Scope[] = ['payments:create', 'orders:status'];

/** What a program may be given. Rights, secrets and the record of both stay with people. */
export const keyScopes: readonly Scope[] = [
  ...publishableScopes,
  'orders:read',
  'orders:write',
  'refunds:write',
  'customers:read',
  'reports:read',
  'attention:read',
  'attention:write',
  'reconciliations:read',
  'reconciliations:write',
  'settings:read',
];

const reading: readonly Scope[] = [
  ...publishableScopes,
  'orders:read',
  'customers:read',
  'reports:read',
  'attention:read',
  'reconciliations:read',
  'settings:read',
];

/** What the members of a tenant may do, by role. */
export const tenantRoles = {
  owner: scopes,
  admin: [...keyScopes, 'settings:write', 'secrets:write', 'keys:read', 'keys:write', 'team:read'],
  finance: [
    ...reading,
    'orders:write',
    'refunds:write',
    'attention:write',
    'reconciliations:write',
  ],
  viewer: reading,
} as const satisfies Record<string, readonly Scope[]>;
export type TenantRole = keyof typeof tenantRoles;

/**
 * Nobody gives or takes away a role with a right that he does not have himself: only an owner makes
 * or removes owners, and nobody raises himself.
 */
export function mayAssign(by: TenantRole, role: TenantRole): boolean {
  const own: readonly Scope[] = tenantRoles[by];
  return tenantRoles[role].every((scope) => own.includes(scope));
}

/** What platform staff may do in a tenant that a grant lets them into: look, and never touch. */
export const grantScopes: readonly Scope[] = [...reading, 'keys:read', 'team:read'];

/** What can be done with the platform. */
export const platformScopes = [
  'tenants:read',
  'grants:read',
  'grants:write',
  'staff:read',
  'staff:write',
  'platform-audit:read',
] as const;
export type PlatformScope = (typeof platformScopes)[number];

export const platformRoles = {
  superadmin: platformScopes,
  support: ['tenants:read', 'grants:read', 'grants:write', 'platform-audit:read'],
  viewer: ['tenants:read', 'grants:read'],
} as const satisfies Record<string, readonly PlatformScope[]>;
export type PlatformRole = keyof typeof platformRoles;

/** As `mayAssign`, of the platform's own staff. */
export function mayAssignStaff(by: PlatformRole, role: PlatformRole): boolean {
  const own: readonly PlatformScope[] = platformRoles[by];
  return platformRoles[role].every((scope) => own.includes(scope));
}

/** Whoever may not make a grant may not use one that was made before the role was lost. */
export function mayUseGrants(role: PlatformRole | undefined): boolean {
  const own: readonly PlatformScope[] = role ? platformRoles[role] : [];
  return own.includes('grants:write');
}

/** What a route asks of its caller. */
export type Access =
  /** Nothing: probes. */
  | { readonly door: 'open' }
  /** A known tenant. A key, where one is sent, must have the scope; a browser's page its place. */
  | { readonly door: 'storefront'; readonly scope: Scope }
  /** The provider's signature over the body, which the service verifies. */
  | { readonly door: 'provider' }
  /** A secret key or a signed-in member of the tenant, with the scope. */
  | { readonly door: 'tenant'; readonly scope: Scope; readonly isSensitive: boolean }
  /** Anybody who wants to become a user: slowed down, and told the same whoever is meant. */
  | { readonly door: 'sign-in' }
  /** A signed-in user, about himself. */
  | { readonly door: 'account'; readonly isSensitive: boolean }
  /** Platform staff with the scope, and with a second factor outside of demo mode. */
  | { readonly door: 'platform'; readonly scope: PlatformScope; readonly isSensitive: boolean };
