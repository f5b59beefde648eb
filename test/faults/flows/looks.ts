import type { FaultMode, Passage, SeamKind } from '../support/gate.ts';
import { insist } from '../support/quiet.ts';
import { type Request, send } from '../support/shop.ts';
import type { World } from '../support/world.ts';
import { changeOf, findRefundWrongs, refundOf } from './actions.ts';
import { createOrder, payOrder, payUnheard, reserveOrder } from './orders.ts';
import type { Flow, Story } from './story.ts';

/** The loop around the sweep logs its failures and goes on. */
const sweep = (world: World) => () => world.services.sweep().catch(() => undefined);

const poll: Flow = {
  name: 'poll',
  kinds: ['sql', 'http'],
  async begin(world) {
    const orderId = await payUnheard(world);
    await world.outside.bringChecksForward();
    return { orderId, act: sweep(world), end: 'paid' };
  },
};

const pollOfUnpaid: Flow = {
  name: 'poll of an unpaid page',
  kinds: ['sql', 'http'],
  async begin(world) {
    const orderId = await createOrder(world);
    await world.outside.runOut();
    return { orderId, act: sweep(world), end: 'expired' };
  },
};

/** A request whose call failed so; its client gave up, and the provider's own word is held back. */
async function leaveInDoubt(
  world: World,
  { request, call, mode }: { request: Request; call: string; mode: FaultMode },
): Promise<void> {
  const befalls = ({ name }: Passage) => name === call;
  await world.gate.watch(() => send(world.url, request), { mode, befalls });
}

/** The sweep looks at what is due, all of which is due now. */
async function lookOf(world: World): Promise<Pick<Story, 'act'>> {
  await world.outside.lapse();
  await world.outside.bringLooksForward();
  return { act: sweep(world) };
}

function refundLook(name: string, mode: FaultMode, kinds: readonly SeamKind[]): Flow {
  return {
    name,
    kinds,
    async begin(world) {
      const orderId = await payOrder(world, 'gopay');
      await leaveInDoubt(world, { request: refundOf(orderId), call: 'refund', mode });
      const findWrongs = () => findRefundWrongs(world, orderId);
      return { ...(await lookOf(world)), orderId, end: 'partially_refunded', findWrongs };
    },
  };
}

const followLook: Flow = {
  name: 'look at an accepted refund',
  kinds: ['sql', 'http'],
  async begin(world) {
    const orderId = await payOrder(world, 'gopay');
    await insist(world, refundOf(orderId));
    await world.outside.control('clock/advance', { seconds: 61 });
    const findWrongs = () => findRefundWrongs(world, orderId);
    return { ...(await lookOf(world)), orderId, end: 'partially_refunded', findWrongs };
  },
};

type Change = {
  readonly name: string;
  readonly path: 'cancel' | 'capture';
  /** The call that fails before it has an effect. */
  readonly call: string;
  readonly end: string;
  readonly arrange: (world: World) => Promise<string>;
  readonly kinds: readonly SeamKind[];
};

function changeLook({ name, path, call, end, arrange, kinds }: Change): Flow {
  return {
    name,
    kinds,
    async begin(world) {
      const orderId = await arrange(world);
      await leaveInDoubt(world, { request: changeOf(orderId, path), call, mode: 'before' });
      return { ...(await lookOf(world)), orderId, end };
    },
  };
}

const payByCard = (world: World) => payOrder(world, 'credit_card');

export const pollFlows: readonly Flow[] = [poll, pollOfUnpaid];
const changes: readonly Change[] = [
  {
    name: 'look at a void that was made',
    path: 'cancel',
    call: 'ask the status',
    end: 'cancelled',
    arrange: payByCard,
    kinds: ['sql', 'http'],
  },
  {
    name: 'look at a capture that was not',
    path: 'capture',
    call: 'capture',
    end: 'paid',
    arrange: reserveOrder,
    kinds: ['http'],
  },
];

/** What was not made goes through the same statements as what was. */
export const lookFlows: readonly Flow[] = [
  refundLook('look at a refund that was made', 'after', ['sql', 'http']),
  refundLook('look at a refund that was not', 'before', ['http']),
  followLook,
  ...changes.map(changeLook),
];
