import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import file from '../data/midtrans-vectors.json' with { type: 'json' };
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';

type OrderBefore = {
  order_id: string;
  gross_amount: number;
  status: string;
  paid_transaction_id?: string;
  known_transaction_ids?: string[];
  refunded_total?: number;
};
type Vector = {
  id: string;
  title: string;
  endpoint_tenant: string;
  order_before: OrderBefore | null;
  request: { headers: Record<string, string>; body?: Record<string, unknown>; raw_body?: string };
  expected: {
    verdict: 'accept' | 'reject';
    effect: string;
    order_status_after: string | null;
    http_status: number;
    refunded_total?: number;
  };
};

const vectors = file.vectors as unknown as Vector[];
const accounts = file.tenants['tenant-a'];

/** The vectors' words for an order in ours; see docs/decisions/0003-midtrans-states.md. */
const ourWords: Readonly<Record<string, string>> = {
  authorized: 'pending',
  challenge: 'pending',
  canceled: 'cancelled',
  charged_back: 'disputed',
  partially_charged_back: 'disputed',
};

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(() => gateway.close());

test('the file has its 57 vectors, 31 to accept and 26 to reject', () => {
  const accepted = vectors.filter(({ expected }) => expected.verdict === 'accept');

  expect(vectors).toHaveLength(57);
  expect(accepted).toHaveLength(31);
});

test.each(vectors)('$id $title', async (vector) => {
  const { expected, request } = vector;
  const merchant = await gateway.merchant({
    midtrans_server_key: accounts.server_key,
    midtrans_merchant_id: accounts.merchant_id,
  });
  if (vector.order_before) await storeOrder(merchant, vector.order_before);
  tellBooks(vector);

  const answer = await gateway.send(`/webhooks/midtrans?tenant=${merchant.slug}`, {
    method: 'POST',
    headers: request.headers,
    body: request.raw_body ?? JSON.stringify(request.body),
  });

  expect(answer.status).toBe(expected.http_status);
  expect(answer.status < 300 ? 'accept' : 'reject').toBe(expected.verdict);
  const [order] = await merchant.rows<{ status: string; refunded_amount: string }>('orders');
  const after = expected.order_status_after;
  expect(order?.status ?? null).toBe(after === null ? null : (ourWords[after] ?? after));
  if (expected.refunded_total !== undefined) {
    expect(Number(order?.refunded_amount)).toBe(expected.refunded_total);
  }
  const before = vector.order_before?.status;
  const isUnchanged = before === after;
  const moves = (await merchant.rows<{ kind: string }>('order_events')).filter(
    ({ kind }) => kind === 'order-moved',
  );
  if (isUnchanged) expect(moves).toEqual([]);
});

test('an authorised card is known as such on the payment', async () => {
  const vector = vectors.find(({ id }) => id === 'V08');
  if (!vector?.order_before) throw new Error('V08 is gone.');
  const merchant = await gateway.merchant({ midtrans_server_key: accounts.server_key });
  await storeOrder(merchant, vector.order_before);
  tellBooks(vector);

  await merchant.notify(vector.request.body);

  const [payment] = await merchant.rows<{ status: string }>('payments');
  expect(payment?.status).toBe('authorized');
});

/** Makes the provider's books agree with a genuine message; of an edited one they keep the truth. */
function tellBooks({ expected, request, order_before: before }: Vector): void {
  const body = request.body ?? parse(request.raw_body);
  if (!body) return;
  const isTrue = expected.verdict === 'accept';
  const truth = isTrue ? {} : { transaction_status: 'pending', status_code: '201' };
  const status = { ...body, ...truth, status_message: 'Success, transaction is found' };
  gateway.midtrans.setStatus(String(body.transaction_id), status);
  if (before) gateway.midtrans.setStatus(before.order_id, status);
}

function parse(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Puts an order into the database as earlier messages would have left it. */
async function storeOrder(merchant: Merchant, order: OrderBefore): Promise<void> {
  const customerId = randomUUID();
  const orderId = randomUUID();
  const status = ourWords[order.status] ?? order.status;
  const refunded = order.refunded_total ?? (status === 'refunded' ? order.gross_amount : 0);
  const transactionId = order.paid_transaction_id ?? order.known_transaction_ids?.[0] ?? null;
  const { admin } = gateway;
  await admin.query(
    `insert into customers (tenant_id, id, email, name) values ($1, $2, 'a@b.example', 'A')`,
    [merchant.id, customerId],
  );
  await admin.query(
    `insert into orders (tenant_id, id, order_id, customer_id, customer_name, status, amount,
                         refunded_amount, currency, content_hash, business_day)
     values ($1, $2, $3, $4, 'A', $5, $6, $7, 'IDR', '\\x00', '2026-01-15')`,
    [merchant.id, orderId, order.order_id, customerId, status, order.gross_amount, refunded],
  );
  const captured = ['pending', 'expired'].includes(status) ? 0 : order.gross_amount;
  await admin.query(
    `insert into payments (tenant_id, order_id, provider, provider_reference, status, amount,
                           captured_amount, refunded_amount, currency, provider_transaction_id,
                           token, redirect_url, expires_at)
     values ($1, $2, 'midtrans', $3, $4, $5, $6, $7, 'IDR', $8, 'token', 'https://app.example/x',
             now() + interval '1 day')`,
    [
      merchant.id,
      orderId,
      order.order_id,
      status,
      order.gross_amount,
      captured,
      refunded,
      transactionId,
    ],
  );
}
