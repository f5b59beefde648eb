import type { MigrationBuilder } from 'node-pg-migrate';

/** Double entry as transfers: one row names both sides, and is never changed. */
export function up(pgm: MigrationBuilder) {
  pgm.sql(`alter table payments add column captured_amount bigint not null default 0`);
  pgm.sql(`alter table payments add column lost_amount bigint not null default 0`);
  pgm.sql(`alter table payments add constraint payments_captured_within_amount check
    (captured_amount between 0 and amount)`);
  pgm.sql(`alter table payments add constraint payments_lost_not_negative check
    (lost_amount >= 0)`);
  pgm.sql(`alter table payments add constraint payments_outgo_within_captured check
    (refunded_amount + lost_amount <= captured_amount)`);

  pgm.sql(`create table ledger_transfers (
    tenant_id      uuid        not null constraint ledger_transfers_tenant_fkey references tenants (id),
    id             uuid        not null default gen_random_uuid(),
    kind           text        not null,
    debit_account  text        not null,
    credit_account text        not null,
    amount         bigint      not null,      -- minor units
    currency       text        not null,
    order_id       uuid        not null,
    payment_id     uuid        not null,
    day            date        not null,      -- in the tenant's time zone
    created_at     timestamptz not null default now(),
    constraint ledger_transfers_pkey primary key (tenant_id, id),
    constraint ledger_transfers_order_fkey foreign key (tenant_id, order_id)
      references orders (tenant_id, id),
    constraint ledger_transfers_payment_fkey foreign key (tenant_id, payment_id)
      references payments (tenant_id, id),
    constraint ledger_transfers_amount_positive check (amount > 0),
    constraint ledger_transfers_two_sides check (debit_account <> credit_account),
    constraint ledger_transfers_kind_known check (kind in ('payment', 'refund', 'loss')),
    constraint ledger_transfers_debit_known check
      (debit_account in ('provider_balance', 'sales', 'refunds', 'losses')),
    constraint ledger_transfers_credit_known check
      (credit_account in ('provider_balance', 'sales', 'refunds', 'losses'))
  )`);
  pgm.sql(`create index ledger_transfers_payment_idx on ledger_transfers (tenant_id, payment_id)`);
  pgm.sql(`create index ledger_transfers_day_idx on ledger_transfers (tenant_id, day, id)`);

  // What an account took and gave on a day, so that a balance costs a row per day, not per transfer.
  pgm.sql(`create table ledger_days (
    tenant_id uuid   not null constraint ledger_days_tenant_fkey references tenants (id),
    day       date   not null,
    account   text   not null,
    currency  text   not null,
    debits    bigint not null default 0,
    credits   bigint not null default 0,
    constraint ledger_days_pkey primary key (tenant_id, day, account, currency)
  )`);

  for (const table of ['ledger_transfers', 'ledger_days']) {
    pgm.sql(`alter table ${table} enable row level security`);
    pgm.sql(`alter table ${table} force row level security`);
    pgm.sql(`create policy ${table}_tenant on ${table} to kassa_app
      using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant())`);
  }
  // No update and no delete: a mistake is mended by another transfer.
  pgm.sql(`grant select, insert on ledger_transfers to kassa_app`);
  pgm.sql(`grant select, insert, update on ledger_days to kassa_app`);
}
