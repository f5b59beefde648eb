import type { Db, TenantTx } from '../db/database.ts';
import type { TenantId } from '../domain/ids.ts';
import { hasMoney, mayStartAgain } from '../domain/payment-states.ts';
import * as orderEvents from '../repositories/order-events.ts';
import type { Order } from '../repositories/orders.ts';
import * as orders from '../repositories/orders.ts';
import * as paymentCalls from '../repositories/payment-calls.ts';
import type { Payment } from '../repositories/payments.ts';
import * as payments from '../repositories/payments.ts';
import { followPayments, queueEnd, queueMail } from './order-changes.ts';

/** A call to the provider for a payment, whose outcome only the holder of the lease may write. */
export type ProviderCall = {
  readonly tenantId: TenantId;
  readonly order: Order;
  readonly payment: Payment;
  readonly leaseId: string;
  readonly requestId: string;
};

const firstCheckSeconds = 120;
const unknownCheckSeconds = 30;

/** The second transaction of a create: how the call ended. */
export function createCallOutcomes({ db }: { db: Db }) {
  /** False when the page must not be shown: another one counts, or the order is paid by now. */
  async function storePage(
    call: ProviderCall,
    page: { token: string; redirectUrl: string },
  ): Promise<boolean> {
    const { tenantId, payment, leaseId, requestId } = call;
    const cause = { source: 'api', requestId } as const;
    return db.withTenant(tenantId, async (tx) => {
      const order = await orders.lock(tx, call.order.id);
      const { status } = await payments.get(tx, payment.id);
      const settled = { ...page, leaseId, nextCheckSeconds: firstCheckSeconds };
      // Our lease may have ended while the provider was slow; then somebody else's page counts.
      if (!(await paymentCalls.settlePage(tx, payment.id, settled))) return false;
      // A notification may have been faster: then the page moves nothing.
      const toStatus = status === 'creating' ? 'pending' : status;
      await append(tx, call, { kind: 'page-created', fromStatus: status, toStatus });
      if (hasMoney(order.status) || mayStartAgain(status)) {
        // An older page of the order was paid, or this payment was ended, while the page was made.
        await queueEnd(tx, payment, cause);
        return false;
      }
      await queueMail(tx, payment, 'created', cause);
      return true;
    });
  }

  async function storeUnknown(
    call: ProviderCall,
    { mayHavePage }: { mayHavePage: boolean },
  ): Promise<void> {
    const { tenantId, order, payment, leaseId } = call;
    await db.withTenant(tenantId, async (tx) => {
      await orders.lock(tx, order.id);
      const settled = { leaseId, nextCheckSeconds: unknownCheckSeconds, mayHavePage };
      if (!(await paymentCalls.settleUnknown(tx, payment.id, settled))) return;
      await append(tx, call, { kind: 'payment-moved', toStatus: 'unknown' });
    });
  }

  async function storeRefused(call: ProviderCall): Promise<void> {
    const { tenantId, payment, leaseId, requestId } = call;
    await db.withTenant(tenantId, async (tx) => {
      const order = await orders.lock(tx, call.order.id);
      if (!(await paymentCalls.settleFailed(tx, payment.id, leaseId))) return;
      await append(tx, call, { kind: 'payment-moved', toStatus: 'failed' });
      await followPayments(tx, order, { cause: { source: 'api', requestId } });
    });
  }

  return { storePage, storeUnknown, storeRefused };
}

async function append(
  tx: TenantTx,
  { order, payment, requestId }: ProviderCall,
  event: {
    readonly kind: string;
    readonly fromStatus?: Payment['status'];
    readonly toStatus: Payment['status'];
  },
): Promise<void> {
  await orderEvents.append(tx, {
    orderId: order.id,
    paymentId: payment.id,
    source: 'api',
    fromStatus: 'creating',
    reference: payment.reference,
    requestId,
    ...event,
  });
}
