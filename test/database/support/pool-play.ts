import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { TryCounter } from '../../support/isolation-tries.ts';
import { randomFrom } from '../../support/shop-traffic.ts';
import { openAdminPool, type TestDatabase } from '../../support/test-database.ts';
import { addTenant, closeDoors, connect, type openDoors } from './open.ts';
import { type Party, units } from './pool-units.ts';

// biome-ignore lint/style/noProcessEnv: a run that failed is repeated with its seed.
export const seed = Number(process.env.KASSA_ISOLATION_SEED ?? Date.now() % 1_000_000);

const partyCount = 20;
const unitCount = 1_000;
const lanes = 6;

/** Tenants with two rows each, of which one is locked for as long as the stage stands. */
export async function setStage(database: TestDatabase) {
  const admin = openAdminPool(database);
  const setter = await connect(database.admin);
  const locker = await connect(database.admin);
  const parties: Party[] = [];
  for (let at = 0; at < partyCount; at += 1) {
    const canary = `canary-${randomUUID()}`;
    const id = await addTenant(setter, `tenant-${at}`);
    await setter.query(
      `insert into customers (tenant_id, email, name)
       values ($1, 'open@shop.example', $2), ($1, 'locked@shop.example', $2)`,
      [id, canary],
    );
    parties.push({ id, canary });
  }
  await locker.query('begin');
  await locker.query(`select from customers where email like 'locked%' for update`);
  return {
    admin,
    parties,
    close: async () => {
      await Promise.all([admin.end(), setter.end(), locker.end()]);
    },
  };
}

type Play = {
  readonly stage: Awaited<ReturnType<typeof setStage>>;
  readonly doors: ReturnType<typeof openDoors>;
  readonly tries: TryCounter;
};

/** Plays units that the seed chooses, several at a time; answers what went otherwise than it must. */
export async function playUnits({ stage, doors, tries }: Play): Promise<string[]> {
  const random = randomFrom(seed);
  const pick = <T>(values: readonly T[]): T => {
    const value = values[Math.floor(random() * values.length)];
    if (value === undefined) throw new Error('There is nothing to pick from.');
    return value;
  };
  const plan = Array.from({ length: unitCount }, () => ({
    unit: pick(units),
    party: pick(stage.parties),
    stranger: pick(stage.parties),
  }));
  const wrongs: string[] = [];
  watchHandovers(doors.app, tries);
  const waiting = plan.values();
  const lane = async () => {
    for (const { unit, party, stranger } of waiting) {
      const [name, work] = unit;
      if (party === stranger) continue;
      const run = work({ db: doors.db, admin: stage.admin, party, stranger });
      const seen = await run.catch((error: unknown) => {
        wrongs.push(`${name}: ${error instanceof Error ? error.message : error}`);
        return [];
      });
      const foreign = seen.filter((canary) => canary !== party.canary);
      tries.count(foreign.length > 0 ? `${name} saw ${foreign}` : undefined);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  await closeDoors(doors);
  return wrongs;
}

const leftText = `select coalesce(current_setting('app.tenant_id', true), '') as tenant,
  (select count(*) from customers)::int as rows`;

/** Looks at each connection in the moment in which the pool gives it to the next unit of work. */
function watchHandovers(pool: pg.Pool, tries: TryCounter): void {
  const connectPlainly = pool.connect.bind(pool) as () => Promise<pg.PoolClient>;
  const connectAndLook = async () => {
    const client = await connectPlainly();
    const left = await client.query<Left>(leftText).then(
      ({ rows }) => rows[0],
      (error: Error) => error,
    );
    const isClean = !(left instanceof Error) && left?.tenant === '' && left.rows === 0;
    tries.count(isClean ? undefined : `a connection was handed over with ${describe(left)}`);
    if (!(left instanceof Error)) return client;
    client.release(left);
    throw left;
  };
  Object.assign(pool, { connect: connectAndLook });
}

function describe(left: Left | Error | undefined): string {
  return left instanceof Error ? left.message : JSON.stringify(left);
}

type Left = { readonly tenant: string; readonly rows: number };
