import type { MigrationBuilder } from 'node-pg-migrate';

/**
 * Who changed money, rights, secrets and settings. Entries are only ever added; each carries the
 * hash of the one before, so that a row which somebody altered or removed behind Kassa's back shows.
 *
 * No foreign key to `tenants`: entries outlive their tenant, and the nil UUID stands for the platform.
 */
export function up(pgm: MigrationBuilder) {
  pgm.sql(`create table audit_entries (
    tenant_id     uuid        not null,
    seq           bigint      not null,
    at            timestamptz not null,       -- in whole milliseconds, as it is hashed
    action        text        not null,
    actor_kind    text        not null,
    actor_id      text,
    actor_label   text        not null,
    subject_kind  text        not null,
    subject_id    text        not null,
    before        text,                       -- JSON, to the letter as it is hashed
    after         text,
    request_id    text        not null,
    address       text,
    previous_hash bytea       not null,
    hash          bytea       not null,
    constraint audit_entries_pkey primary key (tenant_id, seq),
    constraint audit_entries_seq_positive check (seq > 0),
    constraint audit_entries_actor_known check (actor_kind in
      ('user', 'key', 'operator', 'system', 'anonymous')),
    constraint audit_entries_hash_length check
      (octet_length(hash) = 32 and octet_length(previous_hash) = 32)
  )`);

  // Where each chain ends: one row a tenant, which moves on. It is the lock under which the next
  // entry is added, and without it nobody would miss the last entries of a chain.
  pgm.sql(`create table audit_heads (
    tenant_id uuid   not null,
    seq       bigint not null,
    hash      bytea  not null,
    constraint audit_heads_pkey primary key (tenant_id, seq),
    constraint audit_heads_hash_length check (octet_length(hash) = 32)
  )`);

  for (const table of ['audit_entries', 'audit_heads']) {
    pgm.sql(`alter table ${table} enable row level security`);
    pgm.sql(`alter table ${table} force row level security`);
    pgm.sql(`create policy ${table}_tenant on ${table} to kassa_app
      using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant())`);
    // Rights, keys and settings are changed in the control plane's transactions.
    pgm.sql(`create policy ${table}_platform on ${table} to kassa_platform
      using (true) with check (true)`);
  }
  pgm.sql(`grant select, insert on audit_entries to kassa_app, kassa_platform`);
  pgm.sql(`grant select, insert, update on audit_heads to kassa_app, kassa_platform`);
}
