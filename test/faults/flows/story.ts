import type { SeamKind } from '../support/gate.ts';
import { insist } from '../support/quiet.ts';
import { type Reply, type Request, send } from '../support/shop.ts';
import type { World } from '../support/world.ts';

/** One time through a flow. */
export type Story = {
  readonly orderId: string;
  /** What is watched, and what a fault befalls. */
  readonly act: () => Promise<unknown>;
  /** What whoever asked for it does then: send the same again until it is answered. */
  readonly insist?: () => Promise<unknown>;
  /** The order's state in the end, when all is right; any will do where nobody insisted. */
  readonly end?: string;
  /** What is wrong with the end beyond the order's state and the books. */
  readonly findWrongs?: () => Promise<readonly string[]>;
};

export type Flow = {
  readonly name: string;
  readonly kinds: readonly SeamKind[];
  /** Everything before the flow, without faults. */
  readonly begin: (world: World) => Promise<Story>;
};

/** The story of a request that its client does not give up, and of its answers, which are one. */
export function askingFor(world: World, request: Request, status: number) {
  let first: Reply | undefined;
  return {
    async act(): Promise<void> {
      first = await send(world.url, request);
    },
    async insist(): Promise<Reply> {
      const reply = await insist(world, request);
      const again = await insist(world, request);
      const answers = [first, reply, again].filter((answer) => answer && !answer.mayPass);
      const texts = new Set(answers.map((answer) => `${answer?.status} ${answer?.text}`));
      if (texts.size > 1) throw new Error(`One request, several answers: ${[...texts].join(' ')}`);
      if (reply.status !== status) throw new Error(`Answered ${reply.status} ${reply.text}`);
      return reply;
    },
  };
}
