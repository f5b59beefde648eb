import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { OrderId } from '../../src/domain/ids.ts';
import * as orderEvents from '../../src/repositories/order-events.ts';
import * as payments from '../../src/repositories/payments.ts';
import { movePayment } from '../../src/services/order-changes.ts';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';

let gateway: Gateway;
let merchant: Merchant;

beforeAll(async () => {
  gateway = await startGateway();
});

beforeEach(async () => {
  merchant = await gateway.merchant();
});

afterAll(() => gateway.close());

/** The ids of a new order and its tenant. */
async function openOrder() {
  const order = anOrder();
  await merchant.create(order);
  const [row] = await merchant.rows<{ id: string }>('orders');
  const { id: tenantId } = await gateway.tenantOf(merchant.slug);
  return { tenantId, reference: order.orderId, orderId: OrderId.parse(row?.id) };
}

test('a move that the table does not have is refused, whoever decided it, and leaves no trace', async () => {
  const { tenantId, reference, orderId } = await openOrder();
  await merchant.tell(reference);
  const events = await merchant.rows('order_events');
  const transfers = await merchant.rows('ledger_transfers');

  const moved = gateway.wiring.db.withTenant(tenantId, async (tx) => {
    const [payment] = await payments.listOfOrder(tx, orderId);
    if (!payment) throw new Error('The order has no payment.');
    const cause = { source: 'check', timeZone: 'Asia/Jakarta' } as const;
    await movePayment(tx, payment, { ...payment, status: 'pending' }, cause);
  });

  await expect(moved).rejects.toThrow('cannot go from paid to pending');
  expect(await merchant.rows('payments')).toMatchObject([{ status: 'paid' }]);
  expect(await merchant.rows('order_events')).toEqual(events);
  expect(await merchant.rows('ledger_transfers')).toEqual(transfers);
});

test('what had to wait for another stands after it in the history, though it began before', async () => {
  const { tenantId, orderId } = await openOrder();
  const event = (kind: string) => ({ orderId, kind, source: 'check' }) as const;
  const { db } = gateway.wiring;

  await db.withTenant(tenantId, async (early) => {
    await early.query('select 1');
    await db.withTenant(tenantId, (late) => orderEvents.append(late, event('began-second')));
    await orderEvents.append(early, event('began-first'));
  });

  const { rows } = await gateway.admin.query(
    `select kind from order_events where order_id = $1 and kind like 'began-%' order by created_at`,
    [orderId],
  );
  expect(rows.map(({ kind }) => kind)).toEqual(['began-second', 'began-first']);
});
