import type { MigrationBuilder } from 'node-pg-migrate';

/** Money going back: one row here is at most one refund at the provider. */
export function up(pgm: MigrationBuilder) {
  pgm.sql(`create table refunds (
    tenant_id      uuid        not null constraint refunds_tenant_fkey references tenants (id),
    id             uuid        not null default gen_random_uuid(),
    order_id       uuid        not null,
    payment_id     uuid        not null,
    source         text        not null,          -- who asked for it: the merchant by us, or there
    status         text        not null,
    amount         bigint      not null,          -- minor units
    currency       text        not null,
    reason         text,
    provider_key   text        not null,          -- what the provider knows it by
    provider_calls integer     not null default 0,
    detail         text,                          -- the provider's words, when it is refused
    lease_id       uuid,                          -- who may say how the running call ended
    lease_until    timestamptz,
    accepted_at    timestamptz,
    confirmed_at   timestamptz,                   -- when we learned that the bank did it
    created_at     timestamptz not null default now(),
    updated_at     timestamptz not null default now(),
    constraint refunds_pkey primary key (tenant_id, id),
    constraint refunds_provider_key_key unique (tenant_id, payment_id, provider_key),
    constraint refunds_order_fkey foreign key (tenant_id, order_id)
      references orders (tenant_id, id),
    constraint refunds_payment_fkey foreign key (tenant_id, payment_id)
      references payments (tenant_id, id),
    constraint refunds_source_known check (source in ('merchant', 'provider')),
    constraint refunds_status_known check (status in
      ('requested', 'unknown', 'accepted', 'confirmed', 'refused')),
    constraint refunds_amount_positive check (amount > 0),
    constraint refunds_lease_whole check ((lease_id is null) = (lease_until is null)),
    constraint refunds_lease_with_doubt
      check (lease_id is null or status in ('requested', 'unknown'))
  )`);
  pgm.sql(`create index refunds_order_idx on refunds (tenant_id, order_id, id)`);

  pgm.sql(`alter table refunds enable row level security`);
  pgm.sql(`alter table refunds force row level security`);
  pgm.sql(`create policy refunds_tenant on refunds to kassa_app
    using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant())`);
  pgm.sql(`grant select, insert, update on refunds to kassa_app`);
}
