import { setTimeout as sleep } from 'node:timers/promises';
import { anOrder } from './gateway.ts';
import type { openClients, Random, Shop } from './merchant-acts.ts';
import { send } from './system.ts';

type Order = ReturnType<typeof anOrder>;
/** What is done to one order at the provider, without a browser. */
type On = (action: string, body?: object) => Promise<void>;

type Traffic = {
  readonly shops: readonly Shop[];
  readonly clients: ReturnType<typeof openClients>;
  readonly serverUrl: () => string;
  /** The provider's own controls. */
  readonly control: (path: string, body: object, method?: 'PUT') => Promise<void>;
  readonly count: (what: string) => void;
};

const methods = ['bca_va', 'permata_va', 'gopay', 'credit_card', 'indomaret', 'qris', 'shopeepay'];
const faultKinds = [
  { kind: 'error', scope: 'snap.create' },
  { kind: 'reset', scope: 'snap.create' },
  { kind: 'reset-after-effect', scope: 'snap.create' },
  { kind: 'html', scope: 'snap.create' },
  { kind: 'truncated', scope: 'snap.create' },
  { kind: 'stall', scope: 'core.status' },
  { kind: 'error', scope: 'core.status' },
  { kind: 'reset', scope: 'core.status' },
  { kind: 'html', scope: 'core.status' },
  { kind: 'reset-after-effect', scope: 'core.expire' },
  { kind: 'reset-after-effect', scope: 'snap.cancel' },
  { kind: 'reset', scope: 'core.refund' },
  { kind: 'reset-after-effect', scope: 'core.refund' },
  { kind: 'truncated', scope: 'core.refund' },
  { kind: 'error', scope: 'core.cancel' },
  { kind: 'reset-after-effect', scope: 'core.cancel' },
  { kind: 'error', scope: 'core.capture' },
  { kind: 'reset-after-effect', scope: 'core.capture' },
];

/** Small and good enough: mulberry32. */
export function randomFrom(start: number): Random {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function pick<T>(random: Random, values: readonly T[]): T {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new Error('There is nothing to pick from.');
  return value;
}

/** Shoppers, their banks and merchants, who do whatever chance tells them. */
export function openTraffic({ shops, clients, serverUrl, control, count }: Traffic) {
  /** As a storefront does: the same order again until there is a page, or a refusal for good. */
  async function createUntilAnswered(slug: string, order: { orderId: string }): Promise<boolean> {
    for (let tries = 0; tries < 25; tries += 1) {
      const answer = await send(`${serverUrl()}/payment/create?tenant=${slug}`, {
        body: order,
      }).catch(() => undefined);
      if (answer?.status === 200) return true;
      if (answer && answer.status < 500 && answer.status !== 409) return false;
      await sleep(200);
    }
    return false;
  }

  /** One order from its beginning to whatever becomes of it. */
  async function shop(random: Random): Promise<void> {
    const merchant = pick(random, shops);
    const amount = 10_000 + Math.floor(random() * 90_000);
    const order = anOrder({ paymentMethod: undefined, amount });
    if (random() < 0.4) {
      const fault = pick(random, faultKinds);
      count(`${fault.kind} ${fault.scope}`);
      await control('faults', { ...fault, count: 1 });
    }
    if (!(await createUntilAnswered(merchant.slug, order))) return;
    const on: On = (action, body = {}) =>
      control(`orders/${order.orderId}/${action}`, { serverKey: merchant.serverKey, ...body });
    if (random() < 0.3) {
      count('fee on top');
      await on('fee', { amount: 500 + Math.floor(random() * 5_000) });
    }
    const fate = random();
    if (fate < 0.1) return leave(random, merchant, order);
    if (random() < 0.15) {
      count('notification dropped');
      await control('notifications/drop', { next: 1 });
    }
    if (fate < 0.2) return hesitate(random, { merchant, order, on });
    await pay(random, order, on);
    await serve(random, merchant, order.orderId);
    if (random() < 0.3) await createUntilAnswered(merchant.slug, order);
  }

  type Hesitant = { readonly merchant: Shop; readonly order: Order; readonly on: On };

  /** An attempt that ends without money, some of which comes late. */
  async function hesitate(random: Random, { merchant, order, on }: Hesitant): Promise<void> {
    await on('choose', { method: pick(random, methods) });
    await on(pick(random, ['deny', 'expire', 'cancel']));
    if (random() < 0.5) await createUntilAnswered(merchant.slug, order);
    if (random() < 0.5) await on('settle-late');
    if (random() < 0.5) await createUntilAnswered(merchant.slug, order);
  }

  /** Money comes in, once or more often, and goes back without the merchant's doing. */
  async function pay(random: Random, { orderId }: Order, on: On): Promise<void> {
    await on('pay', { method: pick(random, methods) });
    if (random() < 0.4) {
      count('notification duplicated');
      await control('notifications/duplicate', { times: 3 });
    }
    const turn = random();
    if (turn < 0.12) await on('reverse');
    else if (turn < 0.24) await on('refund', { refundKey: `r-${orderId}`, reason: 'torture' });
    else if (turn < 0.36) await on('chargeback');
    for (let further = 0; further < 2 && random() < 0.15; further += 1) {
      count('paid once more on the same page');
      await on('pay-besides');
    }
  }

  /** The shopper goes away before anything is chosen, and the merchant may give the order up. */
  async function leave(random: Random, merchant: Shop, { orderId }: { orderId: string }) {
    if (random() < 0.5) return;
    count('merchant cancels an open order');
    await clients.act(merchant, orderId, 'cancel', random);
  }

  /** What the merchant does with an order that was paid, or whose card is reserved. */
  async function serve(random: Random, merchant: Shop, orderId: string): Promise<void> {
    const wish = random();
    if (wish < 0.35) {
      count('merchant refunds');
      await clients.refund(merchant, orderId, random);
    } else if (wish < 0.5) {
      count('merchant cancels');
      await clients.act(merchant, orderId, 'cancel', random);
    } else if (wish < 0.7) {
      count('merchant captures');
      await clients.act(merchant, orderId, 'capture', random);
    }
  }

  /** What happens to all orders at once, from time to time. */
  async function stir(random: Random): Promise<void> {
    const change = random();
    if (change < 0.3) await control('settlement-run', {});
    if (change < 0.6) await control('settings', { reserveCards: random() < 0.4 }, 'PUT');
    if (change < 0.8) {
      const refuseRefunds = random() < 0.5 ? 1 : 0;
      await control('settings', { challengeCards: random() < 0.2, refuseRefunds }, 'PUT');
    }
    count('reconciliation asked for');
    await clients.reconcile(pick(random, shops));
  }

  return { shop, stir };
}
