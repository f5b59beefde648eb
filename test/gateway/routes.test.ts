import type { Express } from 'express';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { buildApp } from '../../src/app.ts';
import { routes } from '../../src/contracts/routes.ts';

type Layer = {
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> };
  readonly handle?: { readonly stack?: readonly Layer[] };
};

test('what is mounted is what the list of routes says', () => {
  const app = buildApp({
    services: {} as never,
    log: pino({ level: 'silent' }),
    publicUrl: 'http://localhost:3010',
    trustedProxies: [],
    tenantDomains: [],
    platformSubdomains: [],
    hasDemo: false,
    isHttps: false,
  });

  expect(mountedIn(app)).toEqual(Object.keys(routes).sort());
});

test('no address belongs to two paths: each would refuse the methods of the other', () => {
  const paths = [...new Set(Object.keys(routes).map((name) => name.split(' ')[1] ?? ''))];
  const matches = (pattern: string, path: string) =>
    new RegExp(`^${pattern.replaceAll(/:\\w+/g, '[^/]+')}$`).test(path);

  const twice = paths.flatMap((pattern) =>
    paths.filter((path) => path !== pattern && matches(pattern, path)),
  );

  expect(twice).toEqual([]);
});

/** Methods and paths of an app, without those that only answer 405. */
function mountedIn(app: Express): string[] {
  const names = (layers: readonly Layer[]): string[] =>
    layers.flatMap(({ route, handle }) => {
      if (!route) return names(handle?.stack ?? []);
      return Object.keys(route.methods)
        .filter((method) => method !== '_all')
        .map((method) => `${method.toUpperCase()} ${route.path}`);
    });
  return names(app.router.stack as readonly Layer[]).sort();
}
