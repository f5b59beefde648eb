import type { CustomersQuery, CustomersReply } from '../contracts/customers.ts';
import { pageOf } from '../contracts/pages.ts';
import type { Db } from '../db/database.ts';
import type { Tenant } from '../domain/tenant.ts';
import * as customerTotals from '../repositories/customer-totals.ts';
import * as customers from '../repositories/customers.ts';

export type CustomerService = ReturnType<typeof createCustomerService>;

export function createCustomerService({ db }: { db: Db }) {
  async function list(tenant: Tenant, query: CustomersQuery): Promise<CustomersReply> {
    const { cursor, limit } = query;
    return db.withTenant(tenant.id, async (tx) => {
      const found = await customers.list(tx, { after: cursor, limit: limit + 1 });
      const { items: page, next } = pageOf(found, limit, ({ position }) => position);
      const ids = page.map(({ id }) => id);
      const totals = Map.groupBy(
        await customerTotals.listOf(tx, ids),
        ({ customerId }) => customerId,
      );
      return {
        success: true,
        customers: page.map((customer) => toView(customer, totals.get(customer.id) ?? [])),
        next,
      };
    });
  }

  return { list };
}

function toView(
  customer: customers.Customer,
  totals: readonly customerTotals.CustomerTotals[],
): CustomersReply['customers'][number] {
  return {
    id: customer.id,
    email: customer.email,
    name: customer.name,
    phone: customer.phone ?? null,
    totals: totals.map(({ currency, orders, paidOrders, spentAmount, refundedAmount }) => ({
      currency,
      orders: Number(orders),
      paidOrders: Number(paidOrders),
      spent: Number(spentAmount),
      refunded: Number(refundedAmount),
    })),
    firstSeenAt: customer.createdAt.toISOString(),
    lastSeenAt: customer.lastSeenAt.toISOString(),
  };
}
