import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { toCursor } from '../../src/contracts/pages.ts';
import { attack } from './support/attack.ts';
import type { Answer } from './support/client.ts';
import { type Draft, type Plan, plans, type Slot, withValue } from './support/requests.ts';
import { openScene } from './support/scene.ts';

// Who somebody is, and whose things there are: with own credentials at others' ids, and without any.

const scene = await openScene();
const { mine, other, send, draftFor } = scene;
const canaries = await scene.canariesOf(other, mine);

/** An id of nothing, as long as the one that it stands for. */
function ghostOf(value: string): string {
  const uuid = randomUUID();
  return value.length === uuid.length
    ? uuid
    : randomBytes(50).toString('hex').slice(0, value.length);
}

function neutral(answer: Answer, values: readonly string[]): string {
  const { requestId } = JSON.parse(answer.text) as { requestId?: string };
  return [...values, requestId]
    .filter((value) => value !== undefined)
    .reduce((text, value) => text.replaceAll(value, '*'), answer.text);
}

/** Sends a request about another shop's things, and the same about nothing. */
async function compare(draft: Draft, places: readonly { slot: Slot; value: string }[]) {
  const ghosts = places.map((place) => ({ ...place, value: ghostOf(place.value) }));
  const fill = (made: typeof places) =>
    made.reduce((filled, { slot, value }) => withValue(filled, slot, value), draft);
  const theirs = await send(fill(places));
  const nobodys = await send(fill(ghosts));
  const values = places.map(({ value }) => value);
  const seen = neutral(theirs, values);
  const leaked = canaries.find((canary) => seen.includes(canary));
  if (leaked) return `the answer holds ${leaked}`;
  if (theirs.status !== nobodys.status) return `${theirs.status}, of nothing ${nobodys.status}`;
  // Under the reference of another shop's order one may open an order of one's own.
  if (theirs.status < 300) return undefined;
  const expected = neutral(
    nobodys,
    ghosts.map(({ value }) => value),
  );
  return seen === expected ? undefined : `${seen}, of nothing ${expected}`;
}

attack('A01', "another shop's ids and ids of nothing are told alike", async (tally) => {
  const before = await scene.fingerprintOf(other);
  const uuids = [...new Set([...other.ids.values()].flat())].filter((id) =>
    /^[0-9a-f-]{36}$/.test(id),
  );
  const references = [other.paidOrder, other.pendingOrder];
  for (const plan of plans) {
    const slots = plan.slots.filter(({ kind }) => kind !== undefined);
    // A route that takes no id cannot be asked for another's.
    if (slots.length === 0) continue;
    // A shop of its own for each route: an order opened under a reference is no other shop's.
    const draft = await draftFor(await scene.openShop(), plan);
    const valuesFor = ({ kind }: Slot) => (kind === 'OrderReference' ? references : uuids);
    for (const slot of slots) {
      for (const value of valuesFor(slot)) {
        const what = `${plan.name} with ${value} as ${slot.path.join('.')}`;
        tally.tried(what, await compare(draft, [{ slot, value }]));
      }
    }
    if (slots.length > 1) {
      const theirs = await draftFor(other, plan);
      const all = slots.map((slot) => ({ slot, value: valueIn(theirs, slot) }));
      tally.tried(`${plan.name} with every id of the other`, await compare(draft, all));
    }
  }
  const isUntouched = before === (await scene.fingerprintOf(other));
  tally.tried('what the other shop has', isUntouched ? undefined : 'it has changed');
});

/** What stands in that place of the other shop's own request. */
function valueIn({ params, query, body }: Draft, { part, path }: Slot): string {
  const members: unknown = { params, query, body }[part];
  const found = path.reduce(
    (at, name) => (at as Record<string, unknown> | undefined)?.[name],
    members,
  );
  return String(found);
}

attack('A01', "a cursor made of another shop's ids leads nowhere", async (tally) => {
  const ids = [...new Set([...other.ids.values()].flat())].slice(0, 40);
  for (const plan of plans) {
    const slot = plan.slots.find(({ path }) => path.join('.') === 'cursor');
    if (!slot) continue;
    const micros = String(Date.now() * 1_000);
    for (const id of ids) {
      for (const position of [id, { micros, id }]) {
        const answer = await send(withValue(await draftFor(mine, plan), slot, toCursor(position)));
        const seen = answer.text.replaceAll(id, '*');
        const leaked = canaries.find((canary) => seen.includes(canary));
        tally.tried(`${plan.name} after ${id}`, leaked && `the answer holds ${leaked}`);
      }
    }
  }
});

