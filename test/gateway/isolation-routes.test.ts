import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RouteName } from '../../src/contracts/routes.ts';
import {
  cursorPair,
  idPairs,
  keyPairs,
  type Pair,
  rawPairs,
  takesCursor,
} from '../support/foreign-fillings.ts';
import { type Gateway, type Merchant, startGateway } from '../support/gateway.ts';
import { countTries } from '../support/isolation-tries.ts';
import { json } from '../support/midtrans-stub.ts';
import { openPeople } from '../support/people.ts';
import { askRaw, type RawAnswer } from '../support/raw-requests.ts';
import {
  type Credential,
  type Filling,
  nameOnly,
  placesIn,
  requestFor,
  routeNames,
  routeOf,
  secretKey,
} from '../support/route-requests.ts';
import { openSeeder, textOf, trade } from '../support/shop-seed.ts';
import { type IdsByKind, idsOf, readIds } from '../support/tenant-ids.ts';

/*
 * Every route of the list × every id that it takes: with one merchant's credentials the ids of
 * another are answered as ids of nothing are, character for character, and change nothing. The
 * places of ids come from the routes' schemas, so that a new route is tried from its first day.
 */
const tries = countTries('http');
const cookies = new Map<string, string>();
const session: Credential = {
  name: 'a session of its owner',
  headersOf: ({ id }) => ({ Cookie: cookies.get(id) ?? '', Origin: gateway.publicUrl }),
  queryOf: ({ slug }) => ({ tenant: slug }),
};
/** All that a merchant can show. A new kind of credential belongs here, and is tried everywhere. */
const credentials: readonly Credential[] = [secretKey, session, nameOnly];
let gateway: Gateway;
let people: ReturnType<typeof openPeople>;
let seeder: Awaited<ReturnType<typeof openSeeder>>;
let owner: Merchant;
let visitor: Merchant;
let theirs: IdsByKind;
let ownerText: string;

beforeAll(async () => {
  gateway = await startGateway();
  people = openPeople(gateway);
  // Tokens are the provider's, and differ for each page: here they must not hide a difference.
  gateway.midtrans.answerCreates((_req, res) =>
    json(res, 201, { token: 'token', redirect_url: 'https://app.example/snap/token' }),
  );
  seeder = await openSeeder(gateway);
  owner = await newMerchant();
  await trade(gateway, owner);
  await seeder.seed(owner);
  theirs = await readIds(gateway.admin, owner.id);
  visitor = await newMerchant();
  await seeder.seed(visitor);
  ownerText = await textOf(gateway, seeder.tables, owner.id);
});

afterAll(async () => {
  await seeder.close();
  await gateway.close();
});

type Asker = { readonly merchant: Merchant; readonly credential: Credential };

const withIds = routeNames.filter((name) => {
  const { body } = routeOf(name);
  return placesIn(name).length > 0 || hasCursor(name) || body === 'raw';
});
const cases = withIds.flatMap((name) => credentials.map((credential) => ({ name, credential })));

test.each(cases)('$name, with $credential.name', async ({ name, credential }) => {
  // An order of that name, once made, would be an own one everywhere else.
  const merchant = name === 'POST /payment/create' ? await newMerchant() : visitor;
  const ids = { own: await readIds(gateway.admin, visitor.id), theirs };
  const pairs = [...idPairs(name, ids), ...keyPairs(name, ids), ...rawPairs(name, merchant, ids)];
  if (hasCursor(name)) pairs.push(cursorPair(name, ids, await theirCursor(name)));

  for (const pair of pairs) await compare(name, { merchant, credential }, pair);

  expect(pairs.length).toBeGreaterThan(0);
});

