-- The schema of a Kassa database, without rows. Made from migrations/; do not edit.
-- Made by: npm run schema:dump
-- To load it, the roles that it grants to must exist.

set check_function_bodies = off; -- they may name tables that come later

-- Schemas

create schema app;
create schema identity;

-- Functions

CREATE OR REPLACE FUNCTION app.announce_tenant_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    begin
      perform pg_notify('kassa_tenants', coalesce(new.id, old.id)::text);
      return null;
    end $function$;

CREATE OR REPLACE FUNCTION app.current_tenant()
 RETURNS uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$ select nullif(current_setting('app.tenant_id', true), '')::uuid $function$;

CREATE OR REPLACE FUNCTION app.is_time_zone(name text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
    begin
      perform now() at time zone name;
      return name ~ '^[A-Z][A-Za-z]+(/[A-Z][A-Za-z0-9_+-]+)*$';
    exception when invalid_parameter_value then
      return false;
    end $function$;

CREATE OR REPLACE FUNCTION app.set_tenant(tenant uuid)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
    begin
      if tenant is null then
        raise exception 'a tenant is required' using errcode = '28000';
      end if;
      if app.current_tenant() is not null and app.current_tenant() <> tenant then
        raise exception 'this transaction belongs to another tenant' using errcode = '28000';
      end if;
      perform pg_catalog.set_config('citus.propagate_set_commands', 'local', true);
      execute pg_catalog.format('set local app.tenant_id = %L', tenant);
    end $function$;

-- Tables

create table identity.accounts (
  id uuid not null,
  user_id uuid not null,
  account_id text not null,
  provider_id text not null,
  password text,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint accounts_pkey PRIMARY KEY (id),
  constraint accounts_user_provider_key UNIQUE (user_id, provider_id)
);

create table identity.platform_members (
  user_id uuid not null,
  role text not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint platform_members_pkey PRIMARY KEY (user_id),
  constraint platform_members_role_known CHECK ((role = ANY (ARRAY['superadmin'::text, 'support'::text, 'viewer'::text])))
);

create table identity.sessions (
  id uuid not null,
  user_id uuid not null,
  token text not null,
  expires_at timestamp with time zone not null,
  last_used_at timestamp with time zone default now() not null,
  confirmed_at timestamp with time zone,
  active_tenant_id uuid,
  ip_address text,
  user_agent text,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint sessions_pkey PRIMARY KEY (id),
  constraint sessions_token_key UNIQUE (token)
);

create table identity.two_factors (
  id uuid not null,
  user_id uuid not null,
  secret text not null,
  backup_codes text not null,
  verified boolean default false not null,
  failed_verification_count integer default 0 not null,
  locked_until timestamp with time zone,
  last_used_step bigint,
  constraint two_factors_pkey PRIMARY KEY (id),
  constraint two_factors_user_key UNIQUE (user_id)
);

create table identity.users (
  id uuid not null,
  name text not null,
  email text not null,
  email_verified boolean default false not null,
  two_factor_enabled boolean default false not null,
  locale text default 'en'::text not null,
  disabled_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint users_pkey PRIMARY KEY (id),
  constraint users_email_key UNIQUE (email),
  constraint users_email_lower CHECK ((email = lower(email))),
  constraint users_locale_known CHECK ((locale = ANY (ARRAY['en'::text, 'id'::text, 'sv'::text])))
);

create table identity.verifications (
  id uuid not null,
  identifier text not null,
  value text not null,
  expires_at timestamp with time zone not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint verifications_pkey PRIMARY KEY (id)
);

create table public.api_keys (
  tenant_id uuid not null,
  id uuid default gen_random_uuid() not null,
  prefix text not null,
  key_hash bytea not null,
  created_at timestamp with time zone default now() not null,
  revoked_at timestamp with time zone,
  kind text default 'secret'::text not null,
  name text default 'API key'::text not null,
  scopes text[],
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  created_by text,
  rotated_from uuid,
  constraint api_keys_pkey PRIMARY KEY (tenant_id, id),
  constraint api_keys_hash_key UNIQUE (key_hash),
  constraint api_keys_rotated_from_key UNIQUE (tenant_id, rotated_from),
  constraint api_keys_hash_length CHECK ((octet_length(key_hash) = 32)),
  constraint api_keys_kind_known CHECK ((kind = ANY (ARRAY['secret'::text, 'publishable'::text]))),
  constraint api_keys_scopes_some CHECK ((cardinality(scopes) > 0))
);

create table public.attention_items (
  tenant_id uuid not null,
  id uuid default gen_random_uuid() not null,
  order_id uuid not null,
  payment_id uuid,
  reason text not null,
  detail text not null,
  created_at timestamp with time zone default now() not null,
  resolved_at timestamp with time zone,
  resolved_by text,
  resolution text,
  constraint attention_items_pkey PRIMARY KEY (tenant_id, id),
  constraint attention_items_reason_known CHECK ((reason = ANY (ARRAY['late-money'::text, 'paid-twice'::text, 'fee-on-top'::text, 'charged-back'::text, 'reversed'::text, 'refund-refused-by-bank'::text, 'refund-refused'::text, 'refund-stalled'::text, 'change-refused'::text, 'change-stalled'::text, 'books-differ'::text, 'amount-differs'::text, 'news-that-cannot-be'::text, 'fraud-hold'::text]))),
  constraint attention_items_resolved_whole CHECK ((((resolved_at IS NULL) = (resolved_by IS NULL)) AND ((resolved_at IS NULL) = (resolution IS NULL)))),
  constraint attention_items_resolver_known CHECK ((resolved_by = ANY (ARRAY['merchant'::text, 'kassa'::text])))
);

create table public.audit_entries (
  tenant_id uuid not null,
  seq bigint not null,
  at timestamp with time zone not null,
  action text not null,
  actor_kind text not null,
  actor_id text,
  actor_label text not null,
  subject_kind text not null,
  subject_id text not null,
  before text,
  after text,
  request_id text not null,
  address text,
  previous_hash bytea not null,
  hash bytea not null,
  constraint audit_entries_pkey PRIMARY KEY (tenant_id, seq),
  constraint audit_entries_actor_known CHECK ((actor_kind = ANY (ARRAY['user'::text, 'key'::text, 'operator'::text, 'system'::text, 'anonymous'::text]))),
  constraint audit_entries_hash_length CHECK (((octet_length(hash) = 32) AND (octet_length(previous_hash) = 32))),
  constraint audit_entries_seq_positive CHECK ((seq > 0))
);

create table public.audit_heads (
  tenant_id uuid not null,
  seq bigint not null,
  hash bytea not null,
  constraint audit_heads_pkey PRIMARY KEY (tenant_id, seq),
  constraint audit_heads_hash_length CHECK ((octet_length(hash) = 32))
);

create table public.customer_totals (
  tenant_id uuid not null,
  customer_id uuid not null,
  currency text not null,
  orders bigint default 0 not null,
  paid_orders bigint default 0 not null,
  spent_amount bigint default 0 not null,
  refunded_amount bigint default 0 not null,
  constraint customer_totals_pkey PRIMARY KEY (tenant_id, customer_id, currency)
);

create table public.customers (
  tenant_id uuid not null,
  id uuid default gen_random_uuid() not null,
  email text not null,
  name text not null,
  phone text,
  created_at timestamp with time zone default now() not null,
  last_seen_at timestamp with time zone default now() not null,
  constraint customers_pkey PRIMARY KEY (tenant_id, id),
  constraint customers_email_key UNIQUE (tenant_id, email),
  constraint customers_email_lower CHECK ((email = lower(email)))
);

create table public.daily_stats (
  tenant_id uuid not null,
  day date not null,
  currency text not null,
  status text not null,
  orders bigint default 0 not null,
  amount bigint default 0 not null,
  refunded_amount bigint default 0 not null,
  method text default ''::text not null,
  constraint daily_stats_pkey PRIMARY KEY (tenant_id, day, currency, status, method)
);

create table public.data_keys (
  tenant_id uuid not null,
  version integer not null,
  kek_id text not null,
  wrapped bytea not null,
  seals bigint default 0 not null,
  created_at timestamp with time zone default now() not null,
  retired_at timestamp with time zone,
  constraint data_keys_pkey PRIMARY KEY (tenant_id, version),
  constraint data_keys_kek_id_form CHECK ((kek_id ~ '^[A-Za-z0-9_-]{1,32}$'::text)),
  constraint data_keys_version_positive CHECK ((version > 0)),
  constraint data_keys_wrapped_length CHECK (((octet_length(wrapped) >= 32) AND (octet_length(wrapped) <= 4096)))
);

create table public.idempotency_keys (
  tenant_id uuid not null,
  route text not null,
  key text not null,
  request_hash bytea not null,
  resource_id uuid not null,
  lease_id uuid,
  lease_until timestamp with time zone,
  answer_status integer,
  answer_body text,
  created_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  constraint idempotency_keys_pkey PRIMARY KEY (tenant_id, route, key),
  constraint idempotency_keys_answer_whole CHECK (((answer_status IS NULL) = (answer_body IS NULL))),
  constraint idempotency_keys_answered_free CHECK (((answer_status IS NULL) OR (lease_id IS NULL))),
  constraint idempotency_keys_lease_whole CHECK (((lease_id IS NULL) = (lease_until IS NULL)))
);

create table public.invitations (
  tenant_id uuid not null,
  id uuid default gen_random_uuid() not null,
  email text not null,
  name text,
  role text not null,
  invited_by uuid,
  token_hash bytea,
  expires_at timestamp with time zone default (now() + '7 days'::interval) not null,
  created_at timestamp with time zone default now() not null,
  accepted_at timestamp with time zone,
  accepted_by uuid,
  revoked_at timestamp with time zone,
  constraint invitations_pkey PRIMARY KEY (tenant_id, id),
  constraint invitations_accepted_by_whom CHECK (((accepted_at IS NULL) = (accepted_by IS NULL))),
  constraint invitations_email_lower CHECK ((email = lower(email))),
  constraint invitations_hash_length CHECK ((octet_length(token_hash) = 32)),
  constraint invitations_role_fits CHECK (((role = 'viewer'::text) OR ((tenant_id = '00000000-0000-0000-0000-000000000000'::uuid) = (role = ANY (ARRAY['superadmin'::text, 'support'::text]))))),
  constraint invitations_role_known CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'finance'::text, 'viewer'::text, 'superadmin'::text, 'support'::text])))
);

