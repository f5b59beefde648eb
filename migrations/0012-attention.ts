import type { MigrationBuilder } from 'node-pg-migrate';

/**
 * What a person has to look at, one row per matter, with its history; and a second attempt that
 * paid on the page of the first, which is a payment of its own.
 */
export function up(pgm: MigrationBuilder) {
  pgm.sql(`create table attention_items (
    tenant_id   uuid        not null constraint attention_items_tenant_fkey references tenants (id),
    id          uuid        not null default gen_random_uuid(),
    order_id    uuid        not null,
    payment_id  uuid,                         -- null: from before items named one
    reason      text        not null,
    detail      text        not null,         -- what happened, one line per fact
    created_at  timestamptz not null default now(),
    resolved_at timestamptz,                  -- null: a person has to look
    resolved_by text,                         -- kassa: it settled by itself
    resolution  text,                         -- the merchant's note, or why it settled
    constraint attention_items_pkey primary key (tenant_id, id),
    constraint attention_items_order_fkey foreign key (tenant_id, order_id)
      references orders (tenant_id, id),
    constraint attention_items_payment_fkey foreign key (tenant_id, payment_id)
      references payments (tenant_id, id),
    constraint attention_items_reason_known check (reason in
      ('late-money', 'paid-twice', 'fee-on-top', 'charged-back', 'reversed',
       'refund-refused-by-bank', 'refund-refused', 'refund-stalled', 'change-refused',
       'change-stalled', 'unknown-there', 'amount-differs', 'news-that-cannot-be',
       'fraud-hold')),
    constraint attention_items_resolver_known check (resolved_by in ('merchant', 'kassa')),
    constraint attention_items_resolved_whole check
      ((resolved_at is null) = (resolved_by is null) and (resolved_at is null) = (resolution is null))
  )`);
  pgm.sql(`create unique index attention_items_open_key on attention_items
    (tenant_id, order_id, payment_id, reason) where resolved_at is null`);
  pgm.sql(`create index attention_items_order_idx on attention_items (tenant_id, order_id)`);
  pgm.sql(`create index attention_items_open_idx on attention_items
    (tenant_id, created_at desc, id desc) where resolved_at is null`);
  pgm.sql(`create index attention_items_resolved_idx on attention_items
    (tenant_id, created_at desc, id desc) where resolved_at is not null`);

  // Under FORCE the owner sees no orders. Every lock and both changes end with this transaction.
  pgm.sql(`alter table orders no force row level security`);
  pgm.sql(`insert into attention_items (tenant_id, order_id, reason, detail, created_at)
    select tenant_id, id,
           case when attention_reason like 'Money arrived%' then 'late-money'
                when attention_reason like 'A second attempt%'
                  or attention_reason like 'Two payments%' then 'paid-twice'
                when attention_reason like 'The bank took%' then 'reversed'
                when attention_reason like 'The bank refused refunds%' then 'refund-refused-by-bank'
                when attention_reason like 'Refund %' then 'refund-refused'
                when attention_reason like 'The provider reports%'
                  or attention_reason like '%differs from the order.' then 'amount-differs'
                when attention_reason like 'Fraud screening%' then 'fraud-hold'
                else 'news-that-cannot-be' end,
           attention_reason, updated_at
      from orders where attention_reason is not null`);
  // In one step, since nothing has been released that still reads the column.
  pgm.sql(`alter table orders drop column attention_reason`);
  pgm.sql(`alter table orders force row level security`);

  pgm.sql(`alter table attention_items enable row level security`);
  pgm.sql(`alter table attention_items force row level security`);
  pgm.sql(`create policy attention_items_tenant on attention_items to kassa_app
    using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant())`);
  pgm.sql(`grant select, insert, update on attention_items to kassa_app`);

  // Counted per page; the first is the one that the page was made for.
  pgm.sql(`alter table payments add column attempt integer not null default 1`);
  pgm.sql(`alter table payments drop constraint payments_reference_key`);
  pgm.sql(`alter table payments add constraint payments_attempt_key
    unique (tenant_id, provider, provider_reference, attempt)`);
  pgm.sql(`alter table payments add constraint payments_attempt_positive check (attempt > 0)`);
}
