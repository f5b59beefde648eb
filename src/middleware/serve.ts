import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { z } from 'zod';
import { type Route, type RouteName, type Routes, routes } from '../contracts/routes.ts';
import { authorise } from './authorise.ts';
import { jsonBody, rawBody } from './json-body.ts';
import { parseRequest } from './parse-request.ts';
import { allowOnly } from './problems.ts';
import { limitSender, limitTenant } from './rate-limit.ts';
import { demandKey, shareWithPages } from './storefront-door.ts';

type Part<R, K extends string> = R extends { readonly [key in K]: infer S }
  ? S extends z.ZodType
    ? z.output<S>
    : S extends 'raw'
      ? Buffer
      : never
  : undefined;

/** What a request holds, parsed by the schemas of its route. */
type Input<N extends RouteName> = {
  readonly params: Part<Routes[N], 'params'>;
  readonly query: Part<Routes[N], 'query'>;
  readonly body: Part<Routes[N], 'body'>;
};

type Handler<N extends RouteName> = (
  input: Input<N>,
  req: Request,
  res: Response,
) => Promise<void> | void;

export type Handlers = { readonly [N in RouteName]?: Handler<N> };

/**
 * Mounts handlers on routes of the list: each is reached only by whom the list lets in, with input
 * as the list describes it. Every other method of those paths answers 405.
 */
export function serve(handlers: Handlers): Router {
  const router = Router();
  for (const path of pathsOf(handlers)) {
    if (isForPages(path)) router.all(path, shareWithPages(methodsOf(path)));
  }
  for (const [name, handler] of Object.entries(handlers)) {
    const route: Route = routes[name as RouteName];
    const { method, path } = partsOf(name);
    router[method](path, ...doorOf(route), ...bodyOf(route), async (req, res) => {
      // The schemas of the list are those that the handler's type was made of.
      await (handler as (input: unknown, req: Request, res: Response) => Promise<void>)(
        inputOf(route, req),
        req,
        res,
      );
    });
  }
  for (const path of pathsOf(handlers)) router.all(path, allowOnly(...methodsOf(path)));
  return router;
}

function pathsOf(handlers: Handlers): ReadonlySet<string> {
  return new Set(Object.keys(handlers).map((name) => partsOf(name).path));
}

/** The pages of shops use it, which have origins of their own. */
function isForPages(path: string): boolean {
  return Object.entries(routes).some(
    ([name, { access }]) => partsOf(name).path === path && access.door === 'storefront',
  );
}

function partsOf(name: string) {
  const [method = '', path = ''] = name.split(' ');
  return { method: method.toLowerCase() as 'get' | 'post' | 'put' | 'delete', path };
}

function doorOf(route: Route): readonly RequestHandler[] {
  const { access } = route;
  const guards = [authorise(access), ...(access.door === 'storefront' ? [demandKey(access)] : [])];
  // A tenant's share is not used up by those whom the door keeps out.
  return [...limitSender(route), ...guards, ...limitTenant(route)];
}

function bodyOf({ body }: Route): readonly RequestHandler[] {
  if (body === undefined) return [];
  return body === 'raw' ? rawBody : jsonBody;
}

function inputOf({ params, query, body }: Route, req: Request) {
  // `tenant` names the tenant, which is known by now.
  const { tenant: _named, ...asked } = req.query;
  return {
    params: params && parseRequest(params, req.params),
    query: query && parseRequest(query, asked),
    body: parsedBody(body, req),
  };
}

function parsedBody(schema: Route['body'], req: Request): unknown {
  if (schema === undefined) return undefined;
  // An empty body leaves none behind.
  if (schema === 'raw') return Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
  return parseRequest(schema, req.body);
}

function methodsOf(path: string): string[] {
  const methods = Object.keys(routes)
    .filter((name) => name.endsWith(` ${path}`))
    .map((name) => name.slice(0, name.indexOf(' ')));
  return methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
}
