import { type JobResult, PgBoss, type Job as PgBossJob, type WorkOptions } from 'pg-boss';
import type { Logger } from 'pino';
import { TenantId } from '../domain/ids.ts';
import { type JobPayload, jobPayloads, type Topic, topics } from '../domain/jobs.ts';

/** What a handler throws when a repetition cannot help: the job goes to the dead letters at once. */
export class HopelessJob extends Error {}

export type Handler<T extends Topic> = (
  tenantId: TenantId,
  payload: JobPayload<T>,
) => Promise<void>;
export type Handlers = { readonly [T in Topic]: Handler<T> };
export type Queue = Awaited<ReturnType<typeof openQueue>>;

type QueueOptions = { readonly url: string; readonly log: Logger };
type Envelope = { tenantId: string; payload: unknown };

/** About two days of tries, with growing gaps. */
const retries = { retryLimit: 30, retryDelay: 2, retryBackoff: true, retryDelayMax: 2 * 3_600 };
const jobsAtOnce = 8;
/** So that one tenant's burst does not keep the others waiting. */
const jobsAtOncePerTenant = 4;

/** pg-boss in the main database, as the worker's login. A queue per topic, and one of its dead. */
export async function openQueue({ url, log }: QueueOptions) {
  const boss = new PgBoss({
    connectionString: url,
    application_name: 'kassa-queue',
    max: 6,
    useListenNotify: true,
  });
  boss.on('error', (error) => log.error({ err: error }, 'the queue has trouble'));
  boss.on('warning', (warning) => log.warn({ warning }, 'the queue warns'));
  await boss.start();
  for (const topic of topics) {
    await boss.createQueue(deadLettersOf(topic), { retentionSeconds: 90 * 86_400 });
    await boss.createQueue(topic, {
      ...retries,
      deadLetter: deadLettersOf(topic),
      expireInSeconds: 120,
      heartbeatSeconds: 30,
      notify: true,
    });
  }

  type Entry = { id: string; tenantId: string; topic: Topic; payload: unknown };

  /** Takes jobs in under their own ids: one that is here already is left as it is. */
  async function add(entries: readonly Entry[]): Promise<void> {
    for (const topic of topics) {
      const jobs = entries
        .filter((entry) => entry.topic === topic)
        .map(({ id, tenantId, payload }) => ({
          id,
          data: { tenantId, payload } satisfies Envelope,
          group: { id: tenantId },
        }));
      if (jobs.length > 0) await boss.insert(topic, jobs);
    }
  }

  async function work(handlers: Handlers): Promise<void> {
    for (const topic of topics) await workOn(topic, handlers[topic]);
  }

  async function workOn<T extends Topic>(topic: T, handle: Handler<T>): Promise<void> {
    const options: WorkOptions & { perJobResults: true } = {
      perJobResults: true,
      localConcurrency: jobsAtOnce,
      localGroupConcurrency: jobsAtOncePerTenant,
      pollingIntervalSeconds: 1,
      // A new job wakes a worker by NOTIFY; one that waits for its next try is found by polling.
      notifyPollingIntervalSeconds: 2,
    };
    await boss.work<Envelope, unknown, typeof options>(
      topic,
      options,
      (jobs: PgBossJob<Envelope>[]) => Promise.all(jobs.map(({ id, data }) => runJob(id, data))),
    );

    async function runJob(id: string, data: Envelope): Promise<JobResult> {
      try {
        const tenantId = TenantId.parse(data.tenantId);
        await handle(tenantId, jobPayloads[topic].parse(data.payload) as JobPayload<T>);
        return { id, status: 'completed' };
      } catch (error) {
        const isHopeless = error instanceof HopelessJob;
        const output = { message: error instanceof Error ? error.message : 'unknown' };
        log.warn({ err: error, topic, jobId: id, tenantId: data.tenantId }, 'a job failed');
        return { id, status: isHopeless ? 'deadletter' : 'failed', output };
      }
    }
  }

  async function close(): Promise<void> {
    await boss.stop({ graceful: true, timeout: 10_000 });
  }

  return { add, work, close };
}

function deadLettersOf(topic: Topic): string {
  return `${topic}-dead`;
}
