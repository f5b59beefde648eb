import { z } from 'zod';
import { type Route, type RouteName, routes } from '../../../src/contracts/routes.ts';
import type { Access } from '../../../src/domain/access.ts';
import * as ids from '../../../src/domain/ids.ts';
import type { Question } from './client.ts';
import { layersOf, sampleOf } from './samples.ts';

/** A kind of id: the name of its schema in `domain/ids.ts`. */
export type Kind = keyof typeof ids;

/** A place in a request where a value stands. */
export type Slot = {
  readonly part: 'params' | 'query' | 'body';
  /** From the part down to the value. */
  readonly path: readonly string[];
  readonly schema: z.ZodType;
  readonly kind: Kind | undefined;
  readonly isRequired: boolean;
  readonly takesText: boolean;
};

export type Plan = {
  readonly name: RouteName;
  readonly method: string;
  readonly path: string;
  readonly access: Access;
  readonly slots: readonly Slot[];
  readonly isRaw: boolean;
  readonly hasBody: boolean;
  /** A password is hashed for it, which costs a tenth of a second on purpose. */
  readonly isDear: boolean;
};

/** A request before it is written down. */
export type Draft = {
  readonly plan: Plan;
  readonly params: Members;
  readonly query: Members;
  readonly body: Members | string | undefined;
  readonly headers: readonly string[];
};
export type Members = Readonly<Record<string, unknown>>;

/** How every route is asked, made from the list of routes and its schemas alone. */
export const plans: readonly Plan[] = Object.entries(routes as Record<string, Route>).map(
  ([name, route]) => {
    const [method = '', path = ''] = name.split(' ');
    const { access, params, query, body } = route;
    const slots = [
      ...slotsIn('params', params),
      ...slotsIn('query', query),
      ...(body === 'raw' ? [] : slotsIn('body', body)),
    ];
    return {
      name: name as RouteName,
      method,
      path,
      access,
      slots,
      isRaw: body === 'raw',
      hasBody: body !== undefined,
      isDear: slots.some(isPassword),
    };
  },
);

function slotsIn(part: Slot['part'], schema: z.ZodType | undefined, path: string[] = []): Slot[] {
  const inner = schema && objectIn(schema);
  if (!inner) return [];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, member]) => {
    const deeper = slotsIn(part, member, [...path, name]);
    if (deeper.length > 0) return deeper;
    return [
      {
        part,
        path: [...path, name],
        schema: member,
        kind: kindOf(member),
        isRequired: !member.safeParse(undefined).success,
        takesText: takesText(member),
      },
    ];
  });
}

export function isPassword({ path }: Slot): boolean {
  return /password/i.test(path.at(-1) ?? '');
}

/** Of a choice between bodies the first. */
function objectIn(schema: z.ZodType): z.ZodObject | undefined {
  const inner = layersOf(schema).at(-1);
  if (inner instanceof z.ZodObject) return inner;
  const options = inner instanceof z.ZodUnion ? inner.options : [];
  return options.find((option) => option instanceof z.ZodObject);
}

function kindOf(schema: z.ZodType): Kind | undefined {
  const layers = layersOf(schema);
  const known = Object.entries(ids).find(([, id]) => layers.includes(id as z.ZodType));
  return known?.[0] as Kind | undefined;
}

function takesText(schema: z.ZodType): boolean {
  const inner = layersOf(schema).at(-1);
  if (inner instanceof z.ZodUnion)
    return inner.options.some((each) => takesText(each as z.ZodType));
  return (
    inner instanceof z.ZodString || inner instanceof z.ZodStringFormat || inner instanceof z.ZodEnum
  );
}

/**
 * A request that its route takes: ids from `idOf`, all else by sample.
 *
 * @throws Error that names the route for which none can be made
 */
export function draftOf(plan: Plan, idOf: (kind: Kind, slot: Slot) => string): Draft {
  const route: Route = routes[plan.name];
  const choose = (slot: Slot) =>
    slot.kind ? idOf(slot.kind, slot) : sampleOf(slot.schema, slot.path.at(-1) ?? '');
  const part = (name: Slot['part'], schema: z.ZodType | undefined): Members => {
    const own = plan.slots.filter((slot) => slot.part === name);
    const needed = fill(
      own.filter(({ isRequired }) => isRequired),
      choose,
    );
    if (!schema || schema.safeParse(needed).success) return needed;
    const all = fill(own, choose);
    const parsed = schema.safeParse(all);
    if (parsed.success) return all;
    throw new Error(`${plan.name}: no valid ${name} could be made: ${parsed.error.message}`);
  };
  return {
    plan,
    params: part('params', route.params),
    query: part('query', route.query),
    body: plan.hasBody && route.body !== 'raw' ? part('body', route.body) : undefined,
    headers: plan.hasBody ? ['Content-Type', 'application/json'] : [],
  };
}

function fill(slots: readonly Slot[], choose: (slot: Slot) => unknown): Members {
  return slots.reduce<Members>((made, slot) => put(made, slot.path, choose(slot)), {});
}

/** The draft with another value in one place. */
export function withValue(draft: Draft, { part, path }: Slot, value: unknown): Draft {
  const members = draft[part];
  return { ...draft, [part]: put(typeof members === 'object' ? members : {}, path, value) };
}

function put(members: Members, [name = '', ...rest]: readonly string[], value: unknown): Members {
  if (rest.length === 0) return { ...members, [name]: value };
  return { ...members, [name]: put((members[name] ?? {}) as Members, rest, value) };
}

/** The draft as it goes over the wire. */
export function toQuestion({ plan, params, query, body, headers }: Draft): Question {
  const path = plan.path.replace(/:(\w+)/g, (_, name) => encodeURIComponent(String(params[name])));
  const search = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  return {
    method: plan.method,
    path: search ? `${path}?${search}` : path,
    headers,
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  };
}
