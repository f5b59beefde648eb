import type pg from 'pg';
import { PgBoss } from 'pg-boss';

/** What the queue does in time, now: it misses the heartbeats of the dead, and its gaps are over. */
export async function openQueueTime({ url, admin }: { url: string; admin: pg.Pool }) {
  const boss = new PgBoss({ connectionString: url, max: 1, supervise: false, schedule: false });
  boss.on('error', () => {}); // the next look finds out
  await boss.start();

  /** As if no worker had been heard of for longer than its lease. */
  async function missHeartbeats(): Promise<void> {
    await admin.query(
      `update pgboss.job set heartbeat_on = now() - interval '1 hour' where state = 'active'`,
    );
    await admin.query('update pgboss.queue set monitor_on = null');
    await boss.supervise();
  }

  async function endGaps(): Promise<void> {
    await admin.query(
      `update pgboss.job set start_after = now() where state in ('created', 'retry')`,
    );
  }

  /** What waits or is being done; dead letters are neither. */
  async function listOpen(): Promise<string[]> {
    const { rows } = await admin.query<{ topic: string }>(
      `select topic from outbox
        union all
       select name from pgboss.job
        where state in ('created', 'retry', 'active') and name not like '%-dead'`,
    );
    return rows.map(({ topic }) => topic);
  }

  return {
    missHeartbeats,
    endGaps,
    listOpen,
    forget: () => admin.query('delete from pgboss.job'),
    close: () => boss.stop({ graceful: false }),
  };
}
