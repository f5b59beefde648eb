import type { MigrationBuilder } from 'node-pg-migrate';

/** Figures that must cost the same at a hundred orders and at ten million. */
export function up(pgm: MigrationBuilder) {
  // A row counts the orders that were CREATED on that day and have that status NOW: an order that
  // changes leaves one row for another, so every figure can be recomputed from orders alone.
  pgm.sql(`create table daily_stats (
    tenant_id       uuid   not null constraint daily_stats_tenant_fkey references tenants (id),
    day             date   not null,          -- in the tenant's time zone
    currency        text   not null,
    status          text   not null,
    orders          bigint not null default 0,
    amount          bigint not null default 0, -- minor units
    refunded_amount bigint not null default 0,
    constraint daily_stats_pkey primary key (tenant_id, day, currency, status)
  )`);

  pgm.sql(`create table usage_counters (
    tenant_id uuid    not null constraint usage_counters_tenant_fkey references tenants (id),
    metric    text    not null,
    period    text    not null,               -- 'YYYY-MM' in the tenant's time zone
    used      integer not null default 0,
    constraint usage_counters_pkey primary key (tenant_id, metric, period),
    constraint usage_counters_not_negative check (used >= 0)
  )`);

  for (const table of ['daily_stats', 'usage_counters']) {
    pgm.sql(`alter table ${table} enable row level security`);
    pgm.sql(`alter table ${table} force row level security`);
    pgm.sql(`create policy ${table}_tenant on ${table} to kassa_app
      using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant())`);
    pgm.sql(`grant select, insert, update on ${table} to kassa_app`);
  }
}
