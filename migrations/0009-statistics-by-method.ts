import type { MigrationBuilder } from 'node-pg-migrate';

/** Statistics by payment method, what each customer has bought, and a history in true order. */
export function up(pgm: MigrationBuilder) {
  // now() is when a transaction began: one that had to wait would be filed before what it waited for.
  pgm.sql(`alter table order_events alter column created_at set default clock_timestamp()`);

  // The owner sees no tenant's rows under FORCE, and has to count them all here. The tables stay
  // locked until the commit, so nobody else is let through.
  const counted = ['customers', 'orders', 'payments', 'daily_stats'];
  for (const table of counted) pgm.sql(`alter table ${table} no force row level security`);

  pgm.sql(`alter table orders add column method text`); // as paid, or else as asked for
  pgm.sql(`update orders o
    set method = coalesce(
      (select p.method from payments p
        where p.tenant_id = o.tenant_id and p.order_id = o.id and p.method is not null
        order by p.captured_amount > 0 desc, p.created_at desc limit 1),
      o.payment_method)`);

  // Nothing has been released that writes the old key, so it is narrowed in one step.
  pgm.sql(`alter table daily_stats add column method text not null default ''`); // '': none chosen
  pgm.sql(`alter table daily_stats drop constraint daily_stats_pkey`);
  pgm.sql(`alter table daily_stats add constraint daily_stats_pkey
    primary key (tenant_id, day, currency, status, method)`);
  pgm.sql(`delete from daily_stats`);
  pgm.sql(`insert into daily_stats (tenant_id, day, currency, status, method, orders, amount,
                                    refunded_amount)
    select tenant_id, business_day, currency, status, coalesce(method, ''), count(*), sum(amount),
           sum(refunded_amount)
      from orders group by 1, 2, 3, 4, 5`);

  // Orders that were paid and not charged back, so that the sums are those of the statistics.
  pgm.sql(`create table customer_totals (
    tenant_id       uuid   not null constraint customer_totals_tenant_fkey references tenants (id),
    customer_id     uuid   not null,
    currency        text   not null,
    orders          bigint not null default 0,
    paid_orders     bigint not null default 0,
    spent_amount    bigint not null default 0, -- minor units, before refunds
    refunded_amount bigint not null default 0,
    constraint customer_totals_pkey primary key (tenant_id, customer_id, currency),
    constraint customer_totals_customer_fkey foreign key (tenant_id, customer_id)
      references customers (tenant_id, id)
  )`);
  pgm.sql(`insert into customer_totals (tenant_id, customer_id, currency, orders, paid_orders,
                                        spent_amount, refunded_amount)
    select tenant_id, customer_id, currency, count(*),
           count(*) filter (where status in ('paid', 'partially_refunded', 'refunded')),
           coalesce(sum(amount) filter (
             where status in ('paid', 'partially_refunded', 'refunded')), 0),
           coalesce(sum(refunded_amount) filter (
             where status in ('paid', 'partially_refunded', 'refunded')), 0)
      from orders group by 1, 2, 3`);
  pgm.sql(`alter table customer_totals enable row level security`);
  for (const table of [...counted, 'customer_totals']) {
    pgm.sql(`alter table ${table} force row level security`);
  }
  pgm.sql(`create policy customer_totals_tenant on customer_totals to kassa_app
    using (tenant_id = app.current_tenant()) with check (tenant_id = app.current_tenant())`);
  pgm.sql(`grant select, insert, update on customer_totals to kassa_app`);

  pgm.sql(`create index customers_seen_idx on customers (tenant_id, last_seen_at desc, id desc)`);
}