describe('another merchant’s name beside one’s own key', () => {
  const names: readonly (readonly [string, (slug: string) => Partial<Filling>])[] = [
    ['in the query', (tenant) => ({ query: { tenant } })],
    ['in the header', (slug) => ({ headers: { 'X-Tenant-Slug': slug } })],
    ['in capitals', (slug) => ({ headers: { 'X-Tenant-Slug': slug.toUpperCase() } })],
    ['as subdomain', (slug) => ({ headers: { Host: `${slug}.localhost` } })],
    ['as subdomain with a dot', (slug) => ({ headers: { Host: `${slug}.LOCALHOST.:80` } })],
    [
      'everywhere',
      (slug) => ({
        query: { tenant: slug },
        headers: { 'X-Tenant-Slug': slug, Host: `${slug}.localhost` },
      }),
    ],
  ];

  test.each(routeNames)('opens nothing at %s', async (name) => {
    const merchant = await gateway.merchant();
    // Probes answer before anybody asks who sends them, and say nothing of anybody.
    const expected = ['GET /livez', 'GET /readyz'].includes(name) ? 200 : 400;

    for (const [how, fillingOf] of names) {
      const ids = placesIn(name).map((place) => ({
        place,
        value: idsOf(theirs, place.kind)[0] ?? '',
      }));
      const filling = { ids, ...fillingOf(owner.slug) };

      const answer = await askRaw(
        gateway.url,
        requestFor(name, { merchant, credential: secretKey }, filling),
      );

      const isChanged = await hasOwnerChanged();
      tries.count(isChanged ? `${name} ${how} changed something` : undefined);
      expect(answer.status, `${how}: ${answer.text}`).toBe(expected);
    }
  });
});

// An id that nobody may use would prove nothing: these are what they say.
test.each(withIds.filter((name) => placesIn(name).length > 0))(
  'the ids are real: their owner reaches them at %s',
  async (name) => {
    const statuses = new Set<number>();
    for (const { foreign } of idPairs(name, { own: theirs, theirs })) {
      statuses.add((await ask(name, asOwner(), foreign)).status);
    }

    await hasOwnerChanged();
    expect([...statuses].filter((status) => status < 400 || status === 409)).not.toEqual([]);
  },
);

/** With somebody who is signed in as its owner. */
async function newMerchant(): Promise<Merchant> {
  const merchant = await gateway.merchant();
  const person = await people.member(merchant, 'owner');
  cookies.set(merchant.id, person.cookie);
  return merchant;
}

function asOwner(): Asker {
  return { merchant: owner, credential: session };
}

/** A list of the platform's is nobody's second page. */
function hasCursor(name: RouteName): boolean {
  return takesCursor(name) && routeOf(name).access.door !== 'platform';
}

function ask(name: RouteName, asker: Asker, filling: Filling): Promise<RawAnswer> {
  return askRaw(gateway.url, requestFor(name, asker, filling));
}

/** The owner's own place in a list of more than one. */
async function theirCursor(name: RouteName): Promise<string> {
  for (const { foreign } of [...idPairs(name, { own: theirs, theirs }), { foreign: { ids: [] } }]) {
    if (placesIn(name).length !== foreign.ids.length) continue;
    const answer = await ask(name, asOwner(), { ...foreign, query: { limit: '1' } });
    const { next } = JSON.parse(answer.text) as { next?: string | null };
    if (next) return next;
  }
  throw new Error(`${name} has no second page; the seed has too few rows for it.`);
}

/** Since this was asked last. */
async function hasOwnerChanged(): Promise<boolean> {
  const before = ownerText;
  ownerText = await textOf(gateway, seeder.tables, owner.id);
  return ownerText !== before;
}

/** One try: the foreign thing and nothing at all must look the same from here. */
async function compare(name: RouteName, asker: Asker, pair: Pair): Promise<void> {
  const foreign = await ask(name, asker, pair.foreign);
  const isChanged = await hasOwnerChanged();
  const nothing = await ask(name, asker, pair.nothing);
  const isWrite = !name.startsWith('GET ');
  const seen = comparable(foreign, pair.sent, isWrite);
  const isSame = seen === comparable(nothing, pair.sent, isWrite);
  const told = [...theirs.values()].flat().filter((id) => seen.includes(id));
  const found = { isChanged, told, foreign: foreign.text, nothing: nothing.text };
  const isCrossing = isChanged || !isSame || told.length > 0;
  tries.count(isCrossing ? `${name}: ${JSON.stringify(found)}` : undefined);
  // Two accidents may look the same.
  expect(foreign.status, foreign.text).toBeLessThan(500);
}

/** The answer without what was sent, the request's own id and, of a new thing, its time. */
function comparable(
  { status, text }: RawAnswer,
  sent: readonly string[],
  isWrite: boolean,
): string {
  const withoutSent = [...sent]
    .sort((a, b) => b.length - a.length)
    .reduce((rest, value) => rest.replaceAll(value, '<sent>'), text);
  const body = withoutSent.replace(/"requestId":"[^"]*"/, '');
  const isMade = isWrite && status < 300;
  return `${status} ${isMade ? body.replaceAll(/"\d{4}-\d\d-\d\dT[^"]*Z"/g, '<moment>') : body}`;
}
