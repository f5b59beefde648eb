import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KassaProcess } from '../support/server-process.ts';
import { jobFlows } from './flows/jobs.ts';
import { lookFlows } from './flows/looks.ts';
import type { Flow } from './flows/story.ts';
import { crashEverywhere, type Victim } from './support/crashes.ts';
import { type Processes, startProcesses } from './support/processes.ts';
import { startWorld, type World } from './support/world.ts';

let world: World;
let processes: Processes;
let worker: KassaProcess | undefined;

beforeAll(async () => {
  world = await startWorld();
  processes = await startProcesses(world);
});

afterAll(async () => {
  await processes.close();
  await world.close();
});

/** A worker comes, and does all that is to be done unless it dies before. */
async function work(): Promise<void> {
  worker = await processes.startWorker();
  await Promise.race([processes.untilIdle(), worker.exited]);
  await worker.kill('SIGKILL');
}

const victim: Victim = {
  name: 'worker',
  fault: 'kill -9 worker',
  kill: async () => worker?.kill('SIGKILL'),
  async recover() {
    await processes.queueTime.missHeartbeats();
    await work();
  },
};

/** The same story, with its job in the hands of a real worker. */
function byWorker(flow: Flow): Flow {
  return {
    ...flow,
    async begin(begun) {
      await processes.queueTime.forget();
      return { ...(await flow.begin(begun)), act: work };
    },
  };
}

const flows = [...jobFlows, ...lookFlows]
  .filter(({ kinds }) => kinds.includes('sql'))
  .map(byWorker);

test.for(flows)('$name: kill -9 of the worker at each point', async (flow, { task }) => {
  const { evidence, wrongs } = await crashEverywhere(processes.world, flow, victim);

  task.meta.evidence = evidence;
  expect(wrongs).toEqual([]);
  const [points] = evidence.crashPoints;
  expect(points?.hit).toBeGreaterThan(0);
  expect(points?.hit).toBe(points?.count);
});
