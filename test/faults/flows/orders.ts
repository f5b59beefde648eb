import { anOrder } from '../../support/gateway.ts';
import type { Passage } from '../support/gate.ts';
import { insist, settleDown } from '../support/quiet.ts';
import { shop } from '../support/shop.ts';
import type { World } from '../support/world.ts';
import { askingFor, type Flow } from './story.ts';

const amount = 150_000;

/** An order that any method can pay. */
export function anyOrder() {
  return anOrder({ paymentMethod: undefined, amount });
}

export async function createOrder(world: World): Promise<string> {
  const order = anyOrder();
  await insist(world, { path: '/payment/create', body: order });
  return order.orderId;
}

/** Paid, heard of, and its mails sent. */
export async function payOrder(world: World, method: string): Promise<string> {
  const orderId = await createOrder(world);
  await world.outside.onOrder(orderId, 'pay', { method });
  await world.outside.deliver();
  await settleDown(world);
  return orderId;
}

/** A card that is reserved and not charged, as merchants have it whose account is set up so. */
export async function reserveOrder(world: World): Promise<string> {
  const orderId = await createOrder(world);
  await fetch(`${world.midtransUrl}/snap/v1/transactions`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Basic ${Buffer.from(`${shop.serverKey}:`).toString('base64')}`,
      'X-Override-Notification': `${world.url}/webhooks/midtrans?tenant=${shop.slug}`,
    },
    body: JSON.stringify({
      transaction_details: { order_id: orderId, gross_amount: amount },
      credit_card: { type: 'authorize' },
    }),
  });
  await world.outside.onOrder(orderId, 'pay', { method: 'credit_card' });
  await world.outside.deliver();
  await settleDown(world);
  return orderId;
}

/** Paid at the provider, and nobody here has heard of it. */
export async function payUnheard(world: World): Promise<string> {
  const orderId = await createOrder(world);
  await world.outside.onOrder(orderId, 'pay', { method: 'bca_va' });
  return orderId;
}

/** From the order to its payment: the page that is answered is the one that can be paid. */
const create: Flow = {
  name: 'create',
  kinds: ['sql', 'http'],
  async begin(world) {
    const order = anyOrder();
    const { orderId } = order;
    const asked = askingFor(world, { path: '/payment/create', body: order }, 200);
    return {
      orderId,
      end: 'paid',
      act: asked.act,
      async insist() {
        const { token } = JSON.parse((await asked.insist()).text);
        const { tokens } = await world.outside.readBooks(orderId);
        const open = tokens.filter(({ state }) => state === 'open').map((page) => page.token);
        if (open.length !== 1 || open[0] !== token) throw new Error(`Open pages: ${open}`);
        await world.outside.onOrder(orderId, 'pay', { method: 'bca_va' });
      },
    };
  },
};

/** Two of them, of the choice and of the money. */
const notification: Flow = {
  name: 'notification',
  kinds: ['sql', 'http'],
  async begin(world) {
    const orderId = await payUnheard(world);
    return { orderId, act: world.outside.deliver, end: 'paid' };
  },
};

/** Chosen and heard of; then paid, and the provider was too slow to confirm it. */
export async function slowNews(world: World): Promise<string> {
  const orderId = await createOrder(world);
  await world.outside.onOrder(orderId, 'choose', { method: 'bca_va' });
  await world.outside.deliver();
  await world.outside.onOrder(orderId, 'pay');
  const isQuestion = ({ name }: Passage) => name === 'ask the status';
  await world.gate.watch(world.outside.deliver, { mode: 'stall', befalls: isQuestion });
  return orderId;
}

export const orderFlows: readonly Flow[] = [create, notification];