create table public.key_rotations (
  id uuid default gen_random_uuid() not null,
  started_at timestamp with time zone default now() not null,
  finished_at timestamp with time zone,
  constraint key_rotations_pkey PRIMARY KEY (id)
);

create table public.ledger_days (
  tenant_id uuid not null,
  day date not null,
  account text not null,
  currency text not null,
  debits bigint default 0 not null,
  credits bigint default 0 not null,
  constraint ledger_days_pkey PRIMARY KEY (tenant_id, day, account, currency)
);

create table public.ledger_transfers (
  tenant_id uuid not null,
  id uuid default gen_random_uuid() not null,
  kind text not null,
  debit_account text not null,
  credit_account text not null,
  amount bigint not null,
  currency text not null,
  order_id uuid not null,
  payment_id uuid not null,
  day date not null,
  created_at timestamp with time zone default now() not null,
  constraint ledger_transfers_pkey PRIMARY KEY (tenant_id, id),
  constraint ledger_transfers_amount_positive CHECK ((amount > 0)),
  constraint ledger_transfers_credit_known CHECK ((credit_account = ANY (ARRAY['provider_balance'::text, 'sales'::text, 'customer_fees'::text, 'refunds'::text, 'losses'::text]))),
  constraint ledger_transfers_debit_known CHECK ((debit_account = ANY (ARRAY['provider_balance'::text, 'sales'::text, 'customer_fees'::text, 'refunds'::text, 'losses'::text]))),
  constraint ledger_transfers_kind_known CHECK ((kind = ANY (ARRAY['payment'::text, 'fee'::text, 'refund'::text, 'loss'::text]))),
  constraint ledger_transfers_two_sides CHECK ((debit_account <> credit_account))
);

