import type pg from 'pg';
import { paymentTransitions } from '../src/domain/payment-states.ts';
import { nothingForgotten } from './refund-checker.ts';

export type Invariant = {
  readonly name: string;
  readonly checked: number;
  readonly violations: readonly string[];
};

/** The legal moves of a payment, as SQL literals. */
function edges(): string {
  return Object.entries(paymentTransitions)
    .flatMap(([from, targets]) => targets.map((to) => `'${from}>${to}'`))
    .join(', ');
}

type OwnCheck = { readonly name: string; readonly count: string; readonly violations: string };

/** What can be said of our own books alone; each query answers one line per violation. */
const ownBooks: readonly OwnCheck[] = [
  {
    name: 'I6 double entry: payments and transfers agree',
    count: 'select count(*) from ledger_transfers',
    violations: `
      select p.id || ' has ' || (p.captured_amount - p.refunded_amount - p.lost_amount)
             || ', its transfers ' || coalesce(sum(
               case when l.debit_account = 'provider_balance' then l.amount
                    when l.credit_account = 'provider_balance' then -l.amount end), 0) as line
        from payments p
        left join ledger_transfers l on l.tenant_id = p.tenant_id and l.payment_id = p.id
       group by p.tenant_id, p.id, p.captured_amount, p.refunded_amount, p.lost_amount
      having p.captured_amount - p.refunded_amount - p.lost_amount <> coalesce(sum(
               case when l.debit_account = 'provider_balance' then l.amount
                    when l.credit_account = 'provider_balance' then -l.amount end), 0)`,
  },
  {
    name: 'I6 double entry: fees on top are kept apart, and every one is before a person',
    count: 'select count(*) from payments where customer_fee > 0',
    violations: `
      with kept as (
        select p.*, case when captured_amount = 0 then 0
                    else customer_fee - greatest(refunded_amount - amount, 0) end as kept_fee
          from payments p)
      select k.provider_reference || ' kept a fee of ' || k.kept_fee || ', its transfers have '
             || coalesce(sum(case when l.credit_account = 'customer_fees' then l.amount
                                  when l.debit_account = 'customer_fees' then -l.amount end), 0) as line
        from kept k
        left join ledger_transfers l on l.tenant_id = k.tenant_id and l.payment_id = k.id
       group by k.tenant_id, k.id, k.provider_reference, k.kept_fee
      having k.kept_fee <> coalesce(sum(case when l.credit_account = 'customer_fees' then l.amount
                                  when l.debit_account = 'customer_fees' then -l.amount end), 0)
      union all
      select k.provider_reference || ' has a fee that nobody was told of' from kept k
       where k.customer_fee > 0 and k.captured_amount > 0 and not exists (
         select 1 from attention_items a
          where a.tenant_id = k.tenant_id and a.payment_id = k.id and a.reason = 'fee-on-top')`,
  },
  {
    name: 'I6 double entry: totals of days and transfers agree',
    count: 'select count(*) from ledger_days',
    violations: `
      with sides as (
        select tenant_id, day, debit_account as account, amount as debits, 0 as credits
          from ledger_transfers
         union all
        select tenant_id, day, credit_account, 0, amount from ledger_transfers),
      added as (
        select tenant_id, day, account, sum(debits) as debits, sum(credits) as credits
          from sides group by tenant_id, day, account)
      select coalesce(a.account, d.account) || ' on ' || coalesce(a.day, d.day) as line
        from added a full join ledger_days d using (tenant_id, day, account)
       where (a.debits, a.credits) is distinct from (d.debits::numeric, d.credits::numeric)`,
  },
  {
    name: 'I7 legal history: each change begins where the last one ended',
    count: `select count(*) from order_events where kind = 'order-moved'`,
    violations: `
      with moves as (
        select o.order_id, o.status, e.from_status, e.to_status,
               lag(e.to_status, 1, 'pending') over w as before,
               row_number() over (partition by o.tenant_id, o.id
                                  order by e.created_at desc, e.id desc) as age
          from orders o
          join order_events e on e.tenant_id = o.tenant_id and e.order_id = o.id
         where e.kind = 'order-moved'
        window w as (partition by o.tenant_id, o.id order by e.created_at, e.id))
      select order_id || ': ' || before || ', then ' || from_status || ' to ' || to_status as line
        from moves where from_status <> before or (age = 1 and to_status <> status)`,
  },
  {
    name: 'I7 legal history: a payment goes along the edges of the table, and is where it ends',
    count: `select count(*) from order_events where payment_id is not null and from_status <> to_status`,
    violations: `
      with moves as (
        select p.provider_reference, p.status, e.kind, e.from_status, e.to_status,
               lag(e.to_status) over w as before,
               row_number() over (partition by p.tenant_id, p.id
                                  order by e.created_at desc, e.id desc) as age
          from payments p
          join order_events e on e.tenant_id = p.tenant_id and e.payment_id = p.id
         where e.kind in ('payment-started', 'payment-moved', 'payment-called-again', 'page-created')
           and e.from_status is distinct from e.to_status
        window w as (partition by p.tenant_id, p.id order by e.created_at, e.id))
      select provider_reference || ': ' || before || ', then ' || from_status || ' to ' || to_status
             as line
        from moves
       where from_status is distinct from before
          or (age = 1 and to_status <> status)
          or not (from_status || '>' || to_status) = any (array[${edges()}])`,
  },
  {
    name: 'statistics are those of the orders',
    count: 'select count(*) from daily_stats',
    violations: `
      with counted as (
        select tenant_id, business_day as day, currency, status, coalesce(method, '') as method,
               count(*) as orders, sum(amount) as amount, sum(refunded_amount) as refunded_amount
          from orders group by 1, 2, 3, 4, 5),
      stored as (select * from daily_stats where orders <> 0 or amount <> 0 or refunded_amount <> 0)
      select coalesce(c.status, s.status) || ' on ' || coalesce(c.day, s.day) as line
        from counted c full join stored s using (tenant_id, day, currency, status, method)
       where (c.orders, c.amount, c.refunded_amount)
             is distinct from (s.orders, s.amount::numeric, s.refunded_amount::numeric)`,
  },
  {
    name: "customers' totals are those of their orders",
    count: 'select count(*) from customer_totals',
    violations: `
      with bought as (
        select tenant_id, customer_id, currency, count(*) as orders,
               count(*) filter (where is_sold) as paid_orders,
               coalesce(sum(amount) filter (where is_sold), 0) as spent,
               coalesce(sum(refunded_amount) filter (where is_sold), 0) as refunded
          from orders
         cross join lateral
               (select status in ('paid', 'partially_refunded', 'refunded') as is_sold) sale
         group by 1, 2, 3)
      select coalesce(b.customer_id, t.customer_id) || '' as line
        from bought b full join customer_totals t using (tenant_id, customer_id, currency)
       where (b.orders, b.paid_orders, b.spent, b.refunded)
             is distinct from (t.orders, t.paid_orders, t.spent_amount::numeric,
                               t.refunded_amount::numeric)`,
  },
  {
    name: 'the quota counts the orders that hold a place in it',
    count: 'select count(*) from usage_counters',
    violations: `
      with held as (
        select tenant_id, quota_period as period, count(*) as used
          from orders where quota_period is not null group by 1, 2)
      select u.tenant_id || ' in ' || u.period || ': ' || u.used as line
        from usage_counters u left join held h using (tenant_id, period)
       where u.used <> coalesce(h.used, 0)`,
  },
  {
    name: 'I13 nothing is stuck: whatever is open will be asked about',
    count: 'select count(*) from payments',
    violations: `
      select provider_reference || ' is ' || status as line from payments
       where status in ('creating', 'unknown', 'pending', 'challenged', 'authorized')
         and next_check_at is null`,
  },
  nothingForgotten,
];

/** Holds Kassa's books against themselves. */
export async function checkOwnBooks(client: pg.Client): Promise<Invariant[]> {
  const invariants: Invariant[] = [];
  for (const check of ownBooks) invariants.push(await run(client, check));
  return invariants;
}

async function run(client: pg.Client, check: OwnCheck): Promise<Invariant> {
  const { rows: counts } = await client.query<{ count: string }>(check.count);
  const { rows } = await client.query<{ line: string }>(check.violations);
  return {
    name: check.name,
    checked: Number(counts[0]?.count),
    violations: rows.map(({ line }) => line),
  };
}
