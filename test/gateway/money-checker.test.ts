import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type MidtransEmulator, startMidtransEmulator } from '../../emulators/midtrans/emulator.ts';
import { checkMoney } from '../../local/money-checker.ts';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { send } from '../support/system.ts';

// The checker is what other suites believe: here its own books are damaged, and it has to say so.

let gateway: Gateway;
let emulator: MidtransEmulator;
let merchant: Merchant;

beforeAll(async () => {
  emulator = await startMidtransEmulator({ port: 0, dataFile: ':memory:' });
  gateway = await startGateway({ MIDTRANS_BASE_URL: emulator.url });
});

beforeEach(async () => {
  await gateway.admin.query('truncate tenants cascade');
  await send(`${emulator.url}/_control/reset`, { body: {} });
  merchant = await gateway.merchant();
  await send(`${emulator.url}/_control/accounts`, { body: { serverKey: merchant.serverKey } });
});

afterAll(async () => {
  await gateway.close();
  await emulator.close();
});

/** An order that was paid with a fee on top, in both books. */
async function paidOrder(): Promise<void> {
  const { orderId } = anOrder();
  await merchant.create(anOrder({ orderId, paymentMethod: 'gopay' }));
  const order = `${emulator.url}/_control/orders/${orderId}`;
  await send(`${order}/fee`, { body: { amount: 2_500 } });
  await send(`${order}/pay`, { body: { method: 'gopay' } });
  await gateway.admin.query('update payments set next_check_at = now()');
  await gateway.services.sweep();
  expect(await merchant.orderStatus(orderId)).toBe('paid');
}

async function violated(): Promise<string[]> {
  const invariants = await checkMoney({
    adminUrl: gateway.database.admin,
    midtransUrl: emulator.url,
  });
  return invariants
    .filter(({ violations }) => violations.length > 0)
    .map(({ name }) => name.replace(/:.*/, ''));
}

test('an order that was paid with a fee on top is right in both books', async () => {
  await paidOrder();

  expect(await violated()).toEqual([]);
});

const doubled = `insert into payments (tenant_id, order_id, provider, provider_reference, attempt,
    provider_transaction_id, status, amount, captured_amount, currency, expires_at)
  select tenant_id, order_id, provider, provider_reference, 2, 'OTHER', 'paid', amount, amount,
         currency, expires_at from payments`;

test.each<[string, string, string]>([
  [
    'a capture has no payment of its own',
    `update payments set provider_transaction_id = 'X'`,
    'I1',
  ],
  ['an order was charged twice', doubled, 'I2'],
  ['another fee was taken', 'update payments set customer_fee = customer_fee + 1', 'I3'],
  ['less was taken', 'update payments set captured_amount = captured_amount - 1', 'I4'],
  ["a fee's transfer is missing", `delete from ledger_transfers where kind = 'fee'`, 'I6'],
  [
    'a fee is posted as a sale',
    `update ledger_transfers set credit_account = 'sales' where kind = 'fee'`,
    'I6',
  ],
  ['nobody was told of a fee', 'delete from attention_items', 'I6'],
])('it finds that %s', async (_name, damage, invariant) => {
  await paidOrder();

  await gateway.admin.query(damage);

  expect((await violated()).map((name) => name.slice(0, 2))).toContain(invariant);
});

test('an order that was charged twice is right once a person was told of that', async () => {
  await paidOrder();
  await gateway.admin.query(doubled);
  await gateway.admin.query(
    `insert into attention_items (tenant_id, order_id, payment_id, reason, detail)
     select tenant_id, order_id, id, 'paid-twice', 'x' from payments where attempt = 2`,
  );

  expect(await violated()).not.toContain('I2 no double charge');
});