create table public.memberships (
  tenant_id uuid not null,
  user_id uuid not null,
  role text not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint memberships_pkey PRIMARY KEY (tenant_id, user_id),
  constraint memberships_role_known CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'finance'::text, 'viewer'::text])))
);

create table public.notifications (
  tenant_id uuid not null,
  id uuid default gen_random_uuid() not null,
  provider text not null,
  dedupe_key text not null,
  reference text not null,
  payment_id uuid,
  body text not null,
  copies integer default 1 not null,
  status text default 'received'::text not null,
  detail text,
  received_at timestamp with time zone default now() not null,
  processed_at timestamp with time zone,
  constraint notifications_pkey PRIMARY KEY (tenant_id, id),
  constraint notifications_dedupe_key UNIQUE (tenant_id, provider, dedupe_key),
  constraint notifications_status_known CHECK ((status = ANY (ARRAY['received'::text, 'processed'::text, 'unmatched'::text, 'rejected'::text])))
);

create table public.order_actions (
  tenant_id uuid not null,
  id uuid default gen_random_uuid() not null,
  order_id uuid not null,
  kind text not null,
  payment_ids uuid[] not null,
  reason text,
  status text not null,
  detail text,
  lease_id uuid,
  lease_until timestamp with time zone,
  unclear_at timestamp with time zone,
  next_check_at timestamp with time zone,
  alarmed_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  constraint order_actions_pkey PRIMARY KEY (tenant_id, id),
  constraint order_actions_followed CHECK (((status = 'requested'::text) = (next_check_at IS NOT NULL))),
  constraint order_actions_kind_known CHECK ((kind = ANY (ARRAY['cancel'::text, 'void'::text, 'capture'::text]))),
  constraint order_actions_lease_whole CHECK (((lease_id IS NULL) = (lease_until IS NULL))),
  constraint order_actions_lease_with_doubt CHECK (((lease_id IS NULL) OR (status = 'requested'::text))),
  constraint order_actions_status_known CHECK ((status = ANY (ARRAY['requested'::text, 'done'::text, 'refused'::text])))
);

create table public.order_events (
  tenant_id uuid not null,
  id uuid default gen_random_uuid() not null,
  order_id uuid not null,
  payment_id uuid,
  kind text not null,
  source text not null,
  from_status text,
  to_status text,
  reference text,
  detail text,
  request_id text,
  created_at timestamp with time zone default clock_timestamp() not null,
  constraint order_events_pkey PRIMARY KEY (tenant_id, id),
  constraint order_events_source_known CHECK ((source = ANY (ARRAY['api'::text, 'notification'::text, 'check'::text, 'reconciliation'::text])))
);

create table public.orders (
  tenant_id uuid not null,
  id uuid default gen_random_uuid() not null,
  order_id text not null,
  customer_id uuid not null,
  status text default 'pending'::text not null,
  amount bigint not null,
  refunded_amount bigint default 0 not null,
  currency text not null,
  customer_name text not null,
  payment_method text,
  content_hash bytea not null,
  business_day date not null,
  quota_period text,
  paid_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  method text,
  constraint orders_pkey PRIMARY KEY (tenant_id, id),
  constraint orders_order_id_key UNIQUE (tenant_id, order_id),
  constraint orders_amount_positive CHECK ((amount > 0)),
  constraint orders_refund_within_amount CHECK (((refunded_amount >= 0) AND (refunded_amount <= amount))),
  constraint orders_status_known CHECK ((status = ANY (ARRAY['pending'::text, 'paid'::text, 'failed'::text, 'expired'::text, 'cancelled'::text, 'refunded'::text, 'partially_refunded'::text, 'disputed'::text])))
);

create table public.outbox (
  tenant_id uuid not null,
  id uuid default gen_random_uuid() not null,
  topic text not null,
  payload jsonb not null,
  created_at timestamp with time zone default now() not null,
  constraint outbox_pkey PRIMARY KEY (tenant_id, id)
);

create table public.payments (
  tenant_id uuid not null,
  id uuid default gen_random_uuid() not null,
  order_id uuid not null,
  provider text not null,
  provider_reference text not null,
  provider_transaction_id text,
  status text default 'creating'::text not null,
  amount bigint not null,
  refunded_amount bigint default 0 not null,
  currency text not null,
  method text,
  token text,
  redirect_url text,
  may_have_page boolean default false not null,
  lease_id uuid,
  lease_until timestamp with time zone,
  checks integer default 0 not null,
  next_check_at timestamp with time zone,
  expires_at timestamp with time zone not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  captured_amount bigint default 0 not null,
  lost_amount bigint default 0 not null,
  attempt integer default 1 not null,
  customer_fee bigint default 0 not null,
  constraint payments_pkey PRIMARY KEY (tenant_id, id),
  constraint payments_attempt_key UNIQUE (tenant_id, provider, provider_reference, attempt),
  constraint payments_amount_positive CHECK ((amount > 0)),
  constraint payments_attempt_positive CHECK ((attempt > 0)),
  constraint payments_captured_within_amount CHECK (((captured_amount >= 0) AND (captured_amount <= (amount + customer_fee)))),
  constraint payments_customer_fee_not_negative CHECK ((customer_fee >= 0)),
  constraint payments_lease_with_call CHECK (((status = 'creating'::text) = (lease_id IS NOT NULL))),
  constraint payments_lost_not_negative CHECK ((lost_amount >= 0)),
  constraint payments_outgo_within_captured CHECK (((refunded_amount + lost_amount) <= captured_amount)),
  constraint payments_provider_known CHECK ((provider = ANY (ARRAY['midtrans'::text, 'stripe'::text]))),
  constraint payments_refund_within_amount CHECK (((refunded_amount >= 0) AND (refunded_amount <= (amount + customer_fee)))),
  constraint payments_status_known CHECK ((status = ANY (ARRAY['creating'::text, 'unknown'::text, 'pending'::text, 'challenged'::text, 'authorized'::text, 'paid'::text, 'failed'::text, 'expired'::text, 'cancelled'::text, 'refunded'::text, 'partially_refunded'::text, 'disputed'::text])))
);

