import type { PlatformTx } from '../db/database.ts';
import type { TenantId } from '../domain/ids.ts';

/** What a tenant decides for itself. */
export type TenantSettings = {
  readonly allowedOrigins: readonly string[];
  readonly createRequiresKey: boolean;
  readonly returnUrl: string | undefined;
  readonly emailFrom: string | undefined;
  readonly emailReplyTo: string | undefined;
  readonly requiresSecondFactor: boolean;
};

type SettingsRow = {
  allowed_origins: string[];
  create_requires_key: boolean;
  return_url: string | null;
  email_from: string | null;
  email_reply_to: string | null;
  requires_second_factor: boolean;
};

const selectSettings = `select allowed_origins, create_requires_key, return_url, email_from,
         email_reply_to, requires_second_factor
    from tenants
   where id = $1`;

export async function get(tx: PlatformTx, tenantId: TenantId): Promise<TenantSettings> {
  return toSettings((await tx.query<SettingsRow>(selectSettings, [tenantId])).rows, tenantId);
}

/** Nobody else changes them until the transaction ends. */
export async function lock(tx: PlatformTx, tenantId: TenantId): Promise<TenantSettings> {
  const text = `${selectSettings} for no key update`;
  return toSettings((await tx.query<SettingsRow>(text, [tenantId])).rows, tenantId);
}

export async function store(
  tx: PlatformTx,
  tenantId: TenantId,
  settings: TenantSettings,
): Promise<void> {
  await tx.query(
    `update tenants
        set allowed_origins = $2, create_requires_key = $3, return_url = $4, email_from = $5,
            email_reply_to = $6, requires_second_factor = $7, updated_at = now()
      where id = $1`,
    [
      tenantId,
      settings.allowedOrigins,
      settings.createRequiresKey,
      settings.returnUrl ?? null,
      settings.emailFrom ?? null,
      settings.emailReplyTo ?? null,
      settings.requiresSecondFactor,
    ],
  );
}

function toSettings(rows: readonly SettingsRow[], tenantId: TenantId): TenantSettings {
  const [row] = rows;
  if (!row) throw new Error(`There is no tenant ${tenantId} that could have settings.`);
  return {
    allowedOrigins: row.allowed_origins,
    createRequiresKey: row.create_requires_key,
    returnUrl: row.return_url ?? undefined,
    emailFrom: row.email_from ?? undefined,
    emailReplyTo: row.email_reply_to ?? undefined,
    requiresSecondFactor: row.requires_second_factor,
  };
}
