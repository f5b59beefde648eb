import type { MigrationBuilder } from 'node-pg-migrate';

/**
 * Who signs in: people, their passwords and second factors, their sessions, and which of them run
 * the platform. The control plane's login alone may enter; tenants' rows only name users.
 *
 * The schema is called `identity`, because every Supabase project has an `auth` of its own. Its
 * first five tables are those of better-auth (decision 0012) with our names and what we add.
 */
export function up(pgm: MigrationBuilder) {
  pgm.sql(`create schema identity`);
  pgm.sql(`grant usage on schema identity to kassa_platform`);

  pgm.sql(`create table identity.users (
    id                 uuid        not null,
    name               text        not null,
    email              text        not null,
    email_verified     boolean     not null default false,
    two_factor_enabled boolean     not null default false,
    locale             text        not null default 'en',
    disabled_at        timestamptz,           -- may not sign in any more
    created_at         timestamptz not null default now(),
    updated_at         timestamptz not null default now(),
    constraint users_pkey primary key (id),
    constraint users_email_key unique (email),
    constraint users_email_lower check (email = lower(email)),
    constraint users_locale_known check (locale in ('en', 'id', 'sv'))
  )`);

  // What a cookie holds is this token with a signature, whose key is not in the database.
  pgm.sql(`create table identity.sessions (
    id               uuid        not null,
    user_id          uuid        not null,
    token            text        not null,
    expires_at       timestamptz not null,     -- its last day, however much it is used
    last_used_at     timestamptz not null default now(),
    confirmed_at     timestamptz,              -- when the password was last given
    active_tenant_id uuid,                     -- chosen; whether it may be is asked each time
    ip_address       text,
    user_agent       text,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    constraint sessions_pkey primary key (id),
    constraint sessions_token_key unique (token),
    constraint sessions_user_fkey foreign key (user_id) references identity.users (id)
  )`);
  pgm.sql(`create index sessions_user_idx on identity.sessions (user_id)`);
  pgm.sql(`create index sessions_expires_idx on identity.sessions (expires_at)`);

  // How a user can sign in; there is one way so far, by password.
  pgm.sql(`create table identity.accounts (
    id          uuid        not null,
    user_id     uuid        not null,
    account_id  text        not null,
    provider_id text        not null,
    password    text,                          -- scrypt
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    constraint accounts_pkey primary key (id),
    constraint accounts_user_provider_key unique (user_id, provider_id),
    constraint accounts_user_fkey foreign key (user_id) references identity.users (id)
  )`);

  // What was mailed or begun and must come back; the identifier is a hash of what is asked for.
  pgm.sql(`create table identity.verifications (
    id         uuid        not null,
    identifier text        not null,
    value      text        not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint verifications_pkey primary key (id)
  )`);
  pgm.sql(`create index verifications_identifier_idx on identity.verifications (identifier)`);
  pgm.sql(`create index verifications_expires_idx on identity.verifications (expires_at)`);

  pgm.sql(`create table identity.two_factors (
    id                        uuid        not null,
    user_id                   uuid        not null,
    secret                    text        not null, -- encrypted
    backup_codes              text        not null, -- what is left of them, none readable
    verified                  boolean     not null default false,
    failed_verification_count integer     not null default 0,
    locked_until              timestamptz,
    last_used_step            bigint,               -- no code is taken twice
    constraint two_factors_pkey primary key (id),
    constraint two_factors_user_key unique (user_id),
    constraint two_factors_user_fkey foreign key (user_id) references identity.users (id)
  )`);

  // The roles of src/domain/access.ts; a test compares them.
  pgm.sql(`create table identity.platform_members (
    user_id    uuid        not null,
    role       text        not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint platform_members_pkey primary key (user_id),
    constraint platform_members_user_fkey foreign key (user_id) references identity.users (id),
    constraint platform_members_role_known check (role in ('superadmin', 'support', 'viewer'))
  )`);

  // What must happen later and is no tenant's: mails about accounts. Ids only, as in outbox.
  pgm.sql(`create table platform_outbox (
    id         uuid        not null default gen_random_uuid(),
    topic      text        not null,
    payload    jsonb       not null,
    created_at timestamptz not null default now(),
    constraint platform_outbox_pkey primary key (id)
  )`);

  for (const table of [
    'users',
    'sessions',
    'accounts',
    'verifications',
    'two_factors',
    'platform_members',
  ]) {
    // Not forced, as for plans: no tenant has rows here, and nobody else has a policy.
    pgm.sql(`alter table identity.${table} enable row level security`);
    pgm.sql(`create policy ${table}_platform on identity.${table} to kassa_platform
      using (true) with check (true)`);
  }
  pgm.sql(`grant select, insert, update on identity.users, identity.accounts to kassa_platform`);
  pgm.sql(`grant select, insert, update, delete on identity.sessions, identity.verifications,
    identity.two_factors, identity.platform_members to kassa_platform`);

  pgm.sql(`alter table platform_outbox enable row level security`);
  pgm.sql(`create policy platform_outbox_platform on platform_outbox to kassa_platform
    using (true) with check (true)`);
  pgm.sql(`create policy platform_outbox_relay on platform_outbox to kassa_worker
    using (true) with check (true)`);
  pgm.sql(`grant insert on platform_outbox to kassa_platform`);
  pgm.sql(`grant select, delete on platform_outbox to kassa_worker`);
}
