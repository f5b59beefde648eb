import type { OrderStatusReply } from '../contracts/orders.ts';
import type { Db } from '../db/database.ts';
import type { OrderReference } from '../domain/ids.ts';
import { isOpen, orderStandOf } from '../domain/payment-states.ts';
import { Problem } from '../domain/problems.ts';
import type { Tenant } from '../domain/tenant.ts';
import * as orders from '../repositories/orders.ts';
import * as payments from '../repositories/payments.ts';

export type OrderService = ReturnType<typeof createOrderService>;

export function createOrderService({ db }: { db: Db }) {
  /** @throws Problem `order-not-found` */
  async function status(tenant: Tenant, reference: OrderReference): Promise<OrderStatusReply> {
    return db.withTenant(tenant.id, async (tx) => {
      const order = await orders.findByReference(tx, reference);
      if (!order) throw new Problem('order-not-found', `There is no order ${reference}.`);
      const { payment } = orderStandOf(await payments.listOfOrder(tx, order.id));
      return {
        success: true,
        order: {
          orderId: order.reference,
          status: order.status,
          amount: Number(order.money.amount),
          customerFee: Number(payment.customerFee),
          refundedAmount: Number(payment.refundedAmount),
          currency: order.money.currency,
          paymentMethod: payment.method ?? order.paymentMethod ?? null,
          createdAt: order.createdAt.toISOString(),
          paidAt: order.paidAt?.toISOString() ?? null,
          expiresAt: isOpen(payment.status) ? payment.expiresAt.toISOString() : null,
        },
      };
    });
  }

  return { status };
}