create table public.plans (
  code text not null,
  name text not null,
  max_orders_per_month integer,
  read_as text,
  created_at timestamp with time zone default now() not null,
  constraint plans_pkey PRIMARY KEY (code),
  constraint plans_limit_positive CHECK ((max_orders_per_month > 0))
);

create table public.platform_outbox (
  id uuid default gen_random_uuid() not null,
  topic text not null,
  payload jsonb not null,
  created_at timestamp with time zone default now() not null,
  constraint platform_outbox_pkey PRIMARY KEY (id)
);

create table public.platform_secrets (
  name text not null,
  value text not null,
  constraint platform_secrets_pkey PRIMARY KEY (name)
);

create unlogged table public.rate_limits (
  key text not null,
  points integer not null,
  expire double precision not null,
  constraint rate_limits_pkey PRIMARY KEY (key)
);

create table public.reconciliation_differences (
  tenant_id uuid not null,
  id uuid default gen_random_uuid() not null,
  run_id uuid not null,
  order_id uuid not null,
  payment_id uuid not null,
  what text not null,
  subject text default ''::text not null,
  ours text not null,
  theirs text not null,
  resolution text not null,
  resolved_by text,
  note text,
  resolved_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  constraint reconciliation_differences_pkey PRIMARY KEY (tenant_id, id),
  constraint reconciliation_differences_once UNIQUE (tenant_id, run_id, payment_id, what, subject),
  constraint reconciliation_differences_resolution_known CHECK ((resolution = ANY (ARRAY['open'::text, 'repaired'::text, 'resolved'::text]))),
  constraint reconciliation_differences_resolution_whole CHECK ((((resolution = 'open'::text) = (resolved_at IS NULL)) AND ((resolved_at IS NULL) = (resolved_by IS NULL)))),
  constraint reconciliation_differences_what_known CHECK ((what = ANY (ARRAY['missing'::text, 'currency'::text, 'amount'::text, 'status'::text, 'captured'::text, 'refunded'::text, 'refund'::text, 'paid-twice'::text])))
);

create table public.reconciliation_questions (
  tenant_id uuid not null,
  run_id uuid not null,
  payment_id uuid not null,
  reason text not null,
  tries integer default 1 not null,
  created_at timestamp with time zone default now() not null,
  constraint reconciliation_questions_pkey PRIMARY KEY (tenant_id, run_id, payment_id)
);

create table public.reconciliations (
  tenant_id uuid not null,
  id uuid default gen_random_uuid() not null,
  trigger text not null,
  status text not null,
  from_day date not null,
  to_day date not null,
  time_zone text not null,
  checked integer default 0 not null,
  unanswered integer default 0 not null,
  cursor uuid,
  is_listed boolean default false not null,
  batch integer default 0 not null,
  version integer default 0 not null,
  silences integer default 0 not null,
  started_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  finished_at timestamp with time zone,
  constraint reconciliations_pkey PRIMARY KEY (tenant_id, id),
  constraint reconciliations_end_has_time CHECK (((status = ANY (ARRAY['done'::text, 'incomplete'::text, 'failed'::text])) = (finished_at IS NOT NULL))),
  constraint reconciliations_status_known CHECK ((status = ANY (ARRAY['done'::text, 'incomplete'::text, 'failed'::text, 'running'::text]))),
  constraint reconciliations_trigger_known CHECK ((trigger = ANY (ARRAY['merchant'::text, 'operator'::text, 'nightly'::text]))),
  constraint reconciliations_window_in_order CHECK ((from_day <= to_day))
);

create table public.refunds (
  tenant_id uuid not null,
  id uuid default gen_random_uuid() not null,
  order_id uuid not null,
  payment_id uuid not null,
  source text not null,
  status text not null,
  amount bigint not null,
  currency text not null,
  reason text,
  provider_key text not null,
  provider_calls integer default 0 not null,
  detail text,
  lease_id uuid,
  lease_until timestamp with time zone,
  accepted_at timestamp with time zone,
  confirmed_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  next_check_at timestamp with time zone default (now() + '00:01:00'::interval),
  alarmed_at timestamp with time zone,
  unclear_at timestamp with time zone,
  constraint refunds_pkey PRIMARY KEY (tenant_id, id),
  constraint refunds_provider_key_key UNIQUE (tenant_id, payment_id, provider_key),
  constraint refunds_amount_positive CHECK ((amount > 0)),
  constraint refunds_followed CHECK (((status = ANY (ARRAY['confirmed'::text, 'refused'::text])) OR (next_check_at IS NOT NULL) OR ((status = 'accepted'::text) AND (alarmed_at IS NOT NULL)))),
  constraint refunds_lease_whole CHECK (((lease_id IS NULL) = (lease_until IS NULL))),
  constraint refunds_lease_with_doubt CHECK (((lease_id IS NULL) OR (status = ANY (ARRAY['requested'::text, 'unknown'::text])))),
  constraint refunds_source_known CHECK ((source = ANY (ARRAY['merchant'::text, 'provider'::text]))),
  constraint refunds_status_known CHECK ((status = ANY (ARRAY['requested'::text, 'unknown'::text, 'accepted'::text, 'confirmed'::text, 'refused'::text])))
);

