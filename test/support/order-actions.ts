import { anOrder, type Gateway, type Merchant } from './gateway.ts';
import { json } from './midtrans-stub.ts';
import type { openRefundDesk } from './refunds.ts';

const card = { payment_type: 'credit_card', fraud_status: 'accept' };
const captured = { ...card, transaction_status: 'capture' };

/** What Midtrans says of a card, by what became of it. */
export const cards = {
  reserved: { ...card, transaction_status: 'authorize' },
  captured,
  held: { ...captured, status_code: '201', fraud_status: 'challenge' },
  cancelled: { ...card, transaction_status: 'cancel', status_code: '200' },
} as const;
export const cannot = { status_code: '412', status_message: 'Merchant cannot modify it' };

type Action = { readonly status: string; readonly kind: string; readonly detail: string | null };
type Told = { readonly order_id: string; readonly transaction_id: string };

/** A merchant who cancels and captures, and the provider's books beside. */
export function openActionDesk(
  gateway: Gateway,
  merchant: Merchant,
  { post }: ReturnType<typeof openRefundDesk>,
) {
  const { midtrans } = gateway;
  return {
    cancel: (orderId: string, sender = {}) =>
      post(`${orderId}/cancel`, { reason: 'out of stock' }, sender),
    capture: (orderId: string, sender = {}) => post(`${orderId}/capture`, {}, sender),
    actions: () => merchant.rows<Action>('order_actions'),
    /** An order whose shopper has used a card, as the provider tells. */
    async orderWith(message: object) {
      const order = anOrder();
      await merchant.create(order);
      const told = await merchant.tell(order.orderId, { ...message });
      midtrans.calls.length = 0;
      return told.message;
    },
    /** The provider's books from now on. */
    setBooks(message: Told, change: object): void {
      midtrans.setStatus(message.order_id, { ...message, ...change });
      midtrans.setStatus(message.transaction_id, { ...message, ...change });
    },
    /** The provider does what it is asked for, or has got to know nothing of it; no answer comes. */
    loseAnswer(does?: () => void): void {
      midtrans.answerChanges((req) => {
        does?.();
        req.socket.destroy();
      });
    },
    refuseChanges: () => midtrans.answerChanges((_req, res) => json(res, 200, cannot)),
  };
}
