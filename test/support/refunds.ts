import {
  type Answer,
  type aNotification,
  anOrder,
  type Gateway,
  type Merchant,
} from './gateway.ts';
import { json } from './midtrans-stub.ts';

export type RefundRow = {
  readonly id: string;
  readonly status: string;
  readonly amount: string;
  readonly source: string;
  readonly provider_key: string;
  readonly detail: string | null;
};
type Paid = ReturnType<typeof aNotification> & { order_id: string };
type Listed = { readonly key: string; readonly amount: number; readonly isConfirmed?: boolean };
type Sender = { readonly from?: Merchant; readonly key?: string };

/** A merchant's desk for refunds, and the provider's books beside it. */
export function openRefundDesk(gateway: Gateway, merchant: Merchant) {
  const { midtrans } = gateway;

  async function post(path: string, body: object, { from = merchant, key }: Sender = {}) {
    return gateway.send(`/admin/orders/${path}`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Authorization: `Bearer ${from.secretKey}`,
        ...(key && { 'Idempotency-Key': key }),
      },
      body: JSON.stringify(body),
    });
  }

  async function paidOrder(): Promise<Paid> {
    const order = anOrder();
    await merchant.create(order);
    const { message } = await merchant.tell(order.orderId, { payment_type: 'gopay' });
    midtrans.calls.length = 0;
    return message;
  }

  /** The provider's books from now on have these refunds; answers what they say. */
  function setBooks(paid: Paid, refunds: readonly Listed[]) {
    const sum = refunds.reduce((total, { amount }) => total + amount, 0);
    const status = sum === 150_000 ? 'refund' : 'partial_refund';
    const message = {
      ...paid,
      transaction_status: sum === 0 ? 'settlement' : status,
      ...(sum > 0 && { refund_amount: `${sum}.00`, refunds: refunds.map(toBooks) }),
    };
    midtrans.setStatus(paid.transaction_id, message);
    midtrans.setStatus(paid.order_id, message);
    return message;
  }

  /** The provider does each refund that it is asked for, and its books show it. */
  function doRefunds(paid: Paid): Listed[] {
    const done: Listed[] = [];
    midtrans.answerChanges((_req, res, body) => {
      const { refund_key, amount } = JSON.parse(body);
      done.push({ key: refund_key, amount });
      setBooks(paid, done);
      json(res, 200, { status_code: '200', refund_key });
    });
    return done;
  }

  return {
    post,
    refund: (orderId: string, body: object = {}, sender: Sender = {}): Promise<Answer> =>
      post(`${orderId}/refunds`, { reason: 'broken', ...body }, sender),
    list: (orderId: string, { from = merchant }: Sender = {}): Promise<Answer> =>
      gateway.send(`/admin/orders/${orderId}/refunds`, {
        headers: { Authorization: `Bearer ${from.secretKey}` },
      }),
    paidOrder,
    setBooks,
    doRefunds,
    rows: () => merchant.rows<RefundRow>('refunds'),
    refundCalls: () => midtrans.changeCalls().map(({ body }) => JSON.parse(body)),
    /** One run of the job that repeats a call in doubt. */
    async resolve(id: unknown): Promise<void> {
      const tenant = await gateway.tenantOf(merchant.slug);
      await gateway.services.refunds.resolve(tenant, id as never);
    },
    /** One run of the job that asks what the bank says. */
    async follow(id: unknown): Promise<void> {
      const tenant = await gateway.tenantOf(merchant.slug);
      await gateway.services.refunds.follow(tenant, id as never);
    },
    /** As if that much time had passed for the merchant's refunds. */
    async pass(time: string): Promise<void> {
      await gateway.admin.query(
        `update refunds
            set accepted_at = accepted_at - $2::interval, created_at = created_at - $2::interval,
                lease_until = lease_until - $2::interval
          where tenant_id = $1`,
        [merchant.id, time],
      );
    },
    async attention(): Promise<string | null> {
      const items = await merchant.attention();
      return items.length === 0 ? null : items.map(({ detail }) => detail).join('\n');
    },
    /** What is off in the merchant's ledger. */
    async findings() {
      return gateway.services.ledger.check(await gateway.tenantOf(merchant.slug));
    },
  };
}

function toBooks({ key, amount, isConfirmed }: Listed) {
  return {
    refund_key: key,
    refund_amount: `${amount}.00`,
    reason: 'broken',
    ...(isConfirmed && { bank_confirmed_at: '2026-01-15 10:05:00' }),
  };
}
