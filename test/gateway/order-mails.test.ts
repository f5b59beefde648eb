import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { jobPayloads } from '../../src/domain/jobs.ts';
import type { MailMessage } from '../../src/providers/mail/mailer.ts';
import { createOrderMails } from '../../src/services/order-mails.ts';
import { anOrder, type Gateway, type Merchant, startGateway } from '../support/gateway.ts';

let gateway: Gateway;
let merchant: Merchant;
let sent: MailMessage[];

beforeAll(async () => {
  gateway = await startGateway();
});

beforeEach(async () => {
  merchant = await gateway.merchant();
  sent = [];
});

afterAll(() => gateway.close());

/** Does the mail jobs that wait, as a worker would after an outage of the mail server. */
async function sendWaiting(): Promise<void> {
  const { db, addresses, services } = gateway.wiring;
  const mailer = {
    async send(message: MailMessage) {
      sent.push(message);
      return { messageId: message.messageId };
    },
    close() {},
  };
  const mails = createOrderMails({
    db,
    addresses,
    mailer,
    directory: services.directory,
    mailFrom: 'platform@kassa.example',
  });
  const tenant = await gateway.tenantOf(merchant.slug);
  const rows = await merchant.rows<{ topic: string; payload: unknown }>('outbox');
  for (const { topic, payload } of rows) {
    if (topic !== 'order-mail') continue;
    await mails.send(tenant.id, jobPayloads['order-mail'].parse(payload));
  }
}

const kinds = () => sent.map(({ messageId }) => /^<(\w+)\./.exec(messageId)?.[1]);

test('mails that waited say what is true now, and nothing that is over', async () => {
  const order = anOrder();
  await merchant.create(order);
  await merchant.runOut();
  await gateway.services.sweep();
  await merchant.create(order);
  const [first, second] = (await merchant.rows<{ provider_reference: string }>('payments')).sort(
    (a, b) => a.provider_reference.length - b.provider_reference.length,
  );
  if (!first || !second) throw new Error('The order has not got its two payments.');
  await merchant.tell(second.provider_reference);

  await sendWaiting();

  expect(kinds()).toEqual(['paid']);
});

test('every payment has message ids of its own, the same at every try', async () => {
  const order = anOrder();
  await merchant.create(order);
  await sendWaiting();
  await merchant.runOut();
  await gateway.services.sweep();
  await merchant.create(order);
  await sendWaiting();
  await sendWaiting();

  const ids = sent.map(({ messageId }) => messageId);

  expect(new Set(ids).size).toBe(2);
});

test.each([
  [{ email_from: 'Shop <orders@shop.example>' }, { name: 'Shop', address: 'orders@shop.example' }],
  [{ email_from: 'orders@shop.example' }, { name: 'A shop', address: 'orders@shop.example' }],
  [{ email_from: null }, { name: 'A shop', address: 'platform@kassa.example' }],
])('with %j a mail comes from %j', async (columns, from) => {
  merchant = await gateway.merchant(columns);
  await merchant.create(anOrder());

  await sendWaiting();

  expect(sent[0]?.from).toEqual(from);
});

test('the receipt of an order with a fee on top names what the shopper paid in all', async () => {
  const order = anOrder();
  await merchant.create(order);
  const info = {
    original_amount: '150000.00',
    gross_amount: '154000.00',
    customer_imposed_payment_fee: '4000.00',
  };
  const extra = { gross_amount: '154000.00', extra_info: { gross_amount_info: info } };
  await merchant.tell(order.orderId, extra);

  await sendWaiting();

  expect(sent.at(-1)?.text).toMatch(/154.000/);
});
