import { type Route, type RouteName, routes } from '../../src/contracts/routes.ts';
import type { Ask } from './raw-requests.ts';
import { type Part, type Place, placesOf, sampleOf } from './route-inputs.ts';

/** What a merchant is known by. */
export type Party = {
  readonly id: string;
  readonly slug: string;
  readonly secretKey: string;
};

/** Who asks: what a request of a merchant carries to say who sends it. */
export type Credential = {
  readonly name: string;
  readonly headersOf: (merchant: Party) => Readonly<Record<string, string>>;
  /** What names the tenant in the query, where nothing else does. */
  readonly queryOf: (merchant: Party) => Readonly<Record<string, string>>;
};

/** What a merchant's programs and shoppers show. */
export const secretKey: Credential = {
  name: 'a secret key',
  headersOf: (merchant) => ({ Authorization: `Bearer ${merchant.secretKey}` }),
  queryOf: () => ({}),
};
export const nameOnly: Credential = {
  name: 'a name only',
  headersOf: () => ({}),
  queryOf: ({ slug }) => ({ tenant: slug }),
};

export type Filled = { readonly place: Place; readonly value: string };
/** What a request holds besides what its route asks for. */
export type Filling = {
  readonly ids: readonly Filled[];
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of a route that takes the characters as they are. */
  readonly raw?: string;
};

export const routeNames = Object.keys(routes) as RouteName[];
export const routeOf = (name: RouteName): Route => routes[name];
export const placesIn = (name: RouteName): Place[] => placesOf(routeOf(name));

/** A request that a route would take, from that merchant. */
export function requestFor(
  name: RouteName,
  { merchant, credential }: { readonly merchant: Party; readonly credential: Credential },
  filling: Filling,
): Ask {
  const [method = '', template = ''] = name.split(' ');
  const { body } = routeOf(name);
  const query = new URLSearchParams({
    ...credential.queryOf(merchant),
    ...membersOf('query', filling.ids),
    ...filling.query,
  });
  const path = pathOf(template, filling.ids);
  const hasJson = body !== undefined && body !== 'raw';
  const json = hasJson ? { ...sampleOf(body), ...membersOf('body', filling.ids) } : undefined;
  return {
    method,
    path: query.size > 0 ? `${path}?${query}` : path,
    headers: {
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...credential.headersOf(merchant),
      ...filling.headers,
    },
    body: json ? JSON.stringify(json) : filling.raw,
  };
}

function pathOf(template: string, ids: readonly Filled[]): string {
  return template.replaceAll(/:(\w+)/g, (_, name: string) => {
    const filled = ids.find(({ place }) => place.part === 'params' && place.name === name);
    if (!filled) throw new Error(`${template} has no value for ${name}.`);
    return encodeURIComponent(filled.value);
  });
}

function membersOf(part: Part, ids: readonly Filled[]): Record<string, string> {
  const own = ids.filter(({ place }) => place.part === part);
  return Object.fromEntries(own.map(({ place, value }) => [place.name, value]));
}
