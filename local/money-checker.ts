import pg from 'pg';
import { z } from 'zod';

import type { AttentionReason } from '../src/domain/attention.ts';
import { orderStandOf, type PaymentStatus } from '../src/domain/payment-states.ts';
import { checkOwnBooks, type Invariant } from './own-books.ts';
import { BookedRefund, findOddRefunds, readRefunds } from './refund-checker.ts';

/** What the emulator's books say of one transaction; they have more. */
const Transaction = z.object({
  order_id: z.string(),
  transaction_id: z.string(),
  merchant_id: z.string(),
  status: z.string(),
  fraud_status: z.string().optional(),
  fee: z.number(),
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
  fee: string;
  captured: string;
  refunded: string;
  lost: string;
  /** What a person was told of this order, by now resolved or not. */
  attention: AttentionReason[];
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
    invariants.push(...(await checkOwnBooks(client)));
    return invariants;
  } finally {
    await client.end();
  }
}

async function readPayments(client: pg.Client, midtransUrl: string): Promise<PaymentRow[]> {
  const { accounts } = Accounts.parse(await getJson(`${midtransUrl}/_control/accounts`));
  const { rows } = await client.query<PaymentRow & { server_key: string | null }>(
    `select p.id, p.order_id, t.slug as tenant, t.midtrans_merchant_id as merchant,
            -- The key itself is sealed, unless somebody has just put it in.
            case when t.midtrans_server_key like 'sealed:%' then t.midtrans_server_key_end
                 else t.midtrans_server_key end as server_key, p.provider_reference as reference,
            p.provider_transaction_id as transaction_id, p.status, o.status as order_status,
            p.customer_fee as fee, p.captured_amount as captured, p.refunded_amount as refunded,
            p.lost_amount as lost,
            array(select a.reason from attention_items a
                   where a.tenant_id = p.tenant_id and a.order_id = p.order_id) as attention
       from payments p
       join orders o on o.tenant_id = p.tenant_id and o.id = p.order_id
       join tenants t on t.id = p.tenant_id
      order by p.created_at desc, p.id desc`,
  );
  return rows.map(({ server_key, ...row }) => ({
    ...row,
    merchant:
      row.merchant ??
      accounts.find(({ serverKeyEnd }) => server_key?.endsWith(serverKeyEnd))?.merchantId ??
      'unknown',
  }));
}

/** I1: every capture that the provider kept is paid in our books, each by a payment of its own. */
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

/** What tells a person that an order took money more than once, or took it again. */
const secondMoney: readonly AttentionReason[] = [
  'paid-twice',
  'late-money',
  'reversed',
  'charged-back',
];

/** I2: an order has one capture, unless a person was told of the second; it keeps one, unless told so. */
function noDoubleCharge(payments: readonly PaymentRow[]): Invariant {
  const captured = payments.filter(({ captured }) => Number(captured) > 0);
  const orders = Map.groupBy(captured, ({ order_id }) => order_id);
  const isTold = ([first]: readonly PaymentRow[], reasons: readonly AttentionReason[]) =>
    first?.attention.some((reason) => reasons.includes(reason));
  const violations = [...orders.values()]
    .filter((same) => {
      const keeping = same.filter((row) => keptOf(row) > 0);
      const isUntold = same.length > 1 && !isTold(same, secondMoney);
      return isUntold || (keeping.length > 1 && !isTold(same, ['paid-twice']));
    })
    .map(([first]) => `${first?.tenant} ${first?.reference} was charged more than once`);
  return { name: 'I2 no double charge', checked: orders.size, violations };
}

/** I3: whatever is paid here has its capture there, of the same amount and with the same fee in it. */
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
      return (
        found?.captured_amount !== Number(payment.captured) || found.fee !== Number(payment.fee)
      );
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
    const kept = sum(ours.map(keptOf));
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

function paymentOf(transaction: Transaction, payments: readonly PaymentRow[]) {
  return payments.find(
    (payment) =>
      payment.merchant === transaction.merchant_id &&
      payment.reference === transaction.order_id &&
      payment.transaction_id === transaction.transaction_id,
  );
}

function keptOf({ captured, refunded, lost }: PaymentRow): number {
  return Number(captured) - Number(refunded) - Number(lost);
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
