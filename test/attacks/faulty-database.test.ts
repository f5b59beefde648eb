import { setTimeout as sleep } from 'node:timers/promises';
import { aNotification } from '../support/gateway.ts';
import { attack, type Tally } from './support/attack.ts';
import type { Answer } from './support/client.ts';
import { type Draft, plans, withValue } from './support/requests.ts';
import { openScene, type Scene } from './support/scene.ts';

// Strangers' ids, false names, pool bleed and forged news (A01, A03, A09, A33) once more, while the
// database comes and goes or has no connection left: whatever is answered, it is not with less care.

type Try = { readonly what: string; readonly draft: Draft; readonly mayServe: boolean };

async function triesOf(scene: Scene): Promise<Try[]> {
  const { mine, other, draftFor } = scene;
  const tries = plans.map(async (plan) => {
    const own = await draftFor(mine, plan);
    const isOpen = ['open', 'storefront', 'provider', 'sign-in'].includes(plan.access.door);
    const named = { ...own.query, tenant: mine.slug };
    const strange = plan.slots
      // Whoever creates an order names it: one of the same name is a shop's own from then on.
      .filter(({ kind }) => kind !== undefined && plan.name !== 'POST /payment/create')
      .map((slot) => ({ slot, value: foreignId(scene, slot.kind === 'OrderReference') }))
      .map(({ slot, value }) => ({
        what: `${plan.name} with ${value}`,
        draft: withValue(own, slot, value),
        mayServe: false,
      }));
    return [
      ...strange,
      { what: `${plan.name}, own`, draft: own, mayServe: true },
      {
        what: `${plan.name} without a key`,
        draft: { ...own, headers: ['Content-Type', 'application/json'], query: named },
        mayServe: isOpen,
      },
      {
        what: `${plan.name} of the other by its header`,
        draft: { ...own, query: named, headers: [...own.headers, 'X-Tenant-Slug', other.slug] },
        mayServe: plan.access.door === 'open',
      },
    ];
  });
  return (await Promise.all(tries)).flat();
}

function foreignId({ other }: Scene, isReference: boolean): string {
  if (isReference) return other.paidOrder;
  return other.ids.get('attention_items.id')?.[0] ?? other.id;
}

/** The other shop's order is paid, says somebody who knows another key. */
async function forgeriesOf({ mine, other, draftFor }: Scene): Promise<Try[]> {
  const forgeries = plans
    .filter(({ isRaw }) => isRaw)
    .map(async (plan) => {
      const body = JSON.stringify(mine.signed(aNotification({ order_id: other.pendingOrder })));
      const draft = await draftFor(other, plan);
      return { what: `${plan.name}, forged`, draft: { ...draft, body }, mayServe: false };
    });
  return Promise.all(forgeries);
}

/** Tries everything while the database is as `spoil` makes it, until what that answers is called. */
async function repeat(tally: Tally, { scene, rounds, spoil }: Plan): Promise<Map<number, number>> {
  const canaries = await scene.canariesOf(scene.other, scene.mine);
  const before = await scene.fingerprintOf(scene.other);
  const tries = [...(await triesOf(scene)), ...(await forgeriesOf(scene))];
  const statuses = new Map<number, number>();
  const mend = await spoil();
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all(
      tries.map(async ({ what, draft, mayServe }) => {
        const answer = await scene.send(draft).catch(() => undefined);
        if (answer) statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        tally.tried(what, answer && faultOf(answer, { draft, mayServe, canaries }));
      }),
    );
  }
  await mend();
  const isSame = before === (await scene.fingerprintOf(scene.other));
  tally.tried('the other shop', isSame ? undefined : 'it has changed');
  tally.note(
    `answers: ${[...statuses]
      .sort()
      .map(([status, times]) => `${times}× ${status}`)
      .join(', ')}`,
  );
  return statuses;
}

type Plan = {
  readonly scene: Scene;
  readonly rounds: number;
  spoil(): Promise<() => Promise<void>>;
};

type Expected = {
  readonly draft: Draft;
  readonly mayServe: boolean;
  readonly canaries: readonly string[];
};

function faultOf(
  { status, text }: Answer,
  { draft, mayServe, canaries }: Expected,
): string | undefined {
  const sent = JSON.stringify(draft);
  const leaked = canaries.find((canary) => text.includes(canary) && !sent.includes(canary));
  if (leaked) return `the answer holds ${leaked}`;
  if (status < 300 && !mayServe) return `${status} ${text}`;
  return status === 500 ? `${status} ${text}` : undefined;
}

const down = await openScene({ TRUSTED_PROXIES: '127.0.0.0/8' });
const narrow = await openScene({ DATABASE_POOL_SIZE: '2', TRUSTED_PROXIES: '127.0.0.0/8' });

attack('A48', 'while the database takes nobody, on and off', async (tally) => {
  const statuses = await repeat(tally, { scene: down, rounds: 8, spoil: comeAndGo });
  const isSpoilt = statuses.has(503) && statuses.has(200);
  tally.tried('the database', isSpoilt ? undefined : 'it did not come and go');
});

async function comeAndGo() {
  let isOver = false;
  const weather = (async () => {
    while (!isOver) {
      await setLimit(0);
      await down.admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where usename in ('kassa_app', 'kassa_platform') and datname = current_database()`,
      );
      await sleep(60);
      await setLimit(-1);
      await sleep(120);
    }
  })();
  return async () => {
    isOver = true;
    await weather;
  };
}

async function setLimit(limit: number): Promise<void> {
  await down.admin.query(
    `do $$ begin
       execute format('alter database %I connection limit ${limit}', current_database());
     end $$`,
  );
}

attack('A48', 'while every connection is taken', async (tally) => {
  const statuses = await repeat(tally, { scene: narrow, rounds: 1, spoil: takeAll });
  tally.tried('the pool', statuses.has(503) ? undefined : 'it was never exhausted');
});

/** Whoever asks for an order waits, with a connection in hand. */
async function takeAll() {
  const holder = await narrow.gateway.admin.connect();
  await holder.query('begin');
  await holder.query('lock table orders in access exclusive mode');
  const path = `/orders/A/status?tenant=${narrow.mine.slug}`;
  const waiting = Promise.all(Array.from({ length: 4 }, () => narrow.client.ask({ path })));
  // Longer than anybody waits for a connection.
  const release = sleep(4_000).then(() => holder.query('rollback'));
  return async () => {
    await release;
    holder.release();
    await waiting;
  };
}
