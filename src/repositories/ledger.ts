import { v7 as uuidv7 } from 'uuid';
import type { TenantTx } from '../db/database.ts';
import type { OrderId, PaymentId } from '../domain/ids.ts';
import type { LedgerAccount, Transfer } from '../domain/ledger.ts';
import type { Currency } from '../domain/money.ts';

type Posting = {
  readonly transfers: readonly Transfer[];
  readonly currency: Currency;
  readonly orderId: OrderId;
  readonly paymentId: PaymentId;
  readonly day: string;
};

/**
 * Adds transfers to the books, and to the day's totals of their accounts. Many orders share those
 * totals: they are locked in the order of their accounts.
 */
export async function post(tx: TenantTx, posting: Posting): Promise<void> {
  const { transfers, currency, orderId, paymentId, day } = posting;
  for (const { kind, debit, credit, amount } of transfers) {
    await tx.query(
      `insert into ledger_transfers (tenant_id, id, kind, debit_account, credit_account, amount,
                                     currency, order_id, payment_id, day)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [tx.tenantId, uuidv7(), kind, debit, credit, amount, currency, orderId, paymentId, day],
    );
  }
  const sides = transfers.flatMap(({ debit, credit, amount }) => [
    { account: debit, debits: amount, credits: 0n },
    { account: credit, debits: 0n, credits: amount },
  ]);
  sides.sort((a, b) => a.account.localeCompare(b.account, 'en'));
  for (const { account, debits, credits } of sides) {
    await tx.query(
      `insert into ledger_days as d (tenant_id, day, account, currency, debits, credits)
       values ($1, $2, $3, $4, $5, $6)
       on conflict (tenant_id, day, account, currency) do update
         set debits = d.debits + excluded.debits, credits = d.credits + excluded.credits`,
      [tx.tenantId, day, account, currency, debits, credits],
    );
  }
}

export type Balance = {
  readonly account: LedgerAccount;
  readonly currency: string;
  readonly debits: bigint;
  readonly credits: bigint;
};

type BalanceRow = { account: LedgerAccount; currency: string; debits: string; credits: string };

/** Every account's totals up to the end of a day; undefined: until now. */
export async function balances(tx: TenantTx, until: string | undefined): Promise<Balance[]> {
  const { rows } = await tx.query<BalanceRow>(
    `select account, currency, sum(debits) as debits, sum(credits) as credits
       from ledger_days
      where tenant_id = $1 and ($2::date is null or day <= $2)
      group by account, currency
      order by account, currency
      limit 100`,
    [tx.tenantId, until ?? null],
  );
  return rows.map(toBalance);
}

export type AccountDay = Balance & {
  readonly day: string;
  /** Debits less credits at the end of the day. */
  readonly closing: bigint;
};

/** What each account took and gave on each of these days; days without a transfer are left out. */
export async function listDays(
  tx: TenantTx,
  { from, to, currency }: { from: string; to: string; currency: string },
): Promise<AccountDay[]> {
  const { rows } = await tx.query<BalanceRow & { day: string; closing: string }>(
    `select * from (
       select day, account, currency, debits, credits,
              sum(debits - credits) over (partition by account order by day) as closing
         from ledger_days
        where tenant_id = $1 and currency = $4 and day <= $3) closed
      where day >= $2
      order by day, account
      limit 10000`,
    [tx.tenantId, from, to, currency],
  );
  return rows.map((row) => ({
    ...toBalance(row),
    day: row.day,
    closing: BigInt(row.closing),
  }));
}

/** The same, added up from the transfers themselves. */
export async function balancesOfTransfers(tx: TenantTx): Promise<Balance[]> {
  const { rows } = await tx.query<BalanceRow>(
    `select account, currency, sum(debits) as debits, sum(credits) as credits
       from (select debit_account as account, currency, amount as debits, 0 as credits
               from ledger_transfers where tenant_id = $1
              union all
             select credit_account, currency, 0, amount
               from ledger_transfers where tenant_id = $1) sides
      group by account, currency
      order by account, currency
      limit 100`,
    [tx.tenantId],
  );
  return rows.map(toBalance);
}

export type Discrepancy = {
  readonly paymentId: string;
  readonly what: string;
  readonly expected: bigint;
  readonly found: bigint;
};

/**
 * Payments whose position is not what their transfers add up to. A fee on top counts by itself, and
 * not in what was captured and refunded.
 */
export async function listDiscrepancies(tx: TenantTx, limit: number): Promise<Discrepancy[]> {
  const { rows } = await tx.query<{
    payment_id: string;
    what: string;
    expected: string;
    found: string;
  }>(
    `with posted as (
       select payment_id,
              sum(case when credit_account = 'sales' then amount
                       when debit_account = 'sales' then -amount else 0 end) as sold,
              sum(case when credit_account = 'customer_fees' then amount
                       when debit_account = 'customer_fees' then -amount else 0 end) as kept_fee,
              sum(case when debit_account = 'refunds' then amount
                       when credit_account = 'refunds' then -amount else 0 end) as refunded,
              sum(case when debit_account = 'losses' then amount
                       when credit_account = 'losses' then -amount else 0 end) as lost
         from ledger_transfers where tenant_id = $1
        group by payment_id),
     positions as (
       -- The fee of a card that is reserved is known, and not captured yet.
       select id, refunded_amount, lost_amount,
              case when captured_amount > 0 then customer_fee else 0 end as fee,
              captured_amount - case when captured_amount > 0 then customer_fee else 0 end as sold
         from payments where tenant_id = $1)
     select p.id as payment_id, x.what, x.expected, x.found
       from positions p
       left join posted t on t.payment_id = p.id
      cross join lateral (values
        ('captured', p.sold, coalesce(t.sold, 0)),
        ('fee', p.fee - greatest(p.refunded_amount - p.sold, 0), coalesce(t.kept_fee, 0)),
        ('refunded', least(p.refunded_amount, p.sold), coalesce(t.refunded, 0)),
        ('lost', p.lost_amount, coalesce(t.lost, 0))) as x (what, expected, found)
      where x.expected <> x.found
      order by p.id, x.what
      limit $2`,
    [tx.tenantId, limit],
  );
  return rows.map((row) => ({
    paymentId: row.payment_id,
    what: row.what,
    expected: BigInt(row.expected),
    found: BigInt(row.found),
  }));
}

function toBalance({ account, currency, debits, credits }: BalanceRow): Balance {
  return { account, currency, debits: BigInt(debits), credits: BigInt(credits) };
}
