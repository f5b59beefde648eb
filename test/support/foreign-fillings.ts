import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { RouteName } from '../../src/contracts/routes.ts';
import { aNotification, type Merchant } from './gateway.ts';
import type { Place } from './route-inputs.ts';
import { type Filled, type Filling, placesIn, routeOf } from './route-requests.ts';
import { tradeKey } from './shop-seed.ts';
import { type IdsByKind, idsOf } from './tenant-ids.ts';

/** A request with what is another tenant's, and the same one with what is nobody's. */
export type Pair = {
  readonly foreign: Filling;
  readonly nothing: Filling;
  /** What may stand in the one answer and, in the other, what was sent in its place. */
  readonly sent: readonly string[];
};

type Ids = { readonly own: IdsByKind; readonly theirs: IdsByKind };

/** Foreign ids at each set of the places of a route, and own ones at the others. */
export function idPairs(name: RouteName, ids: Ids): Pair[] {
  const places = placesIn(name);
  const several = subsetsOf(places).flatMap((chosen) => {
    const counts = chosen.map(({ kind }) => idsOf(ids.theirs, kind).length);
    return Array.from({ length: Math.max(...counts) }, (_, at) =>
      pairAt(places, ids, (place) => {
        if (!chosen.includes(place)) return undefined;
        const values = idsOf(ids.theirs, place.kind);
        return values[at % values.length];
      }),
    );
  });
  const otherKinds = places.flatMap((place) =>
    [...ids.theirs.keys()].map((kind) =>
      pairAt(places, ids, (each) => (each === place ? idsOf(ids.theirs, kind)[0] : undefined)),
    ),
  );
  return [...several, ...otherKinds];
}

/** The key under which the other tenant's write was answered must not answer this one's. */
export function keyPairs(name: RouteName, ids: Ids): Pair[] {
  const places = placesIn(name);
  if (name.startsWith('GET ') || places.length === 0) return [];
  const { foreign, nothing, sent } = pairAt(
    places,
    ids,
    ({ kind }) => idsOf(ids.theirs, kind)[0] ?? '',
  );
  const key = neighbourOf(tradeKey);
  return [
    {
      foreign: { ...foreign, headers: { 'Idempotency-Key': tradeKey } },
      nothing: { ...nothing, headers: { 'Idempotency-Key': key } },
      sent: [...sent, tradeKey, key],
    },
  ];
}

/** What a provider's message may name, signed with the key of the one who must not reach it. */
export function rawPairs(name: RouteName, merchant: Merchant, { theirs }: Ids): Pair[] {
  if (routeOf(name).body !== 'raw') return [];
  if (name !== 'POST /webhooks/midtrans') throw new Error(`Nobody knows what ${name} names.`);
  return idsOf(theirs, 'OrderReference').map((foreign) => {
    const nothing = neighbourOf(foreign);
    const fillingOf = (reference: string) => ({
      ids: [],
      raw: JSON.stringify(merchant.signed({ ...aNotification(), order_id: reference })),
    });
    return {
      foreign: fillingOf(foreign),
      nothing: fillingOf(nothing),
      sent: [foreign, nothing],
    };
  });
}

/** The other tenant's place in a list, and a place beside it. */
export function cursorPair(name: RouteName, ids: Ids, cursor: string): Pair {
  const text = Buffer.from(cursor, 'base64url').toString();
  const beside = text.replaceAll(uuid, (id) => neighbourOf(id));
  const nothing = Buffer.from(beside).toString('base64url');
  const own = placesIn(name).map((place) => ({
    place,
    value: idsOf(ids.own, place.kind)[0] ?? '',
  }));
  return {
    foreign: { ids: own, query: { cursor } },
    nothing: { ids: own, query: { cursor: nothing } },
    sent: [cursor, nothing],
  };
}

export function takesCursor(name: RouteName): boolean {
  const { query } = routeOf(name);
  return query instanceof z.ZodObject && 'cursor' in query.shape;
}

function pairAt(
  places: readonly Place[],
  { own }: Ids,
  foreignAt: (place: Place) => string | undefined,
): Pair {
  const foreign: Filled[] = [];
  const nothing: Filled[] = [];
  for (const place of places) {
    const value = foreignAt(place);
    const ownValue = idsOf(own, place.kind)[0] ?? '';
    foreign.push({ place, value: value ?? ownValue });
    nothing.push({ place, value: value === undefined ? ownValue : neighbourOf(value) });
  }
  const sent = [...foreign, ...nothing].map(({ value }) => value);
  return { foreign: { ids: foreign }, nothing: { ids: nothing }, sent };
}

function subsetsOf<T>(all: readonly T[]): T[][] {
  const [first, ...rest] = all;
  if (first === undefined) return [];
  const others = subsetsOf(rest);
  return [[first], ...others, ...others.map((set) => [first, ...set])];
}

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** As long and as formed as the id, and nobody's; beside it in every order. */
export function neighbourOf(id: string): string {
  const end = randomBytes(6)
    .toString('hex')
    .slice(0, Math.min(12, id.length - 1));
  return `${id.slice(0, -end.length)}${end}`;
}
