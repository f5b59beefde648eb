import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  aNotification,
  anOrder,
  type Gateway,
  type Merchant,
  startGateway,
} from '../support/gateway.ts';
import { json } from '../support/midtrans-stub.ts';

// Whatever order the notifications of a payment come in, and however many copies of each: one end.

type Message = Record<string, unknown> & { transaction_id: string };

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({ NOTIFICATION_CONFIRM_MS: '1500' });
});

afterAll(() => gateway.close());

const statuses = {
  pending: { transaction_status: 'pending', status_code: '201' },
  settlement: { transaction_status: 'settlement', status_code: '200' },
  deny: { transaction_status: 'deny', status_code: '202' },
  expire: { transaction_status: 'expire', status_code: '202' },
  cancel: { transaction_status: 'cancel', status_code: '200' },
  authorize: { transaction_status: 'authorize', status_code: '200' },
  challenge: { transaction_status: 'capture', status_code: '201', fraud_status: 'challenge' },
  capture: { transaction_status: 'capture', status_code: '200' },
  refund: { transaction_status: 'refund', status_code: '200', refund_amount: '150000.00' },
  partialRefund: {
    transaction_status: 'partial_refund',
    status_code: '200',
    refund_amount: '50000.00',
  },
  chargeback: { transaction_status: 'chargeback', status_code: '200' },
} as const;
type Said = keyof typeof statuses;

/** What one attempt said after the other, by attempt. The last word of each is the truth. */
const lives: {
  name: string;
  attempts: Said[][];
  end: string;
  revenue: number;
  /** We heard of this while it was true; money that comes and goes unheard is a refusal to us. */
  heard?: Said;
}[] = [
  { name: 'paid', attempts: [['pending', 'settlement']], end: 'paid', revenue: 150_000 },
  {
    name: 'refunded in two steps',
    attempts: [['pending', 'settlement', 'partialRefund', 'refund']],
    end: 'refunded',
    revenue: 0,
  },
  {
    name: 'refunded in part',
    attempts: [['settlement', 'partialRefund']],
    end: 'partially_refunded',
    revenue: 100_000,
  },
  {
    name: 'denied, then paid by another attempt',
    attempts: [
      ['pending', 'deny'],
      ['pending', 'settlement'],
    ],
    end: 'paid',
    revenue: 150_000,
  },
  {
    name: 'settled late',
    attempts: [['pending', 'expire', 'settlement']],
    end: 'paid',
    revenue: 150_000,
  },
  {
    name: 'held, approved, settled',
    attempts: [['challenge', 'capture', 'settlement']],
    end: 'paid',
    revenue: 150_000,
  },
  {
    name: 'reserved, captured, settled',
    attempts: [['authorize', 'capture', 'settlement']],
    end: 'paid',
    revenue: 150_000,
  },
  {
    name: 'reversed',
    attempts: [['pending', 'settlement', 'deny']],
    end: 'failed',
    revenue: 0,
    heard: 'settlement',
  },
  { name: 'voided', attempts: [['pending', 'capture', 'cancel']], end: 'cancelled', revenue: 0 },
  {
    name: 'charged back',
    attempts: [['pending', 'settlement', 'chargeback']],
    end: 'disputed',
    revenue: 0,
  },
  { name: 'expired', attempts: [['pending', 'expire']], end: 'expired', revenue: 0 },
];

function permutationsOf<T>(values: readonly T[]): T[][] {
  if (values.length === 0) return [[]];
  return values.flatMap((value, index) =>
    permutationsOf(values.toSpliced(index, 1)).map((rest) => [value, ...rest]),
  );
}

/** Tells a life to an order of the merchant; the provider's books have its end from the first on. */
async function tellAll(
  merchant: Merchant,
  { attempts, heard }: Pick<(typeof lives)[number], 'attempts' | 'heard'>,
  order: readonly number[],
) {
  const { orderId } = anOrder();
  await merchant.create(anOrder({ orderId, paymentMethod: undefined }));
  const told = attempts.map((said): Message[] => {
    const transaction = aNotification({ order_id: orderId, payment_type: 'credit_card' });
    return said.map((status) => ({ ...transaction, ...statuses[status] }));
  });
  if (heard) await merchant.tell(orderId, { ...told[0]?.[0], ...statuses[heard] });
  for (const truth of told.map((all) => all.at(-1) ?? {})) {
    const { transaction_id } = truth as Message;
    for (const id of [transaction_id, orderId]) gateway.midtrans.setStatus(id, truth);
  }
  const messages = told.flat();
  for (const [place, index] of order.entries()) {
    const message = merchant.signed(messages[index] ?? {});
    const copies = Array.from({ length: 1 + (place % 3) }, () => merchant.notify(message));
    for (const { status } of await Promise.all(copies)) expect([200, 409]).toContain(status);
  }
  return orderId;
}

for (const { name, end, revenue, ...life } of lives) {
  const count = life.attempts.flat().length;
  test(`${name}: all orders of ${count} messages, each one to three times`, async () => {
    const permutations = permutationsOf(Array.from({ length: count }, (_, index) => index));
    const merchant = await gateway.merchant();
    for (const order of permutations) {
      const orderId = await tellAll(merchant, life, order);

      expect(await merchant.orderStatus(orderId), order.join()).toBe(end);
    }

    const { stats } = (await merchant.stats()).body;
    expect(stats).toMatchObject({ revenue: permutations.length * revenue });
    const tenant = await gateway.tenantOf(merchant.slug);
    expect(await gateway.services.ledger.check(tenant)).toEqual([]);
    expect(await gateway.services.stats.rebuild(tenant, { mode: 'look' })).toEqual([]);
    const positions = await merchant.rows<Record<string, string>>('payments');
    const ends = positions.map((row) => [row.captured_amount, row.refunded_amount].join());
    expect(new Set(ends).size).toBe(1);
  });
}

test('of two cards that were reserved the one that counts is captured', async () => {
  const merchant = await gateway.merchant();
  const order = anOrder({ paymentMethod: undefined });
  await merchant.create(order);
  const card = { payment_type: 'credit_card', ...statuses.authorize };
  const { message: first } = await merchant.tell(order.orderId, card);
  gateway.midtrans.setStatus(first.transaction_id, { ...first, ...statuses.deny });
  const { message: second } = await merchant.tell(order.orderId, card);
  gateway.midtrans.answerChanges((_req, res) => {
    const captured = { ...second, ...statuses.capture };
    for (const id of [second.transaction_id, order.orderId]) {
      gateway.midtrans.setStatus(id, captured);
    }
    json(res, 200, { status_code: '200' });
  });

  const answer = await gateway.send(`/admin/orders/${order.orderId}/capture`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Bearer ${merchant.secretKey}`,
    },
    body: '{}',
  });

  expect(answer).toMatchObject({ status: 200, body: { order: { status: 'paid' } } });
  const [call] = gateway.midtrans.changeCalls();
  expect(JSON.parse(call?.body ?? '{}')).toMatchObject({ transaction_id: second.transaction_id });
});
