import type { MigrationBuilder } from 'node-pg-migrate';

/** What nobody knows the outcome of is asked for until it is known, and a person is told in time. */
export function up(pgm: MigrationBuilder) {
  // The defaults are for refunds that are there already, and for a server of the last version: it
  // inserts rows that the checks below want to be followed.
  pgm.sql(`alter table refunds add column next_check_at timestamptz
    default now() + interval '1 minute'`);
  pgm.sql(`alter table refunds add column alarmed_at timestamptz`); // when a person was told
  // Until when an earlier call may have been executed; null: no call has ended without an answer.
  pgm.sql(`alter table refunds add column unclear_at timestamptz default now()`);
  pgm.sql(`alter table refunds alter column unclear_at drop default`);
  pgm.sql(`alter table refunds add constraint refunds_followed check (
    status in ('confirmed', 'refused') or next_check_at is not null
    or (status = 'accepted' and alarmed_at is not null))`);
  pgm.sql(`create index refunds_due_idx on refunds (tenant_id, next_check_at)
    where status in ('requested', 'unknown', 'accepted') and next_check_at is not null`);

  pgm.sql(`create table order_actions (
    tenant_id     uuid        not null constraint order_actions_tenant_fkey references tenants (id),
    id            uuid        not null default gen_random_uuid(),
    order_id      uuid        not null,
    kind          text        not null,   -- void: a cancel of money that is not settled yet
    payment_ids   uuid[]      not null,   -- what the first run chose; never changes
    reason        text,
    status        text        not null,
    detail        text,                   -- why it was refused
    lease_id      uuid,                   -- who may say how the running call ended
    lease_until   timestamptz,
    unclear_at    timestamptz,            -- until when an earlier call may have been executed
    next_check_at timestamptz,
    alarmed_at    timestamptz,            -- when a person was told that nobody knows
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    constraint order_actions_pkey primary key (tenant_id, id),
    constraint order_actions_order_fkey foreign key (tenant_id, order_id)
      references orders (tenant_id, id),
    constraint order_actions_kind_known check (kind in ('cancel', 'void', 'capture')),
    constraint order_actions_status_known check (status in ('requested', 'done', 'refused')),
    constraint order_actions_lease_whole check ((lease_id is null) = (lease_until is null)),
    constraint order_actions_lease_with_doubt check (lease_id is null or status = 'requested'),
    constraint order_actions_followed
      check ((status = 'requested') = (next_check_at is not null))
  )`);
  // One at a time: the outcome of one decides whether the next makes sense.
  pgm.sql(`create unique index order_actions_open_key on order_actions (tenant_id, order_id)
    where status = 'requested'`);
  pgm.sql(`create index order_actions_due_idx on order_actions (tenant_id, next_check_at)
    where next_check_at is not null`);

  pgm.sql(`alter table order_actions enable row level security`);
  pgm.sql(`alter table order_actions force row level security`);
  pgm.sql(`create policy order_actions_tenant on order_actions to kassa_app
    using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant())`);
  pgm.sql(`grant select, insert, update on order_actions to kassa_app`);
}
