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

/** All that a merchant and its shoppers do on an ordinary day, and some that is refused. */
export async function live({ shop, serverUrl, midtransUrl, hear }: Life): Promise<void> {
  const { personal, own, secrets, slug } = shop;
  const bearer = { Authorization: `Bearer ${secrets.apiKey}` };

  async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
    const answer = await askRaw(serverUrl, {
      method: 'POST',
      path,
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    hear(answer);
    return answer;
  }

  async function look(path: string) {
    const answer = await askRaw(serverUrl, { method: 'GET', path, headers: bearer });
    hear(answer);
    return JSON.parse(answer.text);
  }

  async function control(path: string, body: object): Promise<void> {
    const answer = await askRaw(midtransUrl, {
      method: 'POST',
      path: `/_control/${path}`,
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(answer.status, answer.text).toBeLessThan(300);
  }

  const at = (orderId: string, act: string, body: object = {}) =>
    control(`orders/${orderId}/${act}`, { serverKey: secrets.serverKey, ...body });

  async function sell(orderId: string): Promise<string> {
    const { name, email, phone } = personal;
    const order = anOrder({ orderId, name, email, phone, paymentMethod: undefined });
    const answer = await post(`/payment/create?tenant=${slug}`, order);
    expect(answer.status, answer.text).toBe(200);
    return orderId;
  }

  async function sellAndPay(orderId: string, method: string): Promise<string> {
    await sell(orderId);
    await at(orderId, 'pay', { method });
    await expect
      .poll(async () => (await look(`/orders/${orderId}/status`)).order.status)
      .toBe('paid');
    return orderId;
  }

  async function serve(): Promise<void> {
    const refunded = await sellAndPay(`${own.order}-1`, 'gopay');
    const key = { ...bearer, 'Idempotency-Key': own.idempotencyKey };
    const refund = { amount: 1_000, reason: personal.refundReason };
    expect((await post(`/admin/orders/${refunded}/refunds`, refund, key)).status).toBe(201);
    await post(`/admin/orders/${refunded}/refunds`, refund, key);
    const cancelled = await sell(`${own.order}-2`);
    await post(`/admin/orders/${cancelled}/cancel`, { reason: personal.cancelReason }, bearer);
    await sellAndPay(sharedOrder, 'credit_card');
  }

  async function attend(): Promise<void> {
    const orderId = await sellAndPay(`${own.order}-3`, 'bca_va');
    await at(orderId, 'pay-besides');
    const items = async () => (await look('/admin/attention')).items as { id: string }[];
    await expect.poll(async () => (await items()).length).toBeGreaterThan(0);
    for (const { id } of await items()) {
      const answer = await post(`/admin/attention/${id}/resolve`, { note: personal.note }, bearer);
      expect(answer.status, answer.text).toBe(200);
    }
  }

  async function reconcile(): Promise<void> {
    const begun = await post('/admin/reconciliations', recentDays(), bearer);
    expect(begun.status, begun.text).toBe(202);
    const { id } = JSON.parse(begun.text).reconciliation as { id: string };
    const run = async () => (await look(`/admin/reconciliations/${id}`)).reconciliation;
    await expect.poll(async () => (await run()).status).not.toBe('running');
  }

  /** What is refused must not be repeated to anybody either. */
  async function stumble(): Promise<void> {
    const { apiKey, serverKey } = secrets;
    const body = { ...anOrder(personal), amount: -1, serverKey, apiKey };
    await post(`/payment/create?tenant=${slug}`, body);
    await post(`/payment/create?tenant=${slug}`, `{"${apiKey}": ${serverKey}`);
    await post(`/payment/create?tenant=${apiKey}`, body);
    await post(`/webhooks/midtrans?tenant=${slug}`, { ...body, signature_key: serverKey });
    await post('/admin/orders/none/cancel', refusalOf(apiKey), {
      Authorization: `Bearer ${apiKey}0`,
    });
    await post('/admin/orders/none/cancel', refusalOf(apiKey), {
      Authorization: `Basic ${apiKey}`,
    });
    await look(`/admin/stats?from=${apiKey}`);
    await look(`/nowhere?key=${apiKey}&email=${personal.email}`);
  }

  await serve();
  await attend();
  await reconcile();
  await stumble();
}

function refusalOf(secret: string) {
  return { reason: 'none', [secret]: secret };
}
