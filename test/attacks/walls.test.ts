import { randomInt } from 'node:crypto';
import { afterAll } from 'vitest';
import { findFaults } from '../database/support/catalogue-rules.ts';
import { openTwoTenants, refused } from '../database/support/two-tenants.ts';
import { anOrder } from '../support/gateway.ts';
import { attack } from './support/attack.ts';
import { plans, toQuestion } from './support/requests.ts';
import { openScene, type Shop } from './support/scene.ts';

// The walls of the database, by what the catalogue says and by running against them.

const walls = await openTwoTenants();
const { app, mine, other } = walls;

afterAll(walls.close);

const scene = await openScene({ DATABASE_POOL_SIZE: '3' });

attack('A07', 'every table of tenants has its wall, and no login goes around it', async (tally) => {
  const faults = await findFaults(scene.admin);
  for (const { name } of scene.tables) {
    tally.tried(
      name,
      faults.find((fault) => fault.split(/\W/).includes(name)),
    );
  }
  const { rows } = await scene.admin.query<{ login: string; power: string | null }>(
    `select rolname as login,
            case when rolsuper then 'superuser' when rolbypassrls then 'bypassrls' when rolcreaterole then 'createrole'
                 when exists (select from pg_class c where c.relowner = r.oid) then 'owner'
                 when exists (select from pg_auth_members m where m.member = r.oid) then 'member of another' end as power
       from pg_roles r where rolname like 'kassa\\_%' and rolname <> 'kassa_owner'`,
  );
  for (const { login, power } of rows) tally.tried(login, power ?? undefined);
  tally.tried('all rules', faults.length === 0 ? undefined : faults.join('; '));
});

type Table = (typeof walls.tables)[number];

attack('A08', 'the login of the app reads no foreign row, whatever it says', async (tally) => {
  for (const table of walls.tables) {
    await walls.setUp(table);
    for (const text of readsOf(table)) {
      const owners = await walls.as(mine, () => walls.ownersOf(text));
      const isForeign = Array.isArray(owners) && owners.some((owner) => owner !== mine);
      tally.tried(text, isForeign ? 'foreign rows' : undefined);
    }
  }
});

attack('A08', 'nor changes one, nor takes the wall away', async (tally) => {
  for (const table of walls.tables) {
    const { before } = await walls.setUp(table);
    for (const text of writesOf(table)) {
      await walls.as(mine, () => app.query(text));
      const isSame = before === (await walls.bytesOf(other));
      tally.tried(text, isSame ? undefined : 'foreign rows changed');
    }
  }
});

attack(
  'A08',
  'without a tenant there is nothing, and a plan says who is asked for',
  async (tally) => {
    for (const table of walls.tables) {
      const select = `select tenant_id from ${table.name}`;
      for (const setting of ['', `set local app.tenant_id = ''; `]) {
        const found = await walls.as(undefined, () => walls.ownersOf(`${setting}${select}`));
        const isClosed = found === refused || (Array.isArray(found) && found.length === 0);
        tally.tried(`${setting}${select}`, isClosed ? undefined : String(found));
      }
      const explained = await walls.as(mine, () => app.query(`explain (costs off) ${select}`));
      const plan = typeof explained === 'string' ? explained : JSON.stringify(explained.rows);
      const isFiltered = plan === refused || /app\.tenant_id/.test(plan);
      tally.tried(`explain ${select}`, isFiltered ? undefined : plan);
    }
  },
);

function readsOf({ name }: Table): string[] {
  const select = `select tenant_id from ${name}`;
  return [
    select,
    `${select} where tenant_id = '${other}'`,
    `${select} where tenant_id <> '${mine}' or true`,
    `with all_rows as materialized (${select}) select tenant_id from all_rows`,
    `declare c no scroll cursor for ${select}; fetch all from c`,
    `prepare p as ${select}; execute p; deallocate p; ${select}`,
    `${select} union ${select}`,
    `select b.tenant_id from ${name} a full join ${name} b on true`,
    `select t.tenant_id from ${name} t, lateral (${select}) l`,
    `set local enable_seqscan = off; ${select}`,
    `set local plan_cache_mode = force_generic_plan; ${select}`,
    `set local row_security = off; ${select}`,
  ];
}

function writesOf(table: Table): string[] {
  const { name } = table;
  const { touch } = walls.about(table);
  return [
    touch,
    `${touch} where tenant_id = '${other}'`,
    `delete from ${name} where tenant_id = '${other}'`,
    `truncate ${name}`,
    `lock table ${name} in access exclusive mode`,
    `set local role kassa_owner; delete from ${name}`,
    `set local session authorization kassa_owner; delete from ${name}`,
    `alter table ${name} disable row level security`,
    `alter table ${name} no force row level security`,
    `drop policy ${name}_tenant on ${name}`,
    `create table ${name}_copy as select * from ${name}`,
    `do $$ begin execute 'set local session authorization kassa_owner'; execute 'delete from ${name}'; end $$`,
    `copy ${name} to program 'true'`,
    `copy (select * from ${name}) to '/tmp/rows'`,
    `select app.set_tenant('${other}'); delete from ${name}`,
  ];
}

attack('A09', 'a thousand requests of twenty shops over three connections', async (tally) => {
  const shops: Shop[] = [];
  for (let count = 0; count < 20; count += 1) shops.push(await scene.openShop());
  const marks = shops.map(({ slug, pendingOrder, paidOrder, id }) => [
    `Shopper of ${slug}`,
    pendingOrder,
    paidOrder,
    id,
  ]);
  const reading = plans.filter(({ method }) => method === 'GET');
  let aborted = 0;
  let cancelled = 0;

  async function one(): Promise<void> {
    const at = randomInt(shops.length);
    const shop = shops[at];
    const plan = reading[randomInt(reading.length)];
    if (!shop || !plan) return;
    const kind = randomInt(10);
    const question = kind === 0 ? creating(shop) : toQuestion(await scene.draftFor(shop, plan));
    const signal = kind === 1 ? AbortSignal.timeout(randomInt(1, 15)) : undefined;
    if (kind === 2) {
      const { rowCount } = await scene.admin.query(
        `select pg_cancel_backend(pid) from pg_stat_activity
          where usename = 'kassa_app' and datname = current_database() and state = 'active' limit 1`,
      );
      cancelled += rowCount ?? 0;
    }
    const answer = await scene.client
      .ask({ ...question, ...(signal && { signal }) })
      .catch(() => undefined);
    if (!answer) aborted += 1;
    const foreign = marks.flatMap((own, owner) => (owner === at ? [] : own));
    const leaked = foreign.find((mark) => answer?.text.includes(mark));
    tally.tried(`${plan.name} of ${shop.slug}`, leaked && `the answer holds ${leaked}`);
  }

  await Promise.all(
    Array.from({ length: 24 }, async () => {
      for (let count = 0; count < 50; count += 1) await one();
    }),
  );
  tally.note(`${aborted} given up by the client, ${cancelled} statements cancelled`);
});

/** A create that a check of the database or the provider may refuse. */
function creating(shop: Shop) {
  return {
    method: 'POST',
    path: `/payment/create?tenant=${shop.slug}`,
    headers: ['Content-Type', 'application/json'],
    body: JSON.stringify(
      anOrder({ name: `Shopper of ${shop.slug}`, amount: randomInt(2) * 10_000 }),
    ),
  };
}
