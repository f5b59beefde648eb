import { afterAll, beforeAll, expect, test } from 'vitest';
import { actionFlows } from './flows/actions.ts';
import { orderFlows } from './flows/orders.ts';
import { crashEverywhere, type Victim } from './support/crashes.ts';
import { type Processes, startProcesses } from './support/processes.ts';
import { startWorld, type World } from './support/world.ts';

let world: World;
let processes: Processes;
let server: Victim;

beforeAll(async () => {
  world = await startWorld();
  processes = await startProcesses(world);
  server = {
    name: 'server',
    fault: 'kill -9 server',
    kill: processes.killServer,
    recover: processes.restartServer,
  };
});

afterAll(async () => {
  await processes.close();
  await world.close();
});

const flows = [...orderFlows, ...actionFlows];

test.for(flows)('$name: kill -9 of the server at each point', async (flow, { task }) => {
  const { evidence, wrongs } = await crashEverywhere(processes.world, flow, server);

  task.meta.evidence = evidence;
  expect(wrongs).toEqual([]);
  const [points] = evidence.crashPoints;
  expect(points?.hit).toBeGreaterThan(0);
  expect(points?.hit).toBe(points?.count);
});
