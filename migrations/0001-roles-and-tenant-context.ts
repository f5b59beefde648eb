import type { MigrationBuilder } from 'node-pg-migrate';

/**
 * The three logins and the tenant context that every policy reads.
 *
 * Roles belong to the whole server, so each is made only when it is missing; a password is set by
 * whoever runs the server (`alter role … password …`), never by a migration.
 */
export function up(pgm: MigrationBuilder) {
  for (const role of ['kassa_app', 'kassa_platform', 'kassa_worker']) {
    // Two databases of one server may be migrated at the same time: the loser of that race finds
    // the role made, under one of two error codes.
    pgm.sql(`do $$ begin
      if not exists (select from pg_roles where rolname = '${role}') then
        create role ${role} login nosuperuser nocreatedb nocreaterole nobypassrls noinherit;
      end if;
    exception when duplicate_object or unique_violation then null;
    end $$`);
  }
  pgm.sql(`do $$ begin
    execute format('grant connect on database %I to kassa_app, kassa_platform, kassa_worker', current_database());
    -- The queue (pg-boss) installs and upgrades its own schema, as the worker.
    execute format('grant create on database %I to kassa_worker', current_database());
  end $$`);

  pgm.sql(`create schema app`);
  pgm.sql(`grant usage on schema app to kassa_app, kassa_platform, kassa_worker`);
  pgm.sql(`grant usage on schema public to kassa_app, kassa_platform, kassa_worker`);

  // STABLE, never IMMUTABLE: a cached plan would keep another tenant's value. The setting is NULL
  // before its first use in a session and '' after a transaction that set it.
  pgm.sql(`create function app.current_tenant() returns uuid
    language sql stable parallel safe
    as $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$`);

  // SET LOCAL by dynamic SQL, because that is the one form with a parameter that Citus carries to
  // its workers; the first line asks it to, and is an inert placeholder on plain PostgreSQL.
  pgm.sql(`create function app.set_tenant(tenant uuid) returns void
    language plpgsql volatile
    as $$
    begin
      if tenant is null then
        raise exception 'a tenant is required' using errcode = '28000';
      end if;
      if app.current_tenant() is not null and app.current_tenant() <> tenant then
        raise exception 'this transaction belongs to another tenant' using errcode = '28000';
      end if;
      perform pg_catalog.set_config('citus.propagate_set_commands', 'local', true);
      execute pg_catalog.format('set local app.tenant_id = %L', tenant);
    end $$`);
  pgm.sql(`revoke execute on function app.set_tenant(uuid) from public`);
  pgm.sql(`grant execute on function app.set_tenant(uuid) to kassa_app`);
}
