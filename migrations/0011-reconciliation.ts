import type { MigrationBuilder } from 'node-pg-migrate';

/** Our books held against the provider's: the runs, what they found, and what they could not ask. */
export function up(pgm: MigrationBuilder) {
  pgm.sql(`alter table order_events drop constraint order_events_source_known`);
  pgm.sql(`alter table order_events add constraint order_events_source_known check (source in
    ('api', 'notification', 'check', 'reconciliation'))`);
  pgm.sql(`create index payments_created_idx on payments (tenant_id, created_at, id)`);

  pgm.sql(`create table reconciliations (
    tenant_id   uuid        not null constraint reconciliations_tenant_fkey references tenants (id),
    id          uuid        not null default gen_random_uuid(),
    trigger     text        not null,
    status      text        not null,
    from_day    date        not null,         -- first and last day of the window, as the tenant
    to_day      date        not null,         -- counts them in its time zone
    time_zone   text        not null,
    checked     integer     not null default 0, -- payments whose question was answered
    unanswered  integer     not null default 0, -- payments whose question was not
    cursor      uuid,                         -- the window is asked about up to this payment
    is_listed   boolean     not null default false, -- up to its end; open questions may be left
    batch       integer     not null default 0, -- the next one; each has a job of its own
    version     integer     not null default 0, -- changes with every write, and fences late ones
    silences    integer     not null default 0, -- times in a row that nothing could be settled
    started_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    finished_at timestamptz,
    constraint reconciliations_pkey primary key (tenant_id, id),
    constraint reconciliations_trigger_known check (trigger in ('merchant', 'operator', 'nightly')),
    constraint reconciliations_status_known check (status in
      ('done', 'incomplete', 'failed', 'running')),
    constraint reconciliations_window_in_order check (from_day <= to_day),
    constraint reconciliations_end_has_time check
      ((status in ('done', 'incomplete', 'failed')) = (finished_at is not null))
  )`);
  // Two at once would ask everything twice.
  pgm.sql(`create unique index reconciliations_running_key on reconciliations (tenant_id)
    where finished_at is null`);
  // However many workers there are, a night has one.
  pgm.sql(`create unique index reconciliations_nightly_key on reconciliations (tenant_id, to_day)
    where trigger = 'nightly'`);

  pgm.sql(`create table reconciliation_differences (
    tenant_id   uuid        not null
      constraint reconciliation_differences_tenant_fkey references tenants (id),
    id          uuid        not null default gen_random_uuid(),
    run_id      uuid        not null,
    order_id    uuid        not null,
    payment_id  uuid        not null,
    what        text        not null,
    subject     text        not null default '', -- which refund, by the provider's key
    ours        text        not null,   -- amounts in minor units of the order's currency
    theirs      text        not null,
    resolution  text        not null,
    resolved_by       text,                   -- reconciliation, notification, check, …, or a person
    note              text,                   -- a person's
    resolved_at       timestamptz,
    created_at  timestamptz not null default now(),
    constraint reconciliation_differences_pkey primary key (tenant_id, id),
    constraint reconciliation_differences_once
      unique (tenant_id, run_id, payment_id, what, subject),
    constraint reconciliation_differences_reconciliation_fkey
      foreign key (tenant_id, run_id) references reconciliations (tenant_id, id),
    constraint reconciliation_differences_order_fkey foreign key (tenant_id, order_id)
      references orders (tenant_id, id),
    constraint reconciliation_differences_payment_fkey foreign key (tenant_id, payment_id)
      references payments (tenant_id, id),
    constraint reconciliation_differences_what_known check (what in
      ('missing', 'currency', 'amount', 'status', 'captured', 'refunded', 'refund', 'paid-twice')),
    constraint reconciliation_differences_resolution_known check (resolution in
      ('open', 'repaired', 'resolved')),
    constraint reconciliation_differences_resolution_whole check
      ((resolution = 'open') = (resolved_at is null)
       and (resolved_at is null) = (resolved_by is null))
  )`);
  pgm.sql(`create index reconciliation_differences_run_idx
    on reconciliation_differences (tenant_id, run_id, id)`);
  pgm.sql(`create index reconciliation_differences_open_idx
    on reconciliation_differences (tenant_id, payment_id) where resolution = 'open'`);

  pgm.sql(`create table reconciliation_questions (
    tenant_id   uuid        not null
      constraint reconciliation_questions_tenant_fkey references tenants (id),
    run_id      uuid        not null,
    payment_id  uuid        not null,
    reason      text        not null,   -- why it has to be asked again
    tries       integer     not null default 1,
    created_at  timestamptz not null default now(),
    constraint reconciliation_questions_pkey
      primary key (tenant_id, run_id, payment_id),
    constraint reconciliation_questions_reconciliation_fkey
      foreign key (tenant_id, run_id) references reconciliations (tenant_id, id),
    constraint reconciliation_questions_payment_fkey foreign key (tenant_id, payment_id)
      references payments (tenant_id, id)
  )`);

  const tables = ['reconciliations', 'reconciliation_differences', 'reconciliation_questions'];
  for (const table of tables) {
    pgm.sql(`alter table ${table} enable row level security`);
    pgm.sql(`alter table ${table} force row level security`);
    pgm.sql(`create policy ${table}_tenant on ${table} to kassa_app
      using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant())`);
  }
  pgm.sql(`grant select, insert, update on reconciliations to kassa_app`);
  pgm.sql(`grant select, insert, update on reconciliation_differences to kassa_app`);
  // Deleted once it is answered: what is left at a run's end is what was never answered.
  pgm.sql(`grant select, insert, update, delete on reconciliation_questions to kassa_app`);
}
