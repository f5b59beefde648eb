import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobFlows } from './flows/jobs.ts';
import { lookFlows } from './flows/looks.ts';
import { enumerate } from './support/enumeration.ts';
import { startWorld, type World } from './support/world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.close());

const cases = [...jobFlows, ...lookFlows].flatMap((flow) =>
  flow.kinds.map((kind) => ({ flow, kind })),
);

test.for(cases)(
  '$flow.name: whatever fails at each $kind seam',
  async ({ flow, kind }, { task }) => {
    const { evidence, wrongs } = await enumerate(world, flow, kind);

    task.meta.evidence = evidence;
    expect(wrongs).toEqual([]);
    const [seams] = evidence.seams;
    expect(seams?.hit).toBeGreaterThan(0);
    expect(seams?.hit).toBe(seams?.count);
  },
);
