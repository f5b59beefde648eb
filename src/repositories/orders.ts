import type { TenantTx } from '../db/database.ts';
import { CustomerId, OrderId, OrderReference } from '../domain/ids.ts';
import { currencyOf, type Money } from '../domain/money.ts';
import type { OrderStatus } from '../domain/payment-states.ts';

export type Order = {
  readonly id: OrderId;
  readonly reference: OrderReference;
  readonly customerId: CustomerId;
  readonly customerName: string;
  readonly status: OrderStatus;
  readonly money: Money;
  readonly refundedAmount: bigint;
  /** As asked for; undefined: the shopper chooses. */
  readonly paymentMethod: string | undefined;
  /** As the shopper chose in the end, or else as asked for. */
  readonly method: string | undefined;
  readonly contentHash: Buffer;
  readonly businessDay: string;
  readonly quotaPeriod: string | undefined;
  readonly paidAt: Date | undefined;
  readonly createdAt: Date;
};

type OrderRow = {
  id: string;
  order_id: string;
  customer_id: string;
  customer_name: string;
  status: OrderStatus;
  amount: bigint;
  refunded_amount: bigint;
  currency: string;
  payment_method: string | null;
  method: string | null;
  content_hash: Buffer;
  business_day: string;
  quota_period: string | null;
  paid_at: Date | null;
  created_at: Date;
};

const columns = `id, order_id, customer_id, customer_name, status, amount, refunded_amount,
  currency, payment_method, method, content_hash, business_day, quota_period, paid_at, created_at`;

type NewOrder = Pick<
  Order,
  | 'id'
  | 'reference'
  | 'customerId'
  | 'customerName'
  | 'money'
  | 'paymentMethod'
  | 'contentHash'
  | 'businessDay'
  | 'quotaPeriod'
>;

/** Inserts the order unless the merchant's id is taken; then undefined, after the other's commit. */
export async function insert(tx: TenantTx, order: NewOrder): Promise<Order | undefined> {
  const { rows } = await tx.query<OrderRow>(
    `insert into orders (tenant_id, id, order_id, customer_id, customer_name, amount, currency,
                         payment_method, method, content_hash, business_day, quota_period)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, $11)
     on conflict (tenant_id, order_id) do nothing
     returning ${columns}`,
    [
      tx.tenantId,
      order.id,
      order.reference,
      order.customerId,
      order.customerName,
      order.money.amount,
      order.money.currency,
      order.paymentMethod ?? null,
      order.contentHash,
      order.businessDay,
      order.quotaPeriod ?? null,
    ],
  );
  return rows[0] && toOrder(rows[0]);
}

export async function findByReference(
  tx: TenantTx,
  reference: OrderReference,
): Promise<Order | undefined> {
  const { rows } = await tx.query<OrderRow>(
    `select ${columns} from orders where tenant_id = $1 and order_id = $2`,
    [tx.tenantId, reference],
  );
  return rows[0] && toOrder(rows[0]);
}

/** As `findByReference`, and keeps everybody else from changing the order until the commit. */
export async function lockByReference(
  tx: TenantTx,
  reference: OrderReference,
): Promise<Order | undefined> {
  const { rows } = await tx.query<OrderRow>(
    `select ${columns} from orders where tenant_id = $1 and order_id = $2 for update`,
    [tx.tenantId, reference],
  );
  return rows[0] && toOrder(rows[0]);
}

export async function lock(tx: TenantTx, id: OrderId): Promise<Order> {
  const { rows } = await tx.query<OrderRow>(
    `select ${columns} from orders where tenant_id = $1 and id = $2 for update`,
    [tx.tenantId, id],
  );
  if (!rows[0]) throw new Error(`There is no order ${id}.`);
  return toOrder(rows[0]);
}

/** The order with the mail address that its messages go to. */
export async function findWithEmail(
  tx: TenantTx,
  id: OrderId,
): Promise<{ order: Order; email: string } | undefined> {
  const { rows } = await tx.query<OrderRow & { email: string }>(
    `select ${columns},
            (select c.email from customers c
              where c.tenant_id = $1 and c.id = orders.customer_id) as email
       from orders
      where tenant_id = $1 and id = $2`,
    [tx.tenantId, id],
  );
  return rows[0] && { order: toOrder(rows[0]), email: rows[0].email };
}

type Change = Partial<
  Pick<Order, 'status' | 'refundedAmount' | 'method' | 'quotaPeriod' | 'paidAt'>
>;

/** Writes a changed order, whose row the caller has locked. */
export async function update(tx: TenantTx, order: Order, change: Change): Promise<Order> {
  const next = { ...order, ...change };
  await tx.query(
    `update orders
        set status = $3, refunded_amount = $4, quota_period = $5, paid_at = $6, method = $7,
            updated_at = now()
      where tenant_id = $1 and id = $2`,
    [
      tx.tenantId,
      order.id,
      next.status,
      next.refundedAmount,
      next.quotaPeriod ?? null,
      next.paidAt ?? null,
      next.method ?? null,
    ],
  );
  return next;
}

function toOrder(row: OrderRow): Order {
  return {
    id: OrderId.parse(row.id),
    reference: OrderReference.parse(row.order_id),
    customerId: CustomerId.parse(row.customer_id),
    customerName: row.customer_name,
    status: row.status,
    money: { amount: row.amount, currency: currencyOf(row.currency) },
    refundedAmount: row.refunded_amount,
    paymentMethod: row.payment_method ?? undefined,
    method: row.method ?? undefined,
    contentHash: row.content_hash,
    businessDay: row.business_day,
    quotaPeriod: row.quota_period ?? undefined,
    paidAt: row.paid_at ?? undefined,
    createdAt: row.created_at,
  };
}
