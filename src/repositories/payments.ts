import { v7 as uuidv7 } from 'uuid';
import type { TenantTx } from '../db/database.ts';
import { OrderId, PaymentId } from '../domain/ids.ts';
import type { Position } from '../domain/ledger.ts';
import { currencyOf, type Money } from '../domain/money.ts';
import type { PaymentStatus } from '../domain/payment-states.ts';

export type Payment = {
  readonly id: PaymentId;
  readonly orderId: OrderId;
  readonly provider: 'midtrans';
  /** The order id that the provider knows. */
  readonly reference: string;
  /** 1, or more for a further attempt on the same page that took money, too. */
  readonly attempt: number;
  /** The provider's transaction that counts; undefined until the shopper chose a method. */
  readonly transactionId: string | undefined;
  readonly status: PaymentStatus;
  readonly money: Money;
  /** What the provider charges the shopper on top; in what is captured and refunded, too. */
  readonly customerFee: bigint;
  readonly capturedAmount: bigint;
  readonly refundedAmount: bigint;
  /** Charged back, reversed or voided. */
  readonly lostAmount: bigint;
  readonly method: string | undefined;
  readonly token: string | undefined;
  readonly redirectUrl: string | undefined;
  /** An earlier call ended without an answer: a page may exist that nobody here knows. */
  readonly mayHavePage: boolean;
  /** A call to the provider is under way, and whoever makes it still has time to say how it ended. */
  readonly isLeased: boolean;
  readonly checks: number;
  readonly expiresAt: Date;
  readonly isOverdue: boolean;
  /** So long past its time that the provider's page cannot begin anything any more. */
  readonly isPageOver: boolean;
};

type PaymentRow = {
  id: string;
  order_id: string;
  provider: 'midtrans';
  provider_reference: string;
  attempt: number;
  provider_transaction_id: string | null;
  status: PaymentStatus;
  amount: bigint;
  customer_fee: bigint;
  captured_amount: bigint;
  refunded_amount: bigint;
  lost_amount: bigint;
  currency: string;
  method: string | null;
  token: string | null;
  redirect_url: string | null;
  may_have_page: boolean;
  is_leased: boolean;
  checks: number;
  expires_at: Date;
  is_overdue: boolean;
  is_page_over: boolean;
};

// Leases and deadlines are compared by the database's clock: servers disagree.
const columns = `id, order_id, provider, provider_reference, attempt, provider_transaction_id, status,
  amount, customer_fee, captured_amount, refunded_amount, lost_amount, currency, method, token,
  redirect_url, may_have_page,
  coalesce(lease_until > now(), false) as is_leased, checks, expires_at,
  expires_at <= now() as is_overdue,
  expires_at + interval '10 minutes' <= now() as is_page_over`;

type NewPayment = Pick<Payment, 'id' | 'orderId' | 'provider' | 'reference' | 'money'> & {
  readonly leaseId: string;
  readonly leaseMs: number;
  readonly expiryMinutes: number;
};

/** Writes the intent to pay; undefined when the reference is taken by another payment. */
export async function insert(tx: TenantTx, payment: NewPayment): Promise<Payment | undefined> {
  const { rows } = await tx.query<{ id: string }>(
    `insert into payments (tenant_id, id, order_id, provider, provider_reference, amount, currency,
                           lease_id, lease_until, next_check_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8,
             now() + $9 * interval '1 ms', now() + $9 * interval '1 ms',
             now() + $10 * interval '1 minute')
     on conflict (tenant_id, provider, provider_reference, attempt) do nothing
     returning id`,
    [
      tx.tenantId,
      payment.id,
      payment.orderId,
      payment.provider,
      payment.reference,
      payment.money.amount,
      payment.money.currency,
      payment.leaseId,
      payment.leaseMs,
      payment.expiryMinutes,
    ],
  );
  return rows[0] && get(tx, payment.id);
}

export async function get(tx: TenantTx, id: PaymentId): Promise<Payment> {
  const { rows } = await tx.query<PaymentRow>(
    `select ${columns} from payments where tenant_id = $1 and id = $2`,
    [tx.tenantId, id],
  );
  if (!rows[0]) throw new Error(`There is no payment ${id}.`);
  return toPayment(rows[0]);
}

/** The payments of an order, newest first: the first is the one that a retry continues. */
export async function listOfOrder(tx: TenantTx, orderId: OrderId): Promise<Payment[]> {
  const { rows } = await tx.query<PaymentRow>(
    `select ${columns} from payments
      where tenant_id = $1 and order_id = $2
      order by created_at desc, id desc limit 1000`,
    [tx.tenantId, orderId],
  );
  return rows.map(toPayment);
}

/**
 * Writes down a further attempt on the page of a payment, which took money as that payment did. The
 * caller holds the order's lock, and moves it to what it is.
 */