create table public.support_grants (
  tenant_id uuid not null,
  id uuid default gen_random_uuid() not null,
  user_id uuid not null,
  reason text not null,
  expires_at timestamp with time zone not null,
  used_at timestamp with time zone,
  ended_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  constraint support_grants_pkey PRIMARY KEY (tenant_id, id),
  constraint support_grants_reason_length CHECK (((length(reason) >= 10) AND (length(reason) <= 500)))
);

create table public.tenants (
  id uuid default gen_random_uuid() not null,
  slug text not null,
  name text not null,
  plan text default 'starter'::text not null,
  status text default 'active'::text not null,
  status_reason text,
  contact_name text,
  contact_email text,
  midtrans_server_key text,
  midtrans_client_key text,
  midtrans_merchant_id text,
  midtrans_environment text default 'sandbox'::text not null,
  email_from text,
  email_reply_to text,
  max_orders_per_month integer,
  placement text default 'shared'::text not null,
  database_url text,
  region text,
  locale text default 'id'::text not null,
  currency text default 'IDR'::text not null,
  time_zone text default 'Asia/Jakarta'::text not null,
  return_url text,
  payment_expiry_minutes integer default 1440 not null,
  created_at timestamp with time zone default now() not null,
  updated_at timestamp with time zone default now() not null,
  midtrans_server_key_fingerprint bytea,
  midtrans_server_key_end text,
  requires_second_factor boolean default false not null,
  allowed_origins text[] default '{}'::text[] not null,
  create_requires_key boolean default false not null,
  constraint tenants_pkey PRIMARY KEY (id),
  constraint tenants_slug_key UNIQUE (slug),
  constraint tenants_allowed_origins_count CHECK ((cardinality(allowed_origins) <= 20)),
  constraint tenants_currency_known CHECK ((currency = ANY (ARRAY['IDR'::text, 'JPY'::text, 'SEK'::text, 'NOK'::text, 'DKK'::text, 'EUR'::text, 'USD'::text, 'GBP'::text, 'SGD'::text]))),
  constraint tenants_email_from_form CHECK ((email_from ~ '^([^<>@]*<)?[^<>@[:space:]]+@[^<>@[:space:]]+[.][^<>@[:space:]]+>?$'::text)),
  constraint tenants_email_reply_to_form CHECK ((email_reply_to ~ '^[^<>@[:space:]]+@[^<>@[:space:]]+[.][^<>@[:space:]]+$'::text)),
  constraint tenants_id_not_nil CHECK ((id <> '00000000-0000-0000-0000-000000000000'::uuid)),
  constraint tenants_limit_positive CHECK ((max_orders_per_month > 0)),
  constraint tenants_locale_known CHECK ((locale = ANY (ARRAY['en'::text, 'id'::text, 'sv'::text]))),
  constraint tenants_midtrans_environment_known CHECK ((midtrans_environment = ANY (ARRAY['sandbox'::text, 'production'::text]))),
  constraint tenants_midtrans_server_key_form CHECK ((midtrans_server_key !~ '[[:space:]]'::text)),
  constraint tenants_payment_expiry_range CHECK (((payment_expiry_minutes >= 5) AND (payment_expiry_minutes <= 10080))),
  constraint tenants_placement_known CHECK ((placement = ANY (ARRAY['shared'::text, 'dedicated'::text]))),
  constraint tenants_return_url_form CHECK ((return_url ~ '^https?://[^/[:space:]]+[^[:space:]]*$'::text)),
  constraint tenants_sealed_key_has_fingerprint CHECK (((midtrans_server_key !~~ 'sealed:%'::text) OR ((midtrans_server_key_fingerprint IS NOT NULL) AND (octet_length(midtrans_server_key_fingerprint) = 32)))),
  constraint tenants_slug_form CHECK ((slug ~ '^[a-z0-9]([a-z0-9-]{1,61}[a-z0-9])$'::text)),
  constraint tenants_slug_not_reserved CHECK ((slug <> ALL (ARRAY['www'::text, 'admin'::text, 'api'::text, 'app'::text, 'superadmin'::text, 'funnel'::text, 'funnelstaging'::text, 'mail'::text, 'static'::text]))),
  constraint tenants_status_known CHECK ((status = ANY (ARRAY['pending'::text, 'active'::text, 'inactive'::text, 'suspended'::text, 'archived'::text]))),
  constraint tenants_time_zone_known CHECK (app.is_time_zone(time_zone))
);

create table public.usage_counters (
  tenant_id uuid not null,
  metric text not null,
  period text not null,
  used integer default 0 not null,
  constraint usage_counters_pkey PRIMARY KEY (tenant_id, metric, period),
  constraint usage_counters_not_negative CHECK ((used >= 0))
);

-- Indexes

