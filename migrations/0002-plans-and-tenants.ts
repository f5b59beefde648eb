import type { MigrationBuilder } from 'node-pg-migrate';

/**
 * The registry of the control plane. Row-level security is on but not forced: these rows belong to
 * the platform, no tenant's transaction may see any of them, and the owner must be able to seed.
 */
export function up(pgm: MigrationBuilder) {
  pgm.sql(`create table plans (
    code                 text        not null,
    name                 text        not null,
    max_orders_per_month integer,             -- null: without limit
    read_as              text,                -- an older name of the plan named here
    created_at           timestamptz not null default now(),
    constraint plans_pkey primary key (code),
    constraint plans_read_as_fkey foreign key (read_as) references plans (code),
    constraint plans_limit_positive check (max_orders_per_month > 0)
  )`);
  pgm.sql(`insert into plans (code, name, max_orders_per_month, read_as) values
    ('starter', 'Starter', 1000, null),
    ('pro', 'Pro', 20000, null),
    ('enterprise', 'Enterprise', null, null)`);
  pgm.sql(`insert into plans (code, name, read_as) values
    ('small', 'Small', 'starter'),
    ('medium', 'Medium', 'pro')`);

  // A name that PostgreSQL knows and that Intl, which has the same list, knows too: no
  // abbreviations and no offsets.
  pgm.sql(`create function app.is_time_zone(name text) returns boolean
    language plpgsql stable
    as $$
    begin
      perform now() at time zone name;
      return name ~ '^[A-Z][A-Za-z]+(/[A-Z][A-Za-z0-9_+-]+)*$';
    exception when invalid_parameter_value then
      return false;
    end $$`);

  // Defaults make one plain insert of slug, name and a Midtrans key a merchant who can be paid.
  pgm.sql(`create table tenants (
    id                     uuid        not null default gen_random_uuid(),
    slug                   text        not null,
    name                   text        not null,
    plan                   text        not null default 'starter',
    status                 text        not null default 'active',
    status_reason          text,
    contact_name           text,
    contact_email          text,
    midtrans_server_key    text,
    midtrans_client_key    text,
    midtrans_merchant_id   text,
    midtrans_environment   text        not null default 'sandbox',
    email_from             text,
    email_reply_to         text,
    max_orders_per_month   integer,           -- null: as the plan says
    placement              text        not null default 'shared',
    database_url           text,
    region                 text,
    locale                 text        not null default 'id',
    currency               text        not null default 'IDR',
    time_zone              text        not null default 'Asia/Jakarta',
    return_url             text,              -- where the provider's page sends the shopper back to
    payment_expiry_minutes integer     not null default 1440,
    created_at             timestamptz not null default now(),
    updated_at             timestamptz not null default now(),
    constraint tenants_pkey primary key (id),
    constraint tenants_slug_key unique (slug),
    constraint tenants_plan_fkey foreign key (plan) references plans (code),
    constraint tenants_slug_form check (slug ~ '^[a-z0-9]([a-z0-9-]{1,61}[a-z0-9])$'),
    constraint tenants_status_known check
      (status in ('pending', 'active', 'inactive', 'suspended', 'archived')),
    constraint tenants_placement_known check (placement in ('shared', 'dedicated')),
    constraint tenants_midtrans_environment_known check
      (midtrans_environment in ('sandbox', 'production')),
    constraint tenants_midtrans_server_key_form check
      (midtrans_server_key !~ '[[:space:]]'),
    constraint tenants_locale_known check (locale in ('en', 'id', 'sv')),
    constraint tenants_slug_not_reserved check (slug not in
      ('www', 'admin', 'api', 'app', 'superadmin', 'funnel', 'funnelstaging', 'mail', 'static')),
    -- The list of src/domain/money.ts; a test compares them.
    constraint tenants_currency_known check (currency in
      ('IDR', 'JPY', 'SEK', 'NOK', 'DKK', 'EUR', 'USD', 'GBP', 'SGD')),
    constraint tenants_time_zone_known check (app.is_time_zone(time_zone)),
    constraint tenants_return_url_form check (return_url ~ '^https?://[^/[:space:]]+[^[:space:]]*$'),
    constraint tenants_email_from_form check
      (email_from ~ '^([^<>@]*<)?[^<>@[:space:]]+@[^<>@[:space:]]+[.][^<>@[:space:]]+>?$'),
    constraint tenants_email_reply_to_form check
      (email_reply_to ~ '^[^<>@[:space:]]+@[^<>@[:space:]]+[.][^<>@[:space:]]+$'),
    constraint tenants_limit_positive check (max_orders_per_month > 0),
    -- Midtrans takes 20 seconds to 7 days; shorter than 5 minutes helps no shopper.
    constraint tenants_payment_expiry_range check (payment_expiry_minutes between 5 and 10080)
  )`);
  pgm.sql(`create index tenants_midtrans_key_idx on tenants (midtrans_server_key)`);

  // Tells every process to forget what it remembers of a tenant, also when somebody edits by SQL.
  // It carries no rule and only the id: any role of a database may listen on any channel.
  pgm.sql(`create function app.announce_tenant_change() returns trigger
    language plpgsql
    as $$
    begin
      perform pg_notify('kassa_tenants', coalesce(new.id, old.id)::text);
      return null;
    end $$`);
  pgm.sql(`create trigger tenants_announce after insert or update or delete on tenants
    for each row execute function app.announce_tenant_change()`);

  // Global uniqueness of the hash is on purpose: a key names its tenant.
  pgm.sql(`create table api_keys (
    tenant_id  uuid        not null constraint api_keys_tenant_fkey references tenants (id),
    id         uuid        not null default gen_random_uuid(),
    prefix     text        not null,          -- what a person may see again, 'sk_test_4f2a…'
    key_hash   bytea       not null,          -- SHA-256 of the whole key
    created_at timestamptz not null default now(),
    revoked_at timestamptz,
    constraint api_keys_pkey primary key (tenant_id, id),
    constraint api_keys_hash_key unique (key_hash),
    constraint api_keys_hash_length check (octet_length(key_hash) = 32)
  )`);

  pgm.sql(`alter table plans enable row level security`);
  pgm.sql(`create policy plans_platform on plans to kassa_platform using (true) with check (true)`);
  pgm.sql(`grant select on plans to kassa_platform`);

  pgm.sql(`alter table tenants enable row level security`);
  pgm.sql(
    `create policy tenants_platform on tenants to kassa_platform using (true) with check (true)`,
  );
  pgm.sql(`grant select, insert, update on tenants to kassa_platform`);

  pgm.sql(`alter table api_keys enable row level security`);
  pgm.sql(`alter table api_keys force row level security`);
  pgm.sql(`create policy api_keys_tenant on api_keys to kassa_app
    using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant())`);
  // The control plane looks a key up before it knows whose it is.
  pgm.sql(
    `create policy api_keys_platform on api_keys to kassa_platform using (true) with check (true)`,
  );
  pgm.sql(`grant select, insert, update on api_keys to kassa_platform`);
}
