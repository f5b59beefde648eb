import type { MigrationBuilder } from 'node-pg-migrate';

/** What a tenant sells, to whom, how it is being paid, and everything that ever happened to it. */
export function up(pgm: MigrationBuilder) {
  pgm.sql(`create table customers (
    tenant_id    uuid        not null constraint customers_tenant_fkey references tenants (id),
    id           uuid        not null default gen_random_uuid(),
    email        text        not null,        -- lower case
    name         text        not null,
    phone        text,                        -- as given
    created_at   timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    constraint customers_pkey primary key (tenant_id, id),
    constraint customers_email_key unique (tenant_id, email),
    constraint customers_email_lower check (email = lower(email))
  )`);

  pgm.sql(`create table orders (
    tenant_id        uuid        not null constraint orders_tenant_fkey references tenants (id),
    id               uuid        not null default gen_random_uuid(),
    order_id         text        not null,    -- the merchant's own name for it
    customer_id      uuid        not null,
    status           text        not null default 'pending',
    amount           bigint      not null,    -- minor units
    refunded_amount  bigint      not null default 0,
    currency         text        not null,
    customer_name    text        not null,    -- as given with this order
    payment_method   text,                    -- as asked for; null: the shopper chooses
    content_hash     bytea       not null,    -- what the storefront sent, for telling a retry
    business_day     date        not null,    -- of creation, in the tenant's time zone
    quota_period     text,                    -- 'YYYY-MM' whose quota it holds; null: given back
    attention_reason text,                    -- set: a person has to look
    paid_at          timestamptz,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    constraint orders_pkey primary key (tenant_id, id),
    constraint orders_order_id_key unique (tenant_id, order_id),
    constraint orders_customer_fkey foreign key (tenant_id, customer_id)
      references customers (tenant_id, id),
    constraint orders_amount_positive check (amount > 0),
    constraint orders_refund_within_amount check (refunded_amount between 0 and amount),
    constraint orders_status_known check (status in
      ('pending', 'paid', 'failed', 'expired', 'cancelled', 'refunded', 'partially_refunded',
       'disputed'))
  )`);
  pgm.sql(`create index orders_created_idx on orders (tenant_id, created_at desc, id desc)`);
  pgm.sql(`create index orders_customer_idx on orders (tenant_id, customer_id)`);

  pgm.sql(`create table payments (
    tenant_id               uuid        not null constraint payments_tenant_fkey references tenants (id),
    id                      uuid        not null default gen_random_uuid(),
    order_id                uuid        not null,
    provider                text        not null,
    provider_reference      text        not null, -- the order id that the provider knows
    provider_transaction_id text,                 -- of the attempt that counts
    status                  text        not null default 'creating',
    amount                  bigint      not null, -- minor units
    refunded_amount         bigint      not null default 0,
    currency                text        not null,
    method                  text,                 -- as the shopper chose, in the provider's words
    token                   text,
    redirect_url            text,
    may_have_page           boolean     not null default false, -- a call ended without an answer
    lease_id                uuid,                 -- who may write the outcome of the running call
    lease_until             timestamptz,
    checks                  integer     not null default 0,
    next_check_at           timestamptz,          -- null: nothing left to ask the provider
    expires_at              timestamptz not null,
    created_at              timestamptz not null default now(),
    updated_at              timestamptz not null default now(),
    constraint payments_pkey primary key (tenant_id, id),
    constraint payments_reference_key unique (tenant_id, provider, provider_reference),
    constraint payments_order_fkey foreign key (tenant_id, order_id) references orders (tenant_id, id),
    constraint payments_provider_known check (provider in ('midtrans', 'stripe')),
    constraint payments_amount_positive check (amount > 0),
    constraint payments_refund_within_amount check (refunded_amount between 0 and amount),
    constraint payments_status_known check (status in
      ('creating', 'unknown', 'pending', 'challenged', 'authorized', 'paid', 'failed', 'expired',
       'cancelled', 'refunded', 'partially_refunded', 'disputed')),
    constraint payments_lease_with_call check ((status = 'creating') = (lease_id is not null))
  )`);
  pgm.sql(`create index payments_order_idx on payments (tenant_id, order_id, created_at desc)`);
  pgm.sql(`create index payments_due_idx on payments (tenant_id, next_check_at)
    where next_check_at is not null`);

  pgm.sql(`create table order_events (
    tenant_id   uuid        not null constraint order_events_tenant_fkey references tenants (id),
    id          uuid        not null default gen_random_uuid(),
    order_id    uuid        not null,
    payment_id  uuid,
    kind        text        not null,
    source      text        not null,
    from_status text,
    to_status   text,
    reference   text,                         -- the provider's transaction
    detail      text,
    request_id  text,
    created_at  timestamptz not null default now(),
    constraint order_events_pkey primary key (tenant_id, id),
    constraint order_events_order_fkey foreign key (tenant_id, order_id)
      references orders (tenant_id, id),
    constraint order_events_payment_fkey foreign key (tenant_id, payment_id)
      references payments (tenant_id, id),
    constraint order_events_source_known check (source in ('api', 'notification', 'check'))
  )`);
  pgm.sql(`create index order_events_order_idx on order_events (tenant_id, order_id, created_at)`);

  for (const table of ['customers', 'orders', 'payments', 'order_events']) {
    pgm.sql(`alter table ${table} enable row level security`);
    // Forced, because a table's owner is otherwise exempt from its policies.
    pgm.sql(`alter table ${table} force row level security`);
    pgm.sql(`create policy ${table}_tenant on ${table} to kassa_app
      using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant())`);
  }
  pgm.sql(`grant select, insert, update on customers to kassa_app`);
  pgm.sql(`grant select, insert, update on orders to kassa_app`);
  pgm.sql(`grant select, insert, update on payments to kassa_app`);
  // History is written once: no update, no delete.
  pgm.sql(`grant select, insert on order_events to kassa_app`);
}
