import type { MigrationBuilder } from 'node-pg-migrate';

/**
 * What a key may do, how long it lives and what took its place; and from which pages a merchant's
 * shoppers come. A plain insert of tenant, prefix and hash stays a secret key that may do all that
 * a key may.
 */
export function up(pgm: MigrationBuilder) {
  // For the foreign key: the owner must see the rows that it checks. The table is locked until the
  // commit, so nobody else is let through.
  pgm.sql(`alter table api_keys no force row level security`);
  pgm.sql(`alter table api_keys
    add column kind         text not null default 'secret',
    add column name         text not null default 'API key',
    add column scopes       text[],           -- null: all that its kind may have
    add column expires_at   timestamptz,
    add column last_used_at timestamptz,      -- to the minute
    add column created_by   text,             -- words that a person knows the maker by
    add column rotated_from uuid              -- the key whose place it took`);
  pgm.sql(`alter table api_keys add constraint api_keys_kind_known check
    (kind in ('secret', 'publishable'))`);
  pgm.sql(
    `alter table api_keys add constraint api_keys_scopes_some check (cardinality(scopes) > 0)`,
  );
  // A key is rotated once: a second request finds the first one's key.
  pgm.sql(`alter table api_keys add constraint api_keys_rotated_from_key
    unique (tenant_id, rotated_from)`);
  pgm.sql(`alter table api_keys add constraint api_keys_rotated_from_fkey
    foreign key (tenant_id, rotated_from) references api_keys (tenant_id, id)`);
  pgm.sql(`alter table api_keys force row level security`);

  pgm.sql(`alter table tenants
    add column allowed_origins     text[]  not null default '{}',  -- 'https://shop.example'
    add column create_requires_key boolean not null default false`);
  pgm.sql(`alter table tenants add constraint tenants_allowed_origins_count check
    (cardinality(allowed_origins) <= 20)`);
  // Every request with a key asks whether another tenant has the same account at Midtrans: with an
  // index on each half of that question nobody reads all tenants for it.
  pgm.sql(`create index tenants_midtrans_merchant_idx on tenants (midtrans_merchant_id)`);
}