CREATE INDEX sessions_expires_idx ON identity.sessions USING btree (expires_at);
CREATE INDEX sessions_user_idx ON identity.sessions USING btree (user_id);
CREATE INDEX verifications_expires_idx ON identity.verifications USING btree (expires_at);
CREATE INDEX verifications_identifier_idx ON identity.verifications USING btree (identifier);
CREATE INDEX attention_items_open_idx ON public.attention_items USING btree (tenant_id, created_at DESC, id DESC) WHERE (resolved_at IS NULL);
CREATE UNIQUE INDEX attention_items_open_key ON public.attention_items USING btree (tenant_id, order_id, payment_id, reason) WHERE (resolved_at IS NULL);
CREATE INDEX attention_items_order_idx ON public.attention_items USING btree (tenant_id, order_id);
CREATE INDEX attention_items_resolved_idx ON public.attention_items USING btree (tenant_id, created_at DESC, id DESC) WHERE (resolved_at IS NOT NULL);
CREATE INDEX audit_entries_action_idx ON public.audit_entries USING btree (tenant_id, action, seq);
CREATE INDEX customers_seen_idx ON public.customers USING btree (tenant_id, last_seen_at DESC, id DESC);
CREATE INDEX idempotency_keys_expiry_idx ON public.idempotency_keys USING btree (tenant_id, expires_at);
CREATE UNIQUE INDEX invitations_open_key ON public.invitations USING btree (tenant_id, email) WHERE ((accepted_at IS NULL) AND (revoked_at IS NULL));
CREATE UNIQUE INDEX invitations_token_key ON public.invitations USING btree (token_hash);
CREATE UNIQUE INDEX key_rotations_one_open ON public.key_rotations USING btree ((true)) WHERE (finished_at IS NULL);
CREATE INDEX ledger_transfers_day_idx ON public.ledger_transfers USING btree (tenant_id, day, id);
CREATE INDEX ledger_transfers_payment_idx ON public.ledger_transfers USING btree (tenant_id, payment_id);
CREATE INDEX memberships_list_idx ON public.memberships USING btree (tenant_id, created_at, user_id);
CREATE INDEX memberships_user_idx ON public.memberships USING btree (user_id);
CREATE INDEX notifications_reference_idx ON public.notifications USING btree (tenant_id, reference);
CREATE INDEX order_actions_due_idx ON public.order_actions USING btree (tenant_id, next_check_at) WHERE (next_check_at IS NOT NULL);
CREATE UNIQUE INDEX order_actions_open_key ON public.order_actions USING btree (tenant_id, order_id) WHERE (status = 'requested'::text);
CREATE INDEX order_events_created_idx ON public.order_events USING btree (tenant_id, created_at);
CREATE INDEX order_events_order_idx ON public.order_events USING btree (tenant_id, order_id, created_at);
CREATE INDEX orders_created_idx ON public.orders USING btree (tenant_id, created_at DESC, id DESC);
CREATE INDEX orders_customer_idx ON public.orders USING btree (tenant_id, customer_id);
CREATE INDEX payments_created_idx ON public.payments USING btree (tenant_id, created_at, id);
CREATE INDEX payments_due_idx ON public.payments USING btree (tenant_id, next_check_at) WHERE (next_check_at IS NOT NULL);
CREATE INDEX payments_order_idx ON public.payments USING btree (tenant_id, order_id, created_at DESC);
CREATE INDEX rate_limits_expire_idx ON public.rate_limits USING btree (expire);
CREATE INDEX reconciliation_differences_open_idx ON public.reconciliation_differences USING btree (tenant_id, payment_id) WHERE (resolution = 'open'::text);
CREATE INDEX reconciliation_differences_run_idx ON public.reconciliation_differences USING btree (tenant_id, run_id, id);
CREATE UNIQUE INDEX reconciliations_nightly_key ON public.reconciliations USING btree (tenant_id, to_day) WHERE (trigger = 'nightly'::text);
CREATE UNIQUE INDEX reconciliations_running_key ON public.reconciliations USING btree (tenant_id) WHERE (finished_at IS NULL);
CREATE INDEX refunds_due_idx ON public.refunds USING btree (tenant_id, next_check_at) WHERE ((status = ANY (ARRAY['requested'::text, 'unknown'::text, 'accepted'::text])) AND (next_check_at IS NOT NULL));
CREATE INDEX refunds_order_idx ON public.refunds USING btree (tenant_id, order_id, id);
CREATE INDEX support_grants_list_idx ON public.support_grants USING btree (created_at, id);
CREATE INDEX support_grants_running_idx ON public.support_grants USING btree (tenant_id, user_id, expires_at) WHERE (ended_at IS NULL);
CREATE INDEX tenants_midtrans_fingerprint_idx ON public.tenants USING btree (midtrans_server_key_fingerprint);
CREATE INDEX tenants_midtrans_merchant_idx ON public.tenants USING btree (midtrans_merchant_id);
CREATE INDEX tenants_plain_key_idx ON public.tenants USING btree (id) WHERE ((midtrans_server_key <> ''::text) AND (midtrans_server_key !~~ 'sealed:%'::text));

-- Foreign keys, and checks that older rows need not pass

