import pg from 'pg';
import { z } from 'zod';
import {
  orderStandOf,
  type PaymentStatus,
  paymentTransitions,
} from '../src/domain/payment-states.ts';
import { BookedRefund, findOddRefunds, nothingForgotten, readRefunds } from './refund-checker.ts';

/** What the emulator's books say of one transaction; they have more. */
const Transaction = z.object({
  order_id: z.string(),
  transaction_id: z.string(),
  merchant_id: z.string(),
  status: z.string(),
  fraud_status: z.string().optional(),
  captured_amount: z.number(),
  refunded_amount: z.number(),
  net_amount: z.number(),
  refunds: z.array(BookedRefund),
});
type Transaction = z.infer<typeof Transaction>;

const Books = z.object({ transactions: z.array(Transaction) });
const Accounts = z.object({
  accounts: z.array(z.object({ merchantId: z.string(), serverKeyEnd: z.string() })),
});

type PaymentRow = {
  id: string;
  order_id: string;
  merchant: string;
  tenant: string;
  order_status: string;
  reference: string;
  transaction_id: string | null;
  status: PaymentStatus;
  captured: string;
  refunded: string;
  lost: string;
  attention: string | null;
};

export type Invariant = {
  readonly name: string;
  readonly checked: number;
  readonly violations: readonly string[];
};

type CheckOptions = {
  /** A superuser's login: the walls between tenants are not what is checked here. */
  readonly adminUrl: string;
  readonly midtransUrl: string;
};

/**
 * Holds Kassa's books against the provider's own, which only an emulator shows, and against
 * themselves. Meaningful when all is quiet: nothing under way, nothing left in a queue.
 */
export async function checkMoney({ adminUrl, midtransUrl }: CheckOptions): Promise<Invariant[]> {
  const { transactions } = Books.parse(await getJson(`${midtransUrl}/_control/books`));
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query('begin isolation level repeatable read, read only');
    const payments = await readPayments(client, midtransUrl);
    const refunds = await readRefunds(client);
    const invariants = [
      noLostPayment(transactions, payments),
      noDoubleCharge(payments),
      noPhantom(transactions, payments),
      exactMoney(transactions, payments),
      ordersFollowPayments(payments),
      {
        name: 'I5 one refund there per refund here',
        checked: refunds.length,
        violations: findOddRefunds(transactions, payments, refunds),
      },
    ];
    for (const check of ownBooks) invariants.push(await runOwn(client, check));
    return invariants;
  } finally {
    await client.end();
  }
}

async function readPayments(client: pg.Client, midtransUrl: string): Promise<PaymentRow[]> {
  const { accounts } = Accounts.parse(await getJson(`${midtransUrl}/_control/accounts`));
  const { rows } = await client.query<PaymentRow & { server_key: string }>(
    `select p.id, p.order_id, t.slug as tenant, t.midtrans_merchant_id as merchant,
            t.midtrans_server_key as server_key, p.provider_reference as reference,
            p.provider_transaction_id as transaction_id, p.status, o.status as order_status,
            p.captured_amount as captured, p.refunded_amount as refunded, p.lost_amount as lost,
            o.attention_reason as attention
       from payments p
       join orders o on o.tenant_id = p.tenant_id and o.id = p.order_id
       join tenants t on t.id = p.tenant_id
      order by p.created_at desc, p.id desc`,
  );
  return rows.map(({ server_key, ...row }) => ({
    ...row,
    merchant:
      row.merchant ??
      accounts.find(({ serverKeyEnd }) => server_key.endsWith(serverKeyEnd))?.merchantId ??
      'unknown',
  }));
}

/** I1: every capture that the provider kept is paid in our books. */
function noLostPayment(
  transactions: readonly Transaction[],
  payments: readonly PaymentRow[],
): Invariant {
  const kept = transactions.filter(({ captured_amount, fraud_status, net_amount }) => {
    const isHeld = fraud_status === 'challenge';
    return captured_amount > 0 && net_amount > 0 && !isHeld;
  });
  const violations = kept
    .filter((transaction) => {
      const payment = paymentOf(transaction, payments);
      return !payment || Number(payment.captured) === 0;
    })
    .map(({ order_id, transaction_id }) => `${order_id} (${transaction_id}) is not paid here`);
  return { name: 'I1 no lost payment', checked: kept.length, violations };
}

