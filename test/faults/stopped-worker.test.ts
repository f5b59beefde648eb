import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { KassaProcess } from '../support/server-process.ts';
import { jobFlows } from './flows/jobs.ts';
import { lookFlows } from './flows/looks.ts';
import { count, emptyEvidence } from './support/evidence.ts';
import type { FaultMode, Plan } from './support/gate.ts';
import { type Processes, startProcesses } from './support/processes.ts';
import { findWrongs } from './support/runs.ts';
import { startWorld, type World } from './support/world.ts';

let inner: World;
let processes: Processes;

beforeAll(async () => {
  inner = await startWorld();
  processes = await startProcesses(inner);
});

beforeEach(async () => {
  await inner.outside.beginAnew();
  await processes.queueTime.forget();
});

afterAll(async () => {
  await processes.close();
  await inner.close();
});

/** When something is looked at next: on a slow machine a look may be due again, and finds nothing. */
const planned: readonly string[] = ['next_check_at', 'checks', 'updated_at'];

/** All that a worker could have changed, but for its plans. */
async function readAll(): Promise<unknown[]> {
  const tables = ['orders', 'payments', 'refunds', 'ledger_transfers', 'order_events', 'outbox'];
  const reads = [...tables, 'daily_stats', 'order_actions'].map((name) =>
    inner.admin.query(`select * from ${name} order by ${name}::text`),
  );
  return (await Promise.all(reads)).map(({ rows }) =>
    rows.map((row) =>
      Object.fromEntries(Object.entries(row).filter(([name]) => !planned.includes(name))),
    ),
  );
}

const cases: readonly (readonly [string, string, FaultMode])[] = [
  ['look at a refund that was not', 'refund', 'held'],
  ['look at a refund that was not', 'refund', 'held after effect'],
  ['look at a refund that was made', 'refund', 'held'],
  ['look at a refund that was made', 'ask the status', 'held after effect'],
  ['payment-end', 'close a page', 'held'],
  ['payment-end', 'close a page', 'held after effect'],
];

test.for(cases)(
  '%s: stopped at "%s" (%s) for longer than its lease, a worker changes nothing',
  async ([name, call, mode], { task }) => {
    const evidence = emptyEvidence();
    task.meta.evidence = evidence;
    const flow = [...jobFlows, ...lookFlows].find((candidate) => candidate.name === name);
    if (!flow) throw new Error(`There is no flow ${name}.`);
    const story = await flow.begin(processes.world);
    const { promise: isSucceeded, resolve: succeed } = Promise.withResolvers<void>();
    let stopped: KassaProcess | undefined;
    const plan: Plan = {
      mode,
      befalls: (passage) => passage.name === call,
      async strike() {
        stopped?.send('SIGSTOP');
        await inner.outside.lapse();
        await inner.outside.bringLooksForward();
        await processes.queueTime.missHeartbeats();
        const successor = await processes.startWorker();
        await processes.untilIdle();
        await successor.kill('SIGTERM');
        succeed();
      },
    };
    let left: unknown[] = [];

    const { hit } = await processes.world.gate.watch(async () => {
      stopped = await processes.startWorker();
      await isSucceeded;
      left = await readAll();
      stopped.send('SIGCONT');
      // It ends what it has begun, and then itself.
      expect(await stopped.kill('SIGTERM')).toBe(0);
    }, plan);

    count(evidence, 'SIGSTOP worker');
    expect(hit?.name).toBe(call);
    expect(await readAll()).toEqual(left);
    expect(await findWrongs(processes.world, { story, news: 'last', evidence })).toEqual([]);
  },
);