alter table identity.accounts add constraint accounts_user_fkey FOREIGN KEY (user_id) REFERENCES identity.users(id);
alter table identity.platform_members add constraint platform_members_user_fkey FOREIGN KEY (user_id) REFERENCES identity.users(id);
alter table identity.sessions add constraint sessions_user_fkey FOREIGN KEY (user_id) REFERENCES identity.users(id);
alter table identity.two_factors add constraint two_factors_user_fkey FOREIGN KEY (user_id) REFERENCES identity.users(id);
alter table public.api_keys add constraint api_keys_rotated_from_fkey FOREIGN KEY (tenant_id, rotated_from) REFERENCES public.api_keys(tenant_id, id);
alter table public.api_keys add constraint api_keys_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.attention_items add constraint attention_items_order_fkey FOREIGN KEY (tenant_id, order_id) REFERENCES public.orders(tenant_id, id);
alter table public.attention_items add constraint attention_items_payment_fkey FOREIGN KEY (tenant_id, payment_id) REFERENCES public.payments(tenant_id, id);
alter table public.attention_items add constraint attention_items_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.customer_totals add constraint customer_totals_customer_fkey FOREIGN KEY (tenant_id, customer_id) REFERENCES public.customers(tenant_id, id);
alter table public.customer_totals add constraint customer_totals_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.customers add constraint customers_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.daily_stats add constraint daily_stats_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.idempotency_keys add constraint idempotency_keys_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.ledger_days add constraint ledger_days_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.ledger_transfers add constraint ledger_transfers_order_fkey FOREIGN KEY (tenant_id, order_id) REFERENCES public.orders(tenant_id, id);
alter table public.ledger_transfers add constraint ledger_transfers_payment_fkey FOREIGN KEY (tenant_id, payment_id) REFERENCES public.payments(tenant_id, id);
alter table public.ledger_transfers add constraint ledger_transfers_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.memberships add constraint memberships_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.notifications add constraint notifications_payment_fkey FOREIGN KEY (tenant_id, payment_id) REFERENCES public.payments(tenant_id, id);
alter table public.notifications add constraint notifications_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.order_actions add constraint order_actions_order_fkey FOREIGN KEY (tenant_id, order_id) REFERENCES public.orders(tenant_id, id);
alter table public.order_actions add constraint order_actions_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.order_events add constraint order_events_order_fkey FOREIGN KEY (tenant_id, order_id) REFERENCES public.orders(tenant_id, id);
alter table public.order_events add constraint order_events_payment_fkey FOREIGN KEY (tenant_id, payment_id) REFERENCES public.payments(tenant_id, id);
alter table public.order_events add constraint order_events_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.orders add constraint orders_customer_fkey FOREIGN KEY (tenant_id, customer_id) REFERENCES public.customers(tenant_id, id);
alter table public.orders add constraint orders_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.outbox add constraint outbox_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.payments add constraint payments_order_fkey FOREIGN KEY (tenant_id, order_id) REFERENCES public.orders(tenant_id, id);
alter table public.payments add constraint payments_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.plans add constraint plans_read_as_fkey FOREIGN KEY (read_as) REFERENCES public.plans(code);
alter table public.reconciliation_differences add constraint reconciliation_differences_order_fkey FOREIGN KEY (tenant_id, order_id) REFERENCES public.orders(tenant_id, id);
alter table public.reconciliation_differences add constraint reconciliation_differences_payment_fkey FOREIGN KEY (tenant_id, payment_id) REFERENCES public.payments(tenant_id, id);
alter table public.reconciliation_differences add constraint reconciliation_differences_reconciliation_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES public.reconciliations(tenant_id, id);
alter table public.reconciliation_differences add constraint reconciliation_differences_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.reconciliation_questions add constraint reconciliation_questions_payment_fkey FOREIGN KEY (tenant_id, payment_id) REFERENCES public.payments(tenant_id, id);
alter table public.reconciliation_questions add constraint reconciliation_questions_reconciliation_fkey FOREIGN KEY (tenant_id, run_id) REFERENCES public.reconciliations(tenant_id, id);
alter table public.reconciliation_questions add constraint reconciliation_questions_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.reconciliations add constraint reconciliations_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.refunds add constraint refunds_order_fkey FOREIGN KEY (tenant_id, order_id) REFERENCES public.orders(tenant_id, id);
alter table public.refunds add constraint refunds_payment_fkey FOREIGN KEY (tenant_id, payment_id) REFERENCES public.payments(tenant_id, id);
alter table public.refunds add constraint refunds_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.support_grants add constraint support_grants_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);
alter table public.tenants add constraint tenants_plan_fkey FOREIGN KEY (plan) REFERENCES public.plans(code);
alter table public.usage_counters add constraint usage_counters_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

-- Triggers

CREATE TRIGGER tenants_announce AFTER INSERT OR DELETE OR UPDATE ON public.tenants FOR EACH ROW EXECUTE FUNCTION app.announce_tenant_change();

-- Row-level security

alter table identity.accounts enable row level security;
alter table identity.platform_members enable row level security;
alter table identity.sessions enable row level security;
alter table identity.two_factors enable row level security;
alter table identity.users enable row level security;
alter table identity.verifications enable row level security;
alter table public.api_keys enable row level security;
alter table public.api_keys force row level security;
alter table public.attention_items enable row level security;
alter table public.attention_items force row level security;
alter table public.audit_entries enable row level security;
alter table public.audit_entries force row level security;
alter table public.audit_heads enable row level security;
alter table public.audit_heads force row level security;
alter table public.customer_totals enable row level security;
alter table public.customer_totals force row level security;
alter table public.customers enable row level security;
alter table public.customers force row level security;
alter table public.daily_stats enable row level security;
alter table public.daily_stats force row level security;
alter table public.data_keys enable row level security;
alter table public.data_keys force row level security;
alter table public.idempotency_keys enable row level security;
alter table public.idempotency_keys force row level security;
alter table public.invitations enable row level security;
alter table public.invitations force row level security;
alter table public.key_rotations enable row level security;
alter table public.key_rotations force row level security;
alter table public.ledger_days enable row level security;
alter table public.ledger_days force row level security;
alter table public.ledger_transfers enable row level security;
alter table public.ledger_transfers force row level security;
alter table public.memberships enable row level security;
alter table public.memberships force row level security;
alter table public.notifications enable row level security;
alter table public.notifications force row level security;
alter table public.order_actions enable row level security;
alter table public.order_actions force row level security;
alter table public.order_events enable row level security;
alter table public.order_events force row level security;
alter table public.orders enable row level security;
alter table public.orders force row level security;
alter table public.outbox enable row level security;
alter table public.outbox force row level security;
alter table public.payments enable row level security;
alter table public.payments force row level security;
alter table public.plans enable row level security;
alter table public.platform_outbox enable row level security;
alter table public.platform_secrets enable row level security;
alter table public.platform_secrets force row level security;
alter table public.rate_limits enable row level security;
alter table public.reconciliation_differences enable row level security;
alter table public.reconciliation_differences force row level security;
alter table public.reconciliation_questions enable row level security;
alter table public.reconciliation_questions force row level security;
alter table public.reconciliations enable row level security;
alter table public.reconciliations force row level security;
alter table public.refunds enable row level security;
alter table public.refunds force row level security;
alter table public.support_grants enable row level security;
alter table public.support_grants force row level security;
alter table public.tenants enable row level security;
alter table public.usage_counters enable row level security;
alter table public.usage_counters force row level security;

-- Policies

create policy accounts_platform on identity.accounts to kassa_platform
  using (true)
  with check (true);

create policy platform_members_platform on identity.platform_members to kassa_platform
  using (true)
  with check (true);

create policy sessions_platform on identity.sessions to kassa_platform
  using (true)
  with check (true);

create policy two_factors_platform on identity.two_factors to kassa_platform
  using (true)
  with check (true);

