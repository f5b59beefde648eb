import { afterAll, beforeAll, expect, test } from 'vitest';
import { actionFlows } from './flows/actions.ts';
import { orderFlows } from './flows/orders.ts';
import type { Flow } from './flows/story.ts';
import { crashEverywhere } from './support/crashes.ts';
import { startWorld, type World } from './support/world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.close());

/** The same story, whose client never asks again: it may have happened or not, but to both books. */
function givenUp(flow: Flow): Flow {
  return {
    ...flow,
    async begin(begun) {
      const { orderId, act } = await flow.begin(begun);
      return { orderId, act };
    },
  };
}

const asking = [...orderFlows, ...actionFlows];

test.for(asking.map(givenUp))(
  '$name: given up by its client at each point',
  async (flow, { task }) => {
    const client = { name: 'client', fault: 'connection lost, client gone' } as const;

    const { evidence, wrongs } = await crashEverywhere(world, flow, client);

    task.meta.evidence = evidence;
    expect(wrongs).toEqual([]);
    const [points] = evidence.crashPoints;
    expect(points?.hit).toBeGreaterThan(0);
    expect(points?.hit).toBe(points?.count);
  },
);
