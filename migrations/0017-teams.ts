import type { MigrationBuilder } from 'node-pg-migrate';

/**
 * Who works for which merchant, who is asked to, and when platform staff may look at a merchant's
 * things. They are the control plane's: a tenant's own login sees none of them.
 *
 * No foreign key leads to `identity.users`, out of the tenant: users are disabled, never deleted.
 */
export function up(pgm: MigrationBuilder) {
  // The roles of src/domain/access.ts; a test compares them.
  pgm.sql(`create table memberships (
    tenant_id  uuid        not null constraint memberships_tenant_fkey references tenants (id),
    user_id    uuid        not null,
    role       text        not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint memberships_pkey primary key (tenant_id, user_id),
    constraint memberships_role_known check (role in ('owner', 'admin', 'finance', 'viewer'))
  )`);
  pgm.sql(`create index memberships_list_idx on memberships (tenant_id, created_at, user_id)`);
  // Read at each request of a user, before the tenant is known.
  pgm.sql(`create index memberships_user_idx on memberships (user_id)`);

  // The nil UUID stands for the platform, whose staff is invited in the same way; so no foreign key
  // to tenants, and a tenant may not be called so.
  pgm.sql(`alter table tenants add constraint tenants_id_not_nil
    check (id <> '00000000-0000-0000-0000-000000000000')`);
  pgm.sql(`create table invitations (
    tenant_id   uuid        not null,
    id          uuid        not null default gen_random_uuid(),
    email       text        not null,
    name        text,
    role        text        not null,
    invited_by  uuid,                         -- null: an operator
    token_hash  bytea,                        -- SHA-256; null until the mail is written
    expires_at  timestamptz not null default now() + interval '7 days',
    created_at  timestamptz not null default now(),
    accepted_at timestamptz,
    accepted_by uuid,
    revoked_at  timestamptz,
    constraint invitations_pkey primary key (tenant_id, id),
    constraint invitations_email_lower check (email = lower(email)),
    constraint invitations_role_known check
      (role in ('owner', 'admin', 'finance', 'viewer', 'superadmin', 'support')),
    constraint invitations_role_fits check
      (role = 'viewer' or (tenant_id = '00000000-0000-0000-0000-000000000000')
                           = (role in ('superadmin', 'support'))),
    constraint invitations_hash_length check (octet_length(token_hash) = 32),
    constraint invitations_accepted_by_whom check ((accepted_at is null) = (accepted_by is null))
  )`);
  pgm.sql(`create unique index invitations_open_key on invitations (tenant_id, email)
    where accepted_at is null and revoked_at is null`);
  // A token says for which tenant it is.
  pgm.sql(`create unique index invitations_token_key on invitations (token_hash)`);

  pgm.sql(`create table support_grants (
    tenant_id  uuid        not null constraint support_grants_tenant_fkey references tenants (id),
    id         uuid        not null default gen_random_uuid(),
    user_id    uuid        not null,
    reason     text        not null,
    expires_at timestamptz not null,
    used_at    timestamptz,                   -- when its use was last written down
    ended_at   timestamptz,                   -- before its time
    created_at timestamptz not null default now(),
    constraint support_grants_pkey primary key (tenant_id, id),
    constraint support_grants_reason_length check (length(reason) between 10 and 500)
  )`);
  pgm.sql(`create index support_grants_running_idx on support_grants (tenant_id, user_id, expires_at)
    where ended_at is null`);
  // The platform's own list, over all tenants.
  pgm.sql(`create index support_grants_list_idx on support_grants (created_at, id)`);

  for (const table of ['memberships', 'invitations', 'support_grants']) {
    pgm.sql(`alter table ${table} enable row level security`);
    pgm.sql(`alter table ${table} force row level security`);
    pgm.sql(`create policy ${table}_tenant on ${table} to kassa_app
      using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant())`);
    pgm.sql(`create policy ${table}_platform on ${table} to kassa_platform
      using (true) with check (true)`);
  }
  pgm.sql(`grant select, insert, update, delete on memberships to kassa_platform`);
  pgm.sql(`grant select, insert, update on invitations, support_grants to kassa_platform`);

  // An owner may ask it of everybody who works for the tenant.
  pgm.sql(`alter table tenants
    add column requires_second_factor boolean not null default false`);
}