create policy users_platform on identity.users to kassa_platform
  using (true)
  with check (true);

create policy verifications_platform on identity.verifications to kassa_platform
  using (true)
  with check (true);

create policy api_keys_platform on public.api_keys to kassa_platform
  using (true)
  with check (true);

create policy api_keys_tenant on public.api_keys to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy attention_items_tenant on public.attention_items to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy audit_entries_platform on public.audit_entries to kassa_platform
  using (true)
  with check (true);

create policy audit_entries_tenant on public.audit_entries to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy audit_heads_platform on public.audit_heads to kassa_platform
  using (true)
  with check (true);

create policy audit_heads_tenant on public.audit_heads to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy customer_totals_tenant on public.customer_totals to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy customers_tenant on public.customers to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy daily_stats_tenant on public.daily_stats to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy data_keys_platform on public.data_keys to kassa_platform
  using (true)
  with check (true);

create policy data_keys_tenant on public.data_keys to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy idempotency_keys_tenant on public.idempotency_keys to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy invitations_platform on public.invitations to kassa_platform
  using (true)
  with check (true);

create policy invitations_tenant on public.invitations to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy key_rotations_platform on public.key_rotations to kassa_platform
  using (true)
  with check (true);

create policy ledger_days_tenant on public.ledger_days to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy ledger_transfers_tenant on public.ledger_transfers to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy memberships_platform on public.memberships to kassa_platform
  using (true)
  with check (true);

create policy memberships_tenant on public.memberships to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy notifications_tenant on public.notifications to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy order_actions_tenant on public.order_actions to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy order_events_tenant on public.order_events to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy orders_tenant on public.orders to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy outbox_relay on public.outbox to kassa_worker
  using (true)
  with check (true);

create policy outbox_tenant on public.outbox to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy payments_tenant on public.payments to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy plans_platform on public.plans to kassa_platform
  using (true)
  with check (true);

create policy platform_outbox_platform on public.platform_outbox to kassa_platform
  using (true)
  with check (true);

create policy platform_outbox_relay on public.platform_outbox to kassa_worker
  using (true)
  with check (true);

create policy platform_secrets_platform on public.platform_secrets to kassa_platform
  using (true)
  with check (true);

create policy rate_limits_platform on public.rate_limits to kassa_platform
  using (true)
  with check (true);

create policy reconciliation_differences_tenant on public.reconciliation_differences to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy reconciliation_questions_tenant on public.reconciliation_questions to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy reconciliations_tenant on public.reconciliations to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy refunds_tenant on public.refunds to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy support_grants_platform on public.support_grants to kassa_platform
  using (true)
  with check (true);

create policy support_grants_tenant on public.support_grants to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

create policy tenants_platform on public.tenants to kassa_platform
  using (true)
  with check (true);

create policy usage_counters_tenant on public.usage_counters to kassa_app
  using ((tenant_id = app.current_tenant()))
  with check ((tenant_id = app.current_tenant()));

-- Grants

grant usage on schema app to kassa_app;
grant usage on schema app to kassa_platform;
grant usage on schema app to kassa_worker;
grant usage on schema identity to kassa_platform;
grant usage on schema public to kassa_app;
grant usage on schema public to kassa_platform;
grant usage on schema public to kassa_worker;
revoke all on function app.set_tenant(uuid) from public;
grant execute on function app.set_tenant(uuid) to kassa_app;
grant insert, select, update on table identity.accounts to kassa_platform;
grant delete, insert, select, update on table identity.platform_members to kassa_platform;
grant delete, insert, select, update on table identity.sessions to kassa_platform;
grant delete, insert, select, update on table identity.two_factors to kassa_platform;
grant insert, select, update on table identity.users to kassa_platform;
grant delete, insert, select, update on table identity.verifications to kassa_platform;
grant insert, select, update on table public.api_keys to kassa_platform;
grant insert, select, update on table public.attention_items to kassa_app;
grant insert, select on table public.audit_entries to kassa_app;
grant insert, select on table public.audit_entries to kassa_platform;
grant insert, select, update on table public.audit_heads to kassa_app;
grant insert, select, update on table public.audit_heads to kassa_platform;
grant insert, select, update on table public.customer_totals to kassa_app;
grant insert, select, update on table public.customers to kassa_app;
grant insert, select, update on table public.daily_stats to kassa_app;
grant delete, insert, select, update on table public.data_keys to kassa_platform;
grant delete, insert, select, update on table public.idempotency_keys to kassa_app;
grant insert, select, update on table public.invitations to kassa_platform;
grant insert, select, update on table public.key_rotations to kassa_platform;
grant insert, select, update on table public.ledger_days to kassa_app;
grant insert, select on table public.ledger_transfers to kassa_app;
grant delete, insert, select, update on table public.memberships to kassa_platform;
grant insert, select, update on table public.notifications to kassa_app;
grant insert, select, update on table public.order_actions to kassa_app;
grant insert, select on table public.order_events to kassa_app;
grant insert, select, update on table public.orders to kassa_app;
grant insert, select on table public.outbox to kassa_app;
grant delete, select on table public.outbox to kassa_worker;
grant insert, select, update on table public.payments to kassa_app;
grant select on table public.plans to kassa_platform;
grant insert on table public.platform_outbox to kassa_platform;
grant delete, select on table public.platform_outbox to kassa_worker;
grant insert, select, update on table public.platform_secrets to kassa_platform;
grant delete, insert, select, update on table public.rate_limits to kassa_platform;
grant insert, select, update on table public.reconciliation_differences to kassa_app;
grant delete, insert, select, update on table public.reconciliation_questions to kassa_app;
grant insert, select, update on table public.reconciliations to kassa_app;
grant insert, select, update on table public.refunds to kassa_app;
grant insert, select, update on table public.support_grants to kassa_platform;
grant insert, select, update on table public.tenants to kassa_platform;
grant insert, select, update on table public.usage_counters to kassa_app;

reset check_function_bodies;
