import type { MigrationBuilder } from 'node-pg-migrate';

/** What a client asked for under an `Idempotency-Key`, and what it was answered. */
export function up(pgm: MigrationBuilder) {
  pgm.sql(`create table idempotency_keys (
    tenant_id     uuid        not null constraint idempotency_keys_tenant_fkey references tenants (id),
    route         text        not null,      -- 'POST /payment/create'
    key           text        not null,      -- as the client chose it
    request_hash  bytea       not null,      -- of the request as it was parsed
    resource_id   uuid        not null,      -- of what the work makes: the same each time it is run
    lease_id      uuid,                      -- who runs the work now, and alone may say how it ended
    lease_until   timestamptz,
    answer_status integer,                   -- none while the work is unfinished
    answer_body   text,
    created_at    timestamptz not null default now(),
    expires_at    timestamptz not null,      -- forgotten from then on
    constraint idempotency_keys_pkey primary key (tenant_id, route, key),
    constraint idempotency_keys_lease_whole check ((lease_id is null) = (lease_until is null)),
    constraint idempotency_keys_answer_whole
      check ((answer_status is null) = (answer_body is null)),
    constraint idempotency_keys_answered_free check (answer_status is null or lease_id is null)
  )`);
  pgm.sql(`create index idempotency_keys_expiry_idx on idempotency_keys (tenant_id, expires_at)`);

  pgm.sql(`alter table idempotency_keys enable row level security`);
  pgm.sql(`alter table idempotency_keys force row level security`);
  pgm.sql(`create policy idempotency_keys_tenant on idempotency_keys to kassa_app
    using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant())`);
  // Deleted, unlike everything else of a tenant: an answer may hold what a shopper entered, and is
  // of no use once its key is forgotten.
  pgm.sql(`grant select, insert, update, delete on idempotency_keys to kassa_app`);
}
