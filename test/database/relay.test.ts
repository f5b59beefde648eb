import pg from 'pg';
import { afterAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Queue } from '../../src/jobs/queue.ts';
import { startRelay } from '../../src/jobs/relay.ts';
import { createTestDatabase } from '../support/test-database.ts';
import { addTenant, connect, log } from './support/open.ts';

type Entry = Parameters<Queue['add']>[0][number];

const database = await createTestDatabase();
const admin = await connect(database.admin);
const worker = new pg.Pool({ connectionString: database.worker, max: 1 });
const tenant = await addTenant(admin, 'tenant-a');

beforeEach(async () => {
  await admin.query('delete from outbox');
});
afterAll(async () => {
  await Promise.all([worker.end(), admin.end()]);
  await database.drop();
});

async function leave(topic: string): Promise<string> {
  const { rows } = await admin.query(
    `insert into outbox (tenant_id, topic, payload) values ($1, $2, '{}') returning id`,
    [tenant, topic],
  );
  return rows[0]?.id;
}

async function idsInOutbox(): Promise<string[]> {
  const { rows } = await admin.query<{ id: string }>('select id from outbox');
  return rows.map(({ id }) => id);
}

/** Runs the relay for as long as a test lasts; `take` stands in the queue's place. */
function relayTo(take: (entries: readonly Entry[]) => Promise<void>): void {
  const queue: Queue = { add: take, work: async () => {}, close: async () => {} };
  const relay = startRelay({ pool: worker, queue, log });
  onTestFinished(() => relay.stop());
}

test('a job leaves the outbox when the queue has it, and not before', async () => {
  const id = await leave('order-mail');
  const keptAtCall: string[][] = [];
  const taken: string[] = [];

  relayTo(async (entries) => {
    keptAtCall.push(await idsInOutbox());
    if (keptAtCall.length === 1) throw new Error('the queue is away');
    taken.push(...entries.map((entry) => entry.id));
  });

  await expect.poll(() => keptAtCall.length).toBeGreaterThan(0);
  expect(keptAtCall[0]).toEqual([id]);
  await expect.poll(() => taken).toEqual([id]);
  await expect.poll(idsInOutbox).toEqual([]);
});

test('work that only a newer version knows stays for it', async () => {
  const unknown = await leave('of-tomorrow');
  await leave('order-mail');
  const taken: string[] = [];

  relayTo(async (entries) => {
    taken.push(...entries.map(({ topic }) => topic));
  });

  await expect.poll(idsInOutbox).toEqual([unknown]);
  expect(taken).toEqual(['order-mail']);
});

test('work of the platform leaves its own outbox, with the nil UUID in the place of a tenant', async () => {
  const { rows } = await admin.query<{ id: string }>(
    `insert into platform_outbox (topic, payload) values ('account-mail', '{}') returning id`,
  );
  const kept: number[] = [];
  const taken: Entry[] = [];

  relayTo(async (entries) => {
    const { rowCount } = await admin.query('select from platform_outbox');
    kept.push(rowCount ?? 0);
    if (kept.length === 1) throw new Error('the queue is away');
    taken.push(...entries);
  });

  await expect
    .poll(() => taken)
    .toMatchObject([
      {
        id: rows[0]?.id,
        topic: 'account-mail',
        tenantId: '00000000-0000-0000-0000-000000000000',
      },
    ]);
  expect(kept).toEqual([1, 1]);
  await expect
    .poll(async () => (await admin.query('select from platform_outbox')).rowCount)
    .toBe(0);
});
