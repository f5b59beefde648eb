import { randomUUID } from 'node:crypto';
import type { SeamKind } from '../support/gate.ts';
import type { Request } from '../support/shop.ts';
import type { World } from '../support/world.ts';
import { createOrder, payOrder, reserveOrder } from './orders.ts';
import { askingFor, type Flow } from './story.ts';

const refundedAmount = 40_000;

export function refundOf(orderId: string): Request {
  const body = { amount: refundedAmount, reason: 'broken' };
  return { path: `/admin/orders/${orderId}/refunds`, body, key: randomUUID() };
}

export function changeOf(orderId: string, path: 'cancel' | 'capture'): Request {
  const body = { reason: 'out of stock' };
  return { path: `/admin/orders/${orderId}/${path}`, body, key: randomUUID() };
}

/** One refund here, the same one there, and the bank has confirmed it. */
export async function findRefundWrongs(world: World, orderId: string): Promise<string[]> {
  const { transactions } = await world.outside.readBooks(orderId);
  const there = transactions.flatMap(({ refunds = [] }) => refunds);
  const { rows: here } = await world.admin.query(
    'select provider_key as key, amount::int, status from refunds',
  );
  const wanted = [{ key: there[0]?.refund_key, amount: refundedAmount, status: 'confirmed' }];
  const isOne = there.length === 1 && there[0]?.amount === refundedAmount;
  if (isOne && JSON.stringify(here) === JSON.stringify(wanted)) return [];
  return [`refunds here ${JSON.stringify(here)}, there ${JSON.stringify(there)}`];
}

const refund: Flow = {
  name: 'refund',
  kinds: ['sql', 'http'],
  async begin(world) {
    const orderId = await payOrder(world, 'gopay');
    return {
      ...askingFor(world, refundOf(orderId), 201),
      orderId,
      end: 'partially_refunded',
      findWrongs: () => findRefundWrongs(world, orderId),
    };
  },
};

type Action = {
  readonly name: string;
  readonly path: 'cancel' | 'capture';
  readonly end: string;
  readonly arrange: (world: World) => Promise<string>;
  readonly kinds?: readonly SeamKind[];
};

function flowOf({ name, path, end, arrange, kinds = ['sql', 'http'] }: Action): Flow {
  return {
    name,
    kinds,
    async begin(world) {
      const orderId = await arrange(world);
      return { ...askingFor(world, changeOf(orderId, path), 200), orderId, end };
    },
  };
}

async function chooseTransfer(world: World): Promise<string> {
  const orderId = await createOrder(world);
  await world.outside.onOrder(orderId, 'choose', { method: 'bca_va' });
  await world.outside.deliver();
  return orderId;
}

const payByCard = (world: World) => payOrder(world, 'credit_card');

const actions: readonly Action[] = [
  { name: 'cancel of an open page', path: 'cancel', end: 'expired', arrange: createOrder },
  { name: 'cancel of a transfer', path: 'cancel', end: 'expired', arrange: chooseTransfer },
  { name: 'cancel of a paid card', path: 'cancel', end: 'cancelled', arrange: payByCard },
  {
    name: 'cancel of a reserved card',
    path: 'cancel',
    end: 'cancelled',
    arrange: reserveOrder,
    // Its statements are those of a paid card's.
    kinds: ['http'],
  },
  { name: 'capture', path: 'capture', end: 'paid', arrange: reserveOrder },
];

export const actionFlows: readonly Flow[] = [refund, ...actions.map(flowOf)];
