import type { MigrationBuilder } from 'node-pg-migrate';

/** The two edges of a transaction: what providers told us, and what must still happen because. */
export function up(pgm: MigrationBuilder) {
  pgm.sql(`create table notifications (
    tenant_id    uuid        not null constraint notifications_tenant_fkey references tenants (id),
    id           uuid        not null default gen_random_uuid(),
    provider     text        not null,
    dedupe_key   text        not null,        -- equal for two copies of one message
    reference    text        not null,        -- the order id that the provider wrote
    payment_id   uuid,
    body         text        not null,        -- as received
    copies       integer     not null default 1,
    status       text        not null default 'received',
    detail       text,
    received_at  timestamptz not null default now(),
    processed_at timestamptz,
    constraint notifications_pkey primary key (tenant_id, id),
    constraint notifications_dedupe_key unique (tenant_id, provider, dedupe_key),
    constraint notifications_payment_fkey foreign key (tenant_id, payment_id)
      references payments (tenant_id, id),
    constraint notifications_status_known check (status in
      ('received', 'processed', 'unmatched', 'rejected'))
  )`);
  pgm.sql(`create index notifications_reference_idx on notifications (tenant_id, reference)`);

  pgm.sql(`create table outbox (
    tenant_id  uuid        not null constraint outbox_tenant_fkey references tenants (id),
    id         uuid        not null default gen_random_uuid(),
    topic      text        not null,
    payload    jsonb       not null,          -- ids only
    created_at timestamptz not null default now(),
    constraint outbox_pkey primary key (tenant_id, id)
  )`);

  for (const table of ['notifications', 'outbox']) {
    pgm.sql(`alter table ${table} enable row level security`);
    pgm.sql(`alter table ${table} force row level security`);
    pgm.sql(`create policy ${table}_tenant on ${table} to kassa_app
      using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant())`);
  }
  // The relay moves rows of all tenants into the queue; it can read and delete here, nothing else.
  pgm.sql(`create policy outbox_relay on outbox to kassa_worker using (true) with check (true)`);
  pgm.sql(`grant select, insert, update on notifications to kassa_app`);
  pgm.sql(`grant select, insert on outbox to kassa_app`);
  pgm.sql(`grant select, delete on outbox to kassa_worker`);
}