/** I2: an order has one capture, unless a person was told of the second. */
function noDoubleCharge(payments: readonly PaymentRow[]): Invariant {
  const captured = payments.filter(({ captured }) => Number(captured) > 0);
  const orders = Map.groupBy(captured, ({ order_id }) => order_id);
  const violations = [...orders.values()]
    .filter(([first, ...further]) => further.length > 0 && !first?.attention)
    .map(([first]) => `${first?.tenant} ${first?.reference} was charged more than once`);
  return { name: 'I2 no double charge', checked: orders.size, violations };
}

/** I3: whatever is paid here has its capture there, of the same amount. */
function noPhantom(
  transactions: readonly Transaction[],
  payments: readonly PaymentRow[],
): Invariant {
  const captured = payments.filter((payment) => Number(payment.captured) > 0);
  const violations = captured
    .filter((payment) => {
      const found = transactions.find(
        (transaction) =>
          transaction.transaction_id === payment.transaction_id &&
          transaction.merchant_id === payment.merchant,
      );
      return found?.captured_amount !== Number(payment.captured);
    })
    .map(({ tenant, reference }) => `${tenant} ${reference} has no such capture at the provider`);
  return { name: 'I3 no phantom payment', checked: captured.length, violations };
}

/** I4 and I5: what each merchant has in the end is the same sum on both sides, refunds included. */
function exactMoney(
  transactions: readonly Transaction[],
  payments: readonly PaymentRow[],
): Invariant {
  const merchants = new Set(payments.map(({ merchant }) => merchant));
  const violations = [...merchants].flatMap((merchant) => {
    const theirs = transactions.filter(({ merchant_id }) => merchant_id === merchant);
    const ours = payments.filter((payment) => payment.merchant === merchant);
    const net = sum(theirs.map(({ net_amount }) => net_amount));
    const kept = sum(
      ours.map((row) => Number(row.captured) - Number(row.refunded) - Number(row.lost)),
    );
    const refundedThere = sum(theirs.map(({ refunded_amount }) => refunded_amount));
    const refundedHere = sum(ours.map(({ refunded }) => Number(refunded)));
    return [
      net !== kept && `${merchant}: the provider has ${net}, we have ${kept}`,
      refundedThere !== refundedHere &&
        `${merchant}: the provider refunded ${refundedThere}, we ${refundedHere}`,
    ].filter((violation) => violation !== false);
  });
  return { name: 'I4, I5 exact money and refunds', checked: merchants.size, violations };
}

/** I7: an order is what its payments say. */
function ordersFollowPayments(payments: readonly PaymentRow[]): Invariant {
  const orders = Map.groupBy(payments, ({ order_id }) => order_id);
  const violations = [...orders.values()].flatMap((all) => {
    const stands = all.map((row) => ({ ...row, capturedAmount: BigInt(row.captured) }));
    const { status, payment } = orderStandOf(stands);
    return payment.order_status === status
      ? []
      : [`${payment.tenant} ${payment.reference} is ${payment.order_status}, not ${status}`];
  });
  return { name: 'I7 orders are what their payments say', checked: orders.size, violations };
}

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
               lag(e.to_status, 1, 'creating') over w as before,
               row_number() over (partition by p.tenant_id, p.id
                                  order by e.created_at desc, e.id desc) as age
          from payments p
          join order_events e on e.tenant_id = p.tenant_id and e.payment_id = p.id
         where e.kind in ('payment-moved', 'payment-called-again', 'page-created')
           and e.from_status is distinct from e.to_status
        window w as (partition by p.tenant_id, p.id order by e.created_at, e.id))
      select provider_reference || ': ' || before || ', then ' || from_status || ' to ' || to_status
             as line
        from moves
       where from_status <> before
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

async function runOwn(client: pg.Client, check: OwnCheck): Promise<Invariant> {
  const { rows: counts } = await client.query<{ count: string }>(check.count);
  const { rows } = await client.query<{ line: string }>(check.violations);
  return {
    name: check.name,
    checked: Number(counts[0]?.count),
    violations: rows.map(({ line }) => line),
  };
}

function paymentOf(transaction: Transaction, payments: readonly PaymentRow[]) {
  return payments.find(
    ({ merchant, reference }) =>
      merchant === transaction.merchant_id && reference === transaction.order_id,
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** The report as a person reads it. */
export function describeInvariants(invariants: readonly Invariant[]): string {
  return invariants
    .map(({ name, checked, violations }) => {
      const head = `${violations.length === 0 ? 'ok  ' : 'FAIL'}  ${name}: ${checked} checked, ${violations.length} violations`;
      return [head, ...violations.slice(0, 20).map((line) => `        ${line}`)].join('\n');
    })
    .join('\n');
}

async function getJson(url: string): Promise<unknown> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}.`);
  return answer.json();
}