const unsigned = (payload: object) =>
  [{ alg: 'none', typ: 'JWT' }, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');

/** What is no proof of being anybody. */
const falseProofs: readonly (readonly [string, readonly string[], string?])[] = [
  ['nothing', []],
  ['an empty Bearer', bearer('')],
  ['Bearer null', bearer('null')],
  ['Bearer undefined', bearer('undefined')],
  ['an unsigned token', bearer(`${unsigned({ sub: mine.id, role: 'owner', aud: 'kassa' })}.`)],
  ['a token signed by nobody', bearer(`${unsigned({ sub: mine.id, role: 'superadmin' })}.AAAA`)],
  ['Basic', ['Authorization', `Basic ${Buffer.from(`${mine.secretKey}:`).toString('base64')}`]],
  ['the key without Bearer', ['Authorization', mine.secretKey]],
  ['the hash of the key', bearer(createHash('sha256').update(mine.secretKey).digest('hex'))],
  ['the hash as a key', bearer(`sk_test_${hashOf(mine.secretKey)}`)],
  ['the key in capitals', bearer(mine.secretKey.toUpperCase())],
  ['the key and one character', bearer(`${mine.secretKey}0`)],
  ['the key without its last character', bearer(mine.secretKey.slice(0, -1))],
  ['the key of test as one of live', bearer(mine.secretKey.replace('sk_test_', 'sk_live_'))],
  ['the key as a publishable one', bearer(mine.secretKey.replace('sk_', 'pk_'))],
  ['a key of nobody', bearer(`sk_test_${randomBytes(24).toString('hex')}`)],
  ['an SQL text', bearer(`sk_test_' or '1'='1' --`)],
  ['all keys', bearer('sk_test_%')],
  ['the key of the provider', bearer(mine.serverKey)],
  [
    'the key as a cookie',
    ['Cookie', `session=${mine.secretKey}; __Host-kassa_session=${mine.secretKey}`],
  ],
  ['the id of the tenant as a cookie', ['Cookie', `__Host-kassa_session=${mine.id}`]],
  ['the key in another header', ['X-API-Key', mine.secretKey]],
  [
    'the key in a query',
    [],
    `&key=${mine.secretKey}&api_key=${mine.secretKey}&access_token=${mine.secretKey}`,
  ],
  ['a false key first', [...bearer('sk_test_0000000000000000000000'), ...bearer(mine.secretKey)]],
  ['a name of a trusted user', ['X-Remote-User', 'admin', 'X-Forwarded-User', 'admin']],
  [
    'a role in a header',
    ['X-Role', 'superadmin', 'X-Kassa-Role', 'owner', 'X-Tenant-Role', 'owner'],
  ],
  ['Bearer twice', ['Authorization', `Bearer Bearer ${mine.secretKey}`]],
  ['a key beyond all length', bearer(`sk_test_${'a'.repeat(8_000)}`)],
];

function bearer(text: string): string[] {
  return ['Authorization', `Bearer ${text}`];
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

attack('A28', 'what is no proof opens no door', async (tally) => {
  // Made first: some bring somebody new into the shop.
  const drafts = new Map<Plan, Draft>();
  for (const plan of plans) drafts.set(plan, await draftFor(mine, plan));
  const before = await scene.fingerprintOf(mine);
  for (const [plan, own] of drafts) {
    const { door } = plan.access;
    if (door === 'open' || door === 'provider' || door === 'storefront' || door === 'sign-in')
      continue;
    for (const [name, headers, search = ''] of falseProofs) {
      const draft = {
        ...own,
        headers: ['Content-Type', 'application/json', ...headers],
      };
      const named = { ...draft, query: { ...draft.query, tenant: mine.slug } };
      const answer = await scene.sendTo(named, search);
      const isRefused = answer.status === 401 || answer.status === 403;
      tally.tried(
        `${plan.name} with ${name}`,
        isRefused ? undefined : `${answer.status} ${answer.text}`,
      );
    }
  }
  const isUntouched = before === (await scene.fingerprintOf(mine));
  tally.tried('what the shop has', isUntouched ? undefined : 'it has changed');
});

attack(
  'A28',
  "a shop's key opens no account and nothing of the platform, nor another shop",
  async (tally) => {
    for (const plan of plans) {
      const { door } = plan.access;
      const draft = {
        ...(await draftFor(mine, plan)),
        headers: ['Content-Type', 'application/json', ...bearer(mine.secretKey)],
      };
      if (door === 'account' || door === 'platform') {
        const { status, text } = await send(draft);
        const isRefused = status === 401 || status === 403;
        tally.tried(plan.name, isRefused ? undefined : `${status} ${text}`);
      }
      if (door === 'tenant' || door === 'storefront') {
        const { status, text } = await send({
          ...draft,
          query: { ...draft.query, tenant: other.slug },
        });
        tally.tried(`${plan.name} as ?tenant=`, status === 400 ? undefined : `${status} ${text}`);
      }
    }
  },
);

attack('A28', 'a damaged or unknown key does not pass for no key', async (tally) => {
  const keys = [
    'sk_',
    'pk_',
    'sk_test_',
    'sk_test_short',
    `pk_live_${'0'.repeat(48)}`,
    `sk_live_${'z'.repeat(48)}`,
  ];
  for (const plan of plans.filter(({ access }) => access.door === 'storefront')) {
    for (const key of keys) {
      const draft = await draftFor(mine, plan);
      const { status, text } = await send({
        ...draft,
        headers: [...draft.headers, ...bearer(key)],
      });
      tally.tried(`${plan.name} with ${key}`, status === 401 ? undefined : `${status} ${text}`);
    }
  }
});

attack(
  'A24',
  'keys that are unknown, revoked and of another form are told alike',
  async (tally) => {
    const revoked = `sk_test_${randomBytes(24).toString('hex')}`;
    await scene.admin.query(
      `insert into api_keys (tenant_id, prefix, key_hash, revoked_at) values ($1, 'sk_test_', $2, now())`,
      [mine.id, createHash('sha256').update(revoked).digest()],
    );
    const ask = (key: string) => scene.client.ask({ path: '/admin/stats', headers: bearer(key) });
    const shape = async (key: string) => {
      const answer = await ask(key);
      return `${answer.status} ${neutral(answer, [])}`;
    };
    const expected = await shape(`sk_test_${randomBytes(24).toString('hex')}`);
    for (const [what, key] of [
      ['revoked', revoked],
      ['of another form', 'sk_test_short'],
      ['of live', `sk_live_${randomBytes(24).toString('hex')}`],
      ['publishable', `pk_test_${randomBytes(24).toString('hex')}`],
    ] as const) {
      const found = await shape(key);
      tally.tried(
        `a key that is ${what}`,
        found === expected ? undefined : `${found}, not ${expected}`,
      );
    }
    tally.note(`times: ${await medians(ask, { revoked, unknown: revoked.replaceAll('a', 'b') })}`);
  },
);

attack(
  'A24',
  'shops that do not exist and names that cannot be one are told alike',
  async (tally) => {
    const shape = async (slug: string) => {
      const answer = await scene.client.ask({
        path: `/orders/A/status?tenant=${encodeURIComponent(slug)}`,
      });
      return `${answer.status} ${neutral(answer, [])}`;
    };
    const expected = await shape('no-such-shop');
    for (const slug of [
      'x',
      'UPPER_CASE',
      '-',
      '%',
      "'",
      '../..',
      '*',
      'a'.repeat(300),
      'auth',
      'null',
    ]) {
      const found = await shape(slug);
      tally.tried(`?tenant=${slug}`, found === expected ? undefined : `${found}, not ${expected}`);
    }
  },
);

attack('A24', 'ids have at least 122 random bits and are no numbers that count', async (tally) => {
  for (const [column, ids] of [...mine.ids]) {
    if (column === 'orders.order_id') continue; // named by the merchant
    for (const id of ids) {
      const isUuid =
        /^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id);
      tally.tried(column, isUuid ? undefined : id);
    }
  }
});

/** In turns, so that both meet the same weather. */
async function medians(ask: (key: string) => Promise<Answer>, keys: Record<string, string>) {
  const times = new Map(Object.keys(keys).map((name): [string, number[]] => [name, []]));
  for (let turn = 0; turn < 100; turn += 1) {
    for (const [name, key] of Object.entries(keys)) times.get(name)?.push((await ask(key)).ms);
  }
  return [...times]
    .map(([name, all]) => `${name} ${all.sort((a, b) => a - b)[50]?.toFixed(2)} ms`)
    .join(', ');
}
