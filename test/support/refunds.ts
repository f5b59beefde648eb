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
  readonly next_check_at: Date | null;
  readonly alarmed_at: Date | null;
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

  async function lookAt(id: unknown): Promise<string | undefined> {
    const tenant = await gateway.tenantOf(merchant.slug);
    await gateway.services.refunds.look(tenant, id as never);
    return (await merchant.rows<RefundRow>('refunds')).find((row) => row.id === id)?.status;
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
    /** One look at a refund in doubt, which stays so as long as nobody knows. */
    async resolve(id: unknown): Promise<void> {
      const status = await lookAt(id);
      if (status === 'requested' || status === 'unknown') throw new Error(`It is ${status}.`);
    },
    /** One look at an accepted refund. */
    async follow(id: unknown): Promise<void> {
      const status = await lookAt(id);
      if (status === 'accepted') throw new Error('The bank has not confirmed it.');
    },
    /** As if that much time had passed for what is under way at the merchant's. */
    async pass(time: string): Promise<void> {
      const earlier = (columns: string[]) =>
        columns.map((column) => `${column} = ${column} - $2::interval`).join(', ');
      const both = ['created_at', 'lease_until', 'unclear_at', 'next_check_at'];
      const values = [merchant.id, time];
      await gateway.admin.query(
        `update refunds set ${earlier([...both, 'accepted_at'])} where tenant_id = $1`,
        values,
      );
      await gateway.admin.query(
        `update order_actions set ${earlier(both)} where tenant_id = $1`,
        values,
      );
    },
    async attention(): Promise<string | null> {
      const items = await merchant.attention();
      return items.length === 0 ? null : items.map(({ detail }) => detail).join('\n');
    },
    /** The merchant is done with all that is on the list. */
    async lookedAt(): Promise<void> {
      await gateway.admin.query(
        `update attention_items
            set resolved_at = now(), resolved_by = 'merchant', resolution = 'Looked at.'
          where tenant_id = $1 and resolved_at is null`,
        [merchant.id],
      );
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
