import type pg from 'pg';
import { expect } from 'vitest';
import type { Db, TenantTx, Transaction } from '../../../src/db/database.ts';
import type { TenantId } from '../../../src/domain/ids.ts';

/** One of many tenants, and the word that only its rows hold. */
export type Party = { readonly id: TenantId; readonly canary: string };

type Scene = {
  readonly db: Db;
  readonly admin: pg.Pool;
  readonly party: Party;
  readonly stranger: Party;
};

/** What a unit of work saw of the rows, or nothing. */
type Unit = (scene: Scene) => Promise<readonly string[]>;

type Opening = 'withTenant' | 'withTenantOnce' | 'withTenantSnapshot';
const openings: readonly Opening[] = ['withTenant', 'withTenantOnce', 'withTenantSnapshot'];

/** Names of all rows that a transaction sees. */
export async function look(tx: Transaction): Promise<string[]> {
  const { rows } = await tx.query<{ name: string }>('select name from customers');
  return rows.map(({ name }) => name);
}

/** Runs work that must be refused, after or before it has looked around. */
function refusedUnit(
  work: (tx: TenantTx, scene: Scene, seen: string[]) => Promise<unknown>,
  refusal: object,
): Unit {
  return async (scene) => {
    const seen: string[] = [];
    const run = scene.db.withTenant(scene.party.id, (tx) => work(tx, scene, seen));
    await expect(run).rejects.toMatchObject(refusal);
    return seen;
  };
}

const unavailable = { code: 'database-unavailable' };

/** Ways for a unit of work to go. Every one leaves the connection to another tenant. */
export const units: readonly (readonly [name: string, unit: Unit])[] = [
  ...openings.map(
    (open) => [`looks ${open}`, ({ db, party }: Scene) => db[open](party.id, look)] as const,
  ),
  [
    'looks twice at once',
    async ({ db, party }) => {
      const both = await db.withTenant(party.id, (tx) => Promise.all([look(tx), look(tx)]));
      return both.flat();
    },
  ],
  [
    'changes what it sees',
    ({ db, party }) =>
      db.withTenant(party.id, async (tx) => {
        const { rows } = await tx.query<{ name: string }>(
          `update customers set last_seen_at = now() where email like 'open%' returning name`,
        );
        return rows.map(({ name }) => name);
      }),
  ],
  [
    'asks for nothing',
    async ({ db, party }) => {
      await db.withTenant(party.id, async () => {});
      return [party.canary];
    },
  ],
  [
    'is of the platform',
    async ({ db, party }) => {
      await db.withPlatform((tx) => tx.query('select id from tenants limit 5'));
      return [party.canary];
    },
  ],
  [
    'looks for the stranger',
    ({ db, party, stranger }) =>
      db.withTenant(party.id, async (tx) => {
        const { rows } = await tx.query<{ name: string }>(
          'select name from customers where tenant_id in ($1, $2) or name = $3',
          [party.id, stranger.id, stranger.canary],
        );
        return rows.map(({ name }) => name);
      }),
  ],
  [
    'stores for the stranger',
    refusedUnit(
      async (tx, { stranger }, seen) => {
        seen.push(...(await look(tx)));
        await tx.query(
          `insert into customers (tenant_id, email, name) values ($1, 'x@shop.example', 'x')`,
          [stranger.id],
        );
      },
      { code: '42501' },
    ),
  ],
  [
    'becomes the stranger',
    refusedUnit(
      async (tx, { stranger }, seen) => {
        seen.push(...(await look(tx)));
        await tx.query('select app.set_tenant($1)', [stranger.id]);
      },
      { code: '28000' },
    ),
  ],
  [
    'throws',
    refusedUnit(
      async (tx, _scene, seen) => {
        seen.push(...(await look(tx)));
        throw new Error('changed my mind');
      },
      { message: 'changed my mind' },
    ),
  ],
  [
    'throws before it asks',
    refusedUnit(
      async (_tx, { party }, seen) => {
        seen.push(party.canary);
        throw new Error('changed my mind');
      },
      { message: 'changed my mind' },
    ),
  ],
  [
    'goes while it waits for an answer',
    refusedUnit(
      async (tx, _scene, seen) => {
        seen.push(...(await look(tx)));
        tx.query('select pg_sleep(0.005)').catch(() => {});
        throw new Error('gone');
      },
      { message: 'gone' },
    ),
  ],
  ['fails at once', refusedUnit((tx) => tx.query('select 1 / 0'), { code: '22012' })],
  [
    'fails and looks on',
    refusedUnit(
      async (tx) => {
        await tx.query('select 1 / 0').catch(() => {});
        await look(tx);
      },
      { code: '22012' },
    ),
  ],
  [
    'fails and tells nobody',
    refusedUnit(
      async (tx, _scene, seen) => {
        seen.push(...(await look(tx)));
        await tx.query('select 1 / 0').catch(() => {});
      },
      { message: 'The transaction was rolled back at commit.' },
    ),
  ],
  [
    'takes too long',
    refusedUnit(async (tx) => {
      await tx.query('set local statement_timeout = 5');
      await tx.query('select pg_sleep(60)');
    }, unavailable),
  ],
  [
    'waits for a lock too long',
    refusedUnit(async (tx) => {
      await tx.query('set local lock_timeout = 5');
      await tx.query(`select from customers where email like 'locked%' for update`);
    }, unavailable),
  ],
  [
    'is cancelled',
    refusedUnit(async (tx, { admin }) => {
      const pid = await pidOf(tx);
      const sleeping = tx.query('select pg_sleep(60)');
      await Promise.all([sleeping, cancelUntil(admin, pid, sleeping)]);
    }, unavailable),
  ],
  [
    'loses its connection',
    refusedUnit((tx) => tx.query('select pg_terminate_backend(pg_backend_pid())'), unavailable),
  ],
  [
    'loses its connection while it thinks',
    refusedUnit(async (tx, { admin }, seen) => {
      seen.push(...(await look(tx)));
      await endBackend(admin, await pidOf(tx));
      await look(tx);
    }, unavailable),
  ],
];

async function pidOf(tx: Transaction): Promise<number> {
  const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid ?? 0;
}

/** Again and again, because a cancel that comes before the statement stops nothing. */
async function cancelUntil(admin: pg.Pool, pid: number, asked: Promise<unknown>): Promise<void> {
  let isOver = false;
  const settled = asked.then(
    () => {},
    () => {},
  );
  void settled.then(() => {
    isOver = true;
  });
  while (!isOver) {
    await admin.query(
      `select pg_cancel_backend(pid) from pg_stat_activity
        where pid = $1 and state = 'active' and query like '%pg_sleep%'`,
      [pid],
    );
  }
}

async function endBackend(admin: pg.Pool, pid: number): Promise<void> {
  for (;;) {
    const { rowCount } = await admin.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where pid = $1',
      [pid],
    );
    if (rowCount === 0) return;
  }
}