export async function insertFurther(
  tx: TenantTx,
  payment: Payment,
  transactionId: string,
): Promise<Payment> {
  const id = PaymentId.parse(uuidv7());
  await tx.query(
    `insert into payments (tenant_id, id, order_id, provider, provider_reference, attempt,
                           provider_transaction_id, status, amount, currency, token, redirect_url,
                           expires_at)
     select tenant_id, $3, order_id, provider, provider_reference,
            (select max(p.attempt) + 1 from payments p
              where p.tenant_id = $1 and p.provider = $5 and p.provider_reference = $6),
            $4, 'pending', amount, currency, token, redirect_url, expires_at
       from payments
      where tenant_id = $1 and id = $2
     returning id`, // Citus takes this form only with an answer
    [tx.tenantId, payment.id, id, transactionId, payment.provider, payment.reference],
  );
  return get(tx, id);
}

type ProviderName = Pick<Payment, 'provider' | 'reference'> & { readonly transactionId: string };

/** The payment that a provider's transaction belongs to: its own, or the one that the page is for. */
export async function findByReference(
  tx: TenantTx,
  { provider, reference, transactionId }: ProviderName,
): Promise<Payment | undefined> {
  const { rows } = await tx.query<PaymentRow>(
    `select ${columns} from payments
      where tenant_id = $1 and provider = $2 and provider_reference = $3
      order by coalesce(provider_transaction_id = $4, false) desc, attempt limit 1`,
    [tx.tenantId, provider, reference, transactionId],
  );
  return rows[0] && toPayment(rows[0]);
}

/** As `findByReference`, for news about a transaction of a known payment's page. */
export async function getOfTransaction(
  tx: TenantTx,
  { id, provider, reference }: Payment,
  transactionId: string,
): Promise<Payment> {
  const found = await findByReference(tx, { provider, reference, transactionId });
  if (!found) throw new Error(`There is no payment ${id}.`);
  return found;
}

/** Payments whose state should be asked for, longest overdue first. */
export async function listDue(tx: TenantTx, limit: number): Promise<Payment[]> {
  const { rows } = await tx.query<PaymentRow>(
    `select ${columns} from payments
      where tenant_id = $1 and next_check_at <= now()
      order by next_check_at limit $2`,
    [tx.tenantId, limit],
  );
  return rows.map(toPayment);
}

/** Writes an observed state. The caller holds the order's lock, which guards its payments too. */
export async function move(
  tx: TenantTx,
  payment: Payment,
  next: {
    readonly status: PaymentStatus;
    readonly transactionId: string | undefined;
    readonly method: string | undefined;
    readonly customerFee: bigint;
    readonly position: Position;
    readonly isFinished: boolean;
    /** After this, if it is over: money may still come, and its notification be lost. */
    readonly lateCheckSeconds?: number | undefined;
  },
): Promise<void> {
  await tx.query(
    `update payments
        set status = $3, provider_transaction_id = $4, method = $5, customer_fee = $6,
            captured_amount = $7, refunded_amount = $8, lost_amount = $9,
            next_check_at = case when $10 then now() + $11 * interval '1 second'
                                 else coalesce(next_check_at, now() + interval '1 minute') end,
            lease_id = null, lease_until = null, updated_at = now()
      where tenant_id = $1 and id = $2`,
    [
      tx.tenantId,
      payment.id,
      next.status,
      next.transactionId ?? null,
      next.method ?? null,
      next.customerFee,
      next.position.captured,
      next.position.refunded,
      next.position.lost,
      next.isFinished,
      next.lateCheckSeconds ?? null,
    ],
  );
}

/** Plans the next question about a payment that is open, and counts this one. */
export async function planCheck(
  tx: TenantTx,
  payment: Payment,
  { afterSeconds }: { afterSeconds: number | undefined },
): Promise<void> {
  await tx.query(
    `update payments
        set checks = checks + 1, next_check_at = now() + $3 * interval '1 second'
      where tenant_id = $1 and id = $2 and next_check_at is not null`,
    [tx.tenantId, payment.id, afterSeconds ?? null],
  );
}

/** Has the next sweep ask about a payment, also about one that is over. */
export async function askSoon(tx: TenantTx, id: PaymentId): Promise<void> {
  await tx.query(
    `update payments set next_check_at = least(next_check_at, now())
      where tenant_id = $1 and id = $2`,
    [tx.tenantId, id],
  );
}

function toPayment(row: PaymentRow): Payment {
  return {
    id: PaymentId.parse(row.id),
    orderId: OrderId.parse(row.order_id),
    provider: row.provider,
    reference: row.provider_reference,
    attempt: row.attempt,
    transactionId: row.provider_transaction_id ?? undefined,
    status: row.status,
    money: { amount: row.amount, currency: currencyOf(row.currency) },
    customerFee: row.customer_fee,
    capturedAmount: row.captured_amount,
    refundedAmount: row.refunded_amount,
    lostAmount: row.lost_amount,
    method: row.method ?? undefined,
    token: row.token ?? undefined,
    redirectUrl: row.redirect_url ?? undefined,
    mayHavePage: row.may_have_page,
    isLeased: row.is_leased,
    checks: row.checks,
    expiresAt: row.expires_at,
    isOverdue: row.is_overdue,
    isPageOver: row.is_page_over,
  };
}
