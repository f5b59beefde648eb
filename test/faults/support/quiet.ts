import { checkMoney } from '../../../local/money-checker.ts';
import { TenantId } from '../../../src/domain/ids.ts';
import { type JobPayload, jobPayloads, type Topic } from '../../../src/domain/jobs.ts';
import { type Handlers, HopelessJob } from '../../../src/jobs/queue.ts';
import { type Reply, type Request, send } from './shop.ts';
import type { World } from './world.ts';

const mostTries = 6;
const mostRounds = 5;

/**
 * Sends a request as a client does until it has an answer that a retry cannot change. Nobody waits
 * for a lease: whoever holds one is believed dead.
 */
export async function insist({ url, outside }: World, request: Request): Promise<Reply> {
  let reply: Reply | undefined;
  for (let tries = 0; tries < mostTries; tries += 1) {
    await outside.lapse();
    reply = await send(url, request);
    if (reply && !reply.mayPass) return reply;
  }
  throw new Error(`${request.path} was not answered for good: ${reply?.text ?? 'cut'}`);
}

type OutboxRow = { tenant_id: string; id: string; topic: Topic; payload: unknown };
type JobEnd = 'done' | 'dead' | 'left';

export async function listJobs({ admin }: World, topic?: Topic): Promise<OutboxRow[]> {
  const { rows } = await admin.query<OutboxRow>(
    `select tenant_id, id, topic, payload from outbox
      where $1::text is null or topic = $1 order by created_at, id`,
    [topic ?? null],
  );
  return rows;
}

/** Runs a job once, as the queue does: one that fails is left for another time. */
export async function runJob(handlers: Handlers, row: OutboxRow): Promise<JobEnd> {
  try {
    await handle(handlers, row.topic, row);
    return 'done';
  } catch (error) {
    return error instanceof HopelessJob ? 'dead' : 'left';
  }
}

async function handle<T extends Topic>(handlers: Handlers, topic: T, row: OutboxRow) {
  const payload = jobPayloads[topic].parse(row.payload) as JobPayload<T>;
  await handlers[topic](TenantId.parse(row.tenant_id), payload);
}

export async function forgetJob({ admin }: World, { id }: OutboxRow): Promise<void> {
  await admin.query('delete from outbox where id = $1', [id]);
}

/** Tries every job that waits; what is done is done once more, as a queue may. */
async function workOff(world: World): Promise<void> {
  for (const row of await listJobs(world)) {
    const end = await runJob(world.handlers, row);
    if (end === 'left') continue;
    if (end === 'done') await runJob(world.handlers, row);
    await forgetJob(world, row);
  }
}

/**
 * Does what is still to be done, as the worker does over days: jobs until they succeed, and the
 * sweep of all that is open. Banks decide on refunds meanwhile.
 */
export async function settleDown(world: World): Promise<void> {
  const { outside, services } = world;
  let left: string[] = [];
  for (let round = 0; round < mostRounds; round += 1) {
    await outside.lapse();
    await outside.control('clock/advance', { seconds: 61 });
    await workOff(world);
    await outside.bringChecksForward();
    await outside.bringLooksForward();
    await services.sweep();
    left = [...(await listJobs(world)).map(({ topic }) => topic), ...(await outside.listEndless())];
    if (left.length === 0) return;
  }
  throw new Error(`These never ended: ${left.join(', ')}.`);
}

/** What the checker of the books finds, with the invariants that it has looked at. */
export async function checkBooks({ database, midtransUrl }: World) {
  return checkMoney({ adminUrl: database.admin, midtransUrl });
}
