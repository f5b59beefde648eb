import type { MigrationBuilder } from 'node-pg-migrate';

/**
 * Keys of the secrets that stand in these tables. Each key here is wrapped by a master key that no
 * database holds: without that one, rows of this schema open nothing.
 */
export function up(pgm: MigrationBuilder) {
  // No foreign key to `tenants`: the nil UUID stands for the platform's own secrets.
  pgm.sql(`create table data_keys (
    tenant_id  uuid        not null,
    version    integer     not null,
    kek_id     text        not null,          -- the master key that wraps it
    wrapped    bytea       not null,
    seals      bigint      not null default 0, -- encryptions made with it, which are limited
    created_at timestamptz not null default now(),
    retired_at timestamptz,                   -- opens what it sealed, and seals nothing more
    constraint data_keys_pkey primary key (tenant_id, version),
    constraint data_keys_version_positive check (version > 0),
    constraint data_keys_kek_id_form check (kek_id ~ '^[A-Za-z0-9_-]{1,32}$'),
    constraint data_keys_wrapped_length check (octet_length(wrapped) between 32 and 4096)
  )`);
  pgm.sql(`alter table data_keys enable row level security`);
  pgm.sql(`alter table data_keys force row level security`);
  pgm.sql(`create policy data_keys_tenant on data_keys to kassa_app
    using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant())`);
  pgm.sql(
    `create policy data_keys_platform on data_keys to kassa_platform using (true) with check (true)`,
  );
  pgm.sql(`grant select, insert, update, delete on data_keys to kassa_platform`);

  // A rotation of data keys that has begun: whoever comes after a crash goes on with it.
  pgm.sql(`create table key_rotations (
    id          uuid        not null default gen_random_uuid(),
    started_at  timestamptz not null default now(),
    finished_at timestamptz,
    constraint key_rotations_pkey primary key (id)
  )`);
  pgm.sql(`create unique index key_rotations_one_open on key_rotations ((true))
    where finished_at is null`);

  pgm.sql(`create table platform_secrets (
    name  text not null,
    value text not null,
    constraint platform_secrets_pkey primary key (name)
  )`);
  for (const table of ['key_rotations', 'platform_secrets']) {
    pgm.sql(`alter table ${table} enable row level security`);
    pgm.sql(`alter table ${table} force row level security`);
    pgm.sql(`create policy ${table}_platform on ${table} to kassa_platform
      using (true) with check (true)`);
    pgm.sql(`grant select, insert, update on ${table} to kassa_platform`);
  }

  // What can be told of a sealed key without opening it: that two are the same, and for people and
  // the money checker how it ends. Both are set by whoever seals, and mean nothing beside a plain key.
  pgm.sql(`alter table tenants add column midtrans_server_key_fingerprint bytea`);
  pgm.sql(`alter table tenants add column midtrans_server_key_end text`);
  pgm.sql(`alter table tenants add constraint tenants_sealed_key_has_fingerprint
    check (midtrans_server_key not like 'sealed:%'
           or (midtrans_server_key_fingerprint is not null
               and octet_length(midtrans_server_key_fingerprint) = 32))`);
  pgm.sql(`create index tenants_midtrans_fingerprint_idx
    on tenants (midtrans_server_key_fingerprint)`);
  // Sealed, no two keys are the same text.
  pgm.sql(`drop index tenants_midtrans_key_idx`);
  // Nearly always empty: what waits to be sealed.
  pgm.sql(`create index tenants_plain_key_idx on tenants (id)
    where midtrans_server_key <> '' and midtrans_server_key not like 'sealed:%'`);
}
