import { afterAll, beforeAll, expect, test } from 'vitest';
import { TenantId } from '../../src/domain/ids.ts';
import { type JobPayload, jobPayloads, type Topic, topics } from '../../src/domain/jobs.ts';
import { jobHandlers } from '../../src/jobs/handlers.ts';
import type { Handler } from '../../src/jobs/queue.ts';
import { createAccountMails } from '../../src/services/account-mails.ts';
import { createOrderMails } from '../../src/services/order-mails.ts';
import { createTeamMails } from '../../src/services/team-mails.ts';
import { neighbourOf } from '../support/foreign-fillings.ts';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { countTries } from '../support/isolation-tries.ts';
import { placesOf, sampleOf } from '../support/route-inputs.ts';
import { openSeeder, textOf, trade } from '../support/shop-seed.ts';
import { type IdsByKind, idsOf, readIds } from '../support/tenant-ids.ts';

/*
 * Every kind of job × every id that it holds: a job of one tenant that names another's rows does
 * what a job does that names nothing, and leaves the other's rows, shoppers and provider alone.
 */
const tries = countTries('job');
const mailed: unknown[] = [];
let gateway: Gateway;
let seeder: Awaited<ReturnType<typeof openSeeder>>;
let handlers: ReturnType<typeof jobHandlers>;
let parties: readonly Party[];

type Party = { readonly merchant: Merchant; readonly ids: IdsByKind };
type Payload = Readonly<Record<string, unknown>>;

beforeAll(async () => {
  gateway = await startGateway();
  seeder = await openSeeder(gateway);
  const { services, wiring } = gateway;
  const mailer = {
    send: async (mail: unknown) => {
      mailed.push(mail);
      return { messageId: 'kept' };
    },
    close: () => {},
  };
  const mails = createOrderMails({
    db: wiring.db,
    directory: services.directory,
    mailer,
    addresses: wiring.addresses,
    mailFrom: 'no-reply@kassa.example',
  });
  const sending = { ...wiring, mailer, mailFrom: 'no-reply@kassa.example' };
  handlers = jobHandlers({
    ...services,
    mails,
    accountMails: createAccountMails({ ...sending, auth: services.auth }),
    teamMails: createTeamMails({ ...sending, ...services }),
  });
  parties = [await newParty(), await newParty()];
});

afterAll(async () => {
  await seeder.close();
  await gateway.close();
});

const directions = topics.flatMap((topic) => [
  { topic, actor: 0, victim: 1 },
  { topic, actor: 1, victim: 0 },
]);

test.each(directions)(
  '$topic of tenant $actor does nothing to tenant $victim',
  async (direction) => {
    const { topic } = direction;
    const { actor, victim } = partiesOf(direction);

    for (const payload of payloadsOf(topic, victim.ids, actor.ids)) {
      const before = await textOf(gateway, seeder.tables, victim.merchant.id);
      const foreign = await outcomeOf(topic, actor, payload.of);
      const isChanged = (await textOf(gateway, seeder.tables, victim.merchant.id)) !== before;
      const nothing = await outcomeOf(topic, actor, payload.ofNothing);
      const isSame = JSON.stringify(foreign) === JSON.stringify(nothing);
      const found = { isChanged, foreign, nothing };
      tries.count(isChanged || !isSame ? `${topic}: ${JSON.stringify(found)}` : undefined);
    }
  },
);

// What nobody can do would prove nothing.
test.each(topics)('%s does something to rows of its own tenant', async (topic) => {
  const [party] = parties;
  if (!party) throw new Error('There is nobody.');
  const differing: unknown[] = [];

  for (const payload of payloadsOf(topic, party.ids, party.ids)) {
    const own = await outcomeOf(topic, party, payload.of);
    const nothing = await outcomeOf(topic, party, payload.ofNothing);
    if (JSON.stringify(own) !== JSON.stringify(nothing)) differing.push(own);
  }

  expect(differing).not.toEqual([]);
});

async function newParty(): Promise<Party> {
  const merchant = await gateway.merchant();
  await trade(gateway, merchant);
  await seeder.seed(merchant);
  return { merchant, ids: await readIds(gateway.admin, merchant.id) };
}

function partiesOf({ actor, victim }: { readonly actor: number; readonly victim: number }) {
  const [acting, suffering] = [parties[actor], parties[victim]];
  if (!acting || !suffering) throw new Error('There are not enough parties.');
  return { actor: acting, victim: suffering };
}

/** Payloads with ids of the one party in some places and of the other, or of nobody, in the rest. */
function payloadsOf(topic: Topic, theirs: IdsByKind, own: IdsByKind) {
  const places = placesOf({ body: jobPayloads[topic] });
  expect(places, `the payload of ${topic}`).not.toEqual([]);
  const choices = places.reduce<readonly (readonly boolean[])[]>(
    (all, _) => all.flatMap((each) => [each.concat(true), each.concat(false)]),
    [[]],
  );
  const count = Math.max(...places.map(({ kind }) => idsOf(theirs, kind).length));
  return choices
    .filter((choice) => choice.includes(true))
    .flatMap((choice) =>
      Array.from({ length: count ** 2 }, (_, turn) => {
        const pick = (kind: string, at: number) => {
          const values = idsOf(choice[at] ? theirs : own, kind);
          const step = at === 0 ? Math.floor(turn / count) : turn;
          return values[step % values.length] ?? '';
        };
        const foreign = places.map(({ name, kind }, at) => [name, pick(kind, at)] as const);
        const nobodys = foreign.map(
          ([name, id], at) => [name, choice[at] ? neighbourOf(id) : id] as const,
        );
        return { of: complete(topic, foreign), ofNothing: complete(topic, nobodys) };
      }),
    );
}

function complete(topic: Topic, ids: readonly (readonly [string, string])[]): Payload {
  return sampleOf(jobPayloads[topic], Object.fromEntries(ids));
}

/** How a job ends, in words without ids, and whom it reached. */
async function outcomeOf<T extends Topic>(topic: T, { merchant }: Party, payload: Payload) {
  mailed.length = 0;
  gateway.midtrans.calls.length = 0;
  const handle: Handler<T> = handlers[topic];
  const work = handle(
    TenantId.parse(merchant.id),
    jobPayloads[topic].parse(payload) as JobPayload<T>,
  );
  const ended = await work.then(
    () => 'done',
    (error: Error) => error.message,
  );
  const ids = Object.values(payload).filter((value) => typeof value === 'string');
  const words = ids.reduce((text, id) => text.replaceAll(id, '<id>'), ended);
  return { words, mails: mailed.length, calls: gateway.midtrans.calls.length };
}
