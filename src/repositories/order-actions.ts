import type { TenantTx } from '../db/database.ts';
import { OrderActionId, OrderId, PaymentId } from '../domain/ids.ts';
import type { OrderActionKind, OrderActionStatus } from '../domain/order-actions.ts';

export type OrderAction = {
  readonly id: OrderActionId;
  readonly orderId: OrderId;
  readonly kind: OrderActionKind;
  /** What the first run chose. Every later run acts on these, and on nothing else. */
  readonly paymentIds: readonly PaymentId[];
  readonly status: OrderActionStatus;
  /** Why it was refused, as a sentence. */
  readonly detail: string | undefined;
  /** Until then an earlier call may have been executed; undefined: no call before this one was. */
  readonly unclearAt: Date | undefined;
};

type OrderActionRow = {
  id: string;
  order_id: string;
  kind: OrderActionKind;
  payment_ids: string[];
  status: OrderActionStatus;
  detail: string | null;
  unclear_at: Date | null;
};

const columns = 'id, order_id, kind, payment_ids, status, detail, unclear_at';

// Asked for again after as long as it has been in doubt: soon at first, then ever less often.
const gap = `least(greatest(now() - created_at, interval '5 seconds'), interval '6 hours')`;

type NewOrderAction = Pick<OrderAction, 'id' | 'orderId' | 'kind' | 'paymentIds' | 'status'> & {
  readonly reason: string | undefined;
};

/** Writes down what is to be done; the caller holds the order's lock. */
export async function insert(tx: TenantTx, action: NewOrderAction): Promise<OrderAction> {
  const { rows } = await tx.query<OrderActionRow>(
    `insert into order_actions (tenant_id, id, order_id, kind, payment_ids, reason, status,
                                next_check_at)
     values ($1, $2, $3, $4, $5, $6, $7, case when $7 = 'requested' then now() end)
     returning ${columns}`,
    [
      tx.tenantId,
      action.id,
      action.orderId,
      action.kind,
      action.paymentIds,
      action.reason ?? null,
      action.status,
    ],
  );
  if (!rows[0]) throw new Error(`Order action ${action.id} was not inserted.`);
  return toOrderAction(rows[0]);
}

export async function find(tx: TenantTx, id: OrderActionId): Promise<OrderAction | undefined> {
  const { rows } = await tx.query<OrderActionRow>(
    `select ${columns} from order_actions where tenant_id = $1 and id = $2`,
    [tx.tenantId, id],
  );
  return rows[0] && toOrderAction(rows[0]);
}

export async function get(tx: TenantTx, id: OrderActionId): Promise<OrderAction> {
  const action = await find(tx, id);
  if (!action) throw new Error(`There is no order action ${id}.`);
  return action;
}

/** The one action of an order that has no end yet. */
export async function findOpen(tx: TenantTx, orderId: OrderId): Promise<OrderAction | undefined> {
  const { rows } = await tx.query<OrderActionRow>(
    `select ${columns} from order_actions
      where tenant_id = $1 and order_id = $2 and status = 'requested'`,
    [tx.tenantId, orderId],
  );
  return rows[0] && toOrderAction(rows[0]);
}

/** Actions without an end that should be gone on with, longest overdue first. */
export async function listDue(tx: TenantTx, limit: number): Promise<OrderAction[]> {
  const { rows } = await tx.query<OrderActionRow>(
    `select ${columns} from order_actions
      where tenant_id = $1 and next_check_at <= now()
      order by next_check_at limit $2`,
    [tx.tenantId, limit],
  );
  return rows.map(toOrderAction);
}

type Lease = { readonly leaseId: string; readonly leaseMs: number };

/**
 * Takes an action without an end for one more run, and plans the next one. Whoever left a lease
 * behind died with it, and may have called the provider until its end.
 */
export async function claim(
  tx: TenantTx,
  id: OrderActionId,
  { leaseId, leaseMs }: Lease,
): Promise<OrderAction | undefined> {
  const { rows } = await tx.query<OrderActionRow>(
    `update order_actions
        set lease_id = $3, lease_until = now() + $4 * interval '1 ms',
            unclear_at = greatest(unclear_at, lease_until),
            next_check_at = now() + greatest($4 * interval '1 ms', ${gap}), updated_at = now()
      where tenant_id = $1 and id = $2 and status = 'requested'
        and (lease_until is null or lease_until <= now())
     returning ${columns}`,
    [tx.tenantId, id, leaseId, leaseMs],
  );
  return rows[0] && toOrderAction(rows[0]);
}

/** Stores how a run ended, if the caller's lease still is the one that counts. */
export async function settle(
  tx: TenantTx,
  id: OrderActionId,
  outcome: {
    readonly leaseId: string;
    readonly status: OrderActionStatus;
    readonly detail?: string;
    /** The call may have been executed. */
    readonly isUnclear?: boolean;
  },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update order_actions
        set status = $4, detail = $5, lease_id = null, lease_until = null,
            unclear_at = case when $6 then now() else unclear_at end,
            next_check_at = case when $4 = 'requested' then now() + ${gap} end,
            updated_at = now()
      where tenant_id = $1 and id = $2 and lease_id = $3`,
    [
      tx.tenantId,
      id,
      outcome.leaseId,
      outcome.status,
      outcome.detail ?? null,
      outcome.isUnclear ?? false,
    ],
  );
  return rowCount === 1;
}

/** Marks an action that has had no end for so long, once: a person has to be told. */
export async function alarm(tx: TenantTx, id: OrderActionId, days: number): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update order_actions set alarmed_at = now(), updated_at = now()
      where tenant_id = $1 and id = $2 and status = 'requested' and alarmed_at is null
        and created_at <= now() - $3 * interval '1 day'`,
    [tx.tenantId, id, days],
  );
  return rowCount === 1;
}

function toOrderAction(row: OrderActionRow): OrderAction {
  return {
    id: OrderActionId.parse(row.id),
    orderId: OrderId.parse(row.order_id),
    kind: row.kind,
    paymentIds: row.payment_ids.map((id) => PaymentId.parse(id)),
    status: row.status,
    detail: row.detail ?? undefined,
    unclearAt: row.unclear_at ?? undefined,
  };
}
