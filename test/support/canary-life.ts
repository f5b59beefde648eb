import { expect } from 'vitest';
import type { CanaryShop } from './canary-shops.ts';
import { anOrder } from './gateway.ts';
import { askRaw, type RawAnswer } from './raw-requests.ts';
import { recentDays } from './reconciliations.ts';

type Life = {
  readonly shop: CanaryShop;
  readonly serverUrl: string;
  readonly midtransUrl: string;
  /** Takes every answer that the merchant or its shoppers get. */
  readonly hear: (answer: RawAnswer) => void;
};

/** Both merchants call an order so. */
const sharedOrder = 'THE-SAME-ORDER';

type Client = ReturnType<typeof openClient>;

/** All that a merchant and its shoppers do on an ordinary day, and some that is refused. */
export async function live(life: Life): Promise<void> {
  const client = openClient(life);
  await serve(client, life.shop);
  await attend(client, life.shop);
  await reconcile(client);
  await stumble(client, life.shop);
}

function openClient({ shop, serverUrl, midtransUrl, hear }: Life) {
  const { secrets, slug } = shop;
  const bearer = { Authorization: `Bearer ${secrets.apiKey}` };

  async function post(path: string, body: unknown, headers: Record<string, string> = bearer) {
    const answer = await askRaw(serverUrl, {
      method: 'POST',
      path,
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    hear(answer);
    return answer;
  }

  return {
    bearer,
    post,
    /** As a shop's page does, which has no key. */
    shopPost: (path: string, body: unknown) => post(`${path}?tenant=${slug}`, body, {}),
    async look(path: string) {
      const answer = await askRaw(serverUrl, { method: 'GET', path, headers: bearer });
      hear(answer);
      return JSON.parse(answer.text);
    },
    /** What happens to an order at the provider. */
    async at(orderId: string, act: string, body: object = {}): Promise<void> {
      const answer = await askRaw(midtransUrl, {
        method: 'POST',
        path: `/_control/orders/${orderId}/${act}`,
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ serverKey: secrets.serverKey, ...body }),
      });
      expect(answer.status, answer.text).toBeLessThan(300);
    },
  };
}

async function sell({ shopPost }: Client, { personal }: CanaryShop, orderId: string) {
  const { name, email, phone } = personal;
  const order = anOrder({ orderId, name, email, phone, paymentMethod: undefined });
  const answer = await shopPost('/payment/create', order);
  expect(answer.status, answer.text).toBe(200);
  return orderId;
}

type Sale = { readonly orderId: string; readonly method: string };

async function sellAndPay(client: Client, shop: CanaryShop, { orderId, method }: Sale) {
  await sell(client, shop, orderId);
  await client.at(orderId, 'pay', { method });
  const status = async () => (await client.look(`/orders/${orderId}/status`)).order.status;
  await expect.poll(status).toBe('paid');
}

async function serve(client: Client, shop: CanaryShop): Promise<void> {
  const { personal, own } = shop;
  const refunded = { orderId: `${own.order}-1`, method: 'gopay' };
  await sellAndPay(client, shop, refunded);
  const key = { ...client.bearer, 'Idempotency-Key': own.idempotencyKey };
  const refund = { amount: 1_000, reason: personal.refundReason };
  for (const _ of ['first', 'again']) {
    const answer = await client.post(`/admin/orders/${refunded.orderId}/refunds`, refund, key);
    expect(answer.status, answer.text).toBe(201);
  }
  const cancelled = await sell(client, shop, `${own.order}-2`);
  await client.post(`/admin/orders/${cancelled}/cancel`, { reason: personal.cancelReason });
  await sellAndPay(client, shop, { orderId: sharedOrder, method: 'credit_card' });
}

async function attend(client: Client, shop: CanaryShop): Promise<void> {
  const orderId = `${shop.own.order}-3`;
  await sellAndPay(client, shop, { orderId, method: 'bca_va' });
  await client.at(orderId, 'pay-besides');
  const items = async () => (await client.look('/admin/attention')).items as { id: string }[];
  await expect.poll(async () => (await items()).length).toBeGreaterThan(0);
  for (const { id } of await items()) {
    const note = { note: shop.personal.note };
    const answer = await client.post(`/admin/attention/${id}/resolve`, note);
    expect(answer.status, answer.text).toBe(200);
  }
}

async function reconcile({ post, look }: Client): Promise<void> {
  const begun = await post('/admin/reconciliations', recentDays());
  expect(begun.status, begun.text).toBe(202);
  const { id } = JSON.parse(begun.text).reconciliation as { id: string };
  const run = async () => (await look(`/admin/reconciliations/${id}`)).reconciliation;
  await expect.poll(async () => (await run()).status).not.toBe('running');
}

/** What is refused must not be repeated to anybody either. */
async function stumble(client: Client, { personal, secrets }: CanaryShop): Promise<void> {
  const { post, shopPost, look } = client;
  const { apiKey, serverKey } = secrets;
  const body = { ...anOrder(personal), amount: -1, serverKey, apiKey };
  const cancel = '/admin/orders/none/cancel';
  await shopPost('/payment/create', body);
  await shopPost('/payment/create', `{"${apiKey}": ${serverKey}`);
  await shopPost('/webhooks/midtrans', { ...body, signature_key: serverKey });
  await post(`/payment/create?tenant=${apiKey}`, body, {});
  await post(cancel, { reason: 'none', [apiKey]: apiKey }, { Authorization: `Bearer ${apiKey}0` });
  await post(cancel, { reason: 'none', [apiKey]: apiKey }, { Authorization: `Basic ${apiKey}` });
  await look(`/admin/stats?from=${apiKey}`);
  await look(`/nowhere?key=${apiKey}&email=${personal.email}`);
}
