import { expect, test } from 'vitest';
import { unqualify } from './schema-dump-view.ts';

// Each pair is what PostgreSQL 15 and PostgreSQL 18 wrote for one view.
test.each([
  {
    name: 'a column of the only table',
    of15: ' SELECT attempts.at\n   FROM public.attempts\n  ORDER BY attempts.at',
    of18: ' SELECT at\n   FROM public.attempts\n  ORDER BY at',
  },
  {
    name: 'the alias rather than the table, and not within text',
    of15: " SELECT o.id,\n    'o.id'::text AS t\n   FROM public.orders o\n  WHERE (o.id = 1)",
    of18: " SELECT id,\n    'o.id'::text AS t\n   FROM public.orders o\n  WHERE (id = 1)",
  },
  {
    name: 'a function in FROM',
    of15: ' SELECT f.a\n   FROM app.list(1) f(a, b)\n LIMIT 3',
    of18: ' SELECT a\n   FROM app.list(1) f(a, b)\n LIMIT 3',
  },
  {
    name: 'the outermost query only',
    of15: ' SELECT o.id\n   FROM o\n  WHERE (EXISTS ( SELECT\n   FROM t\n  WHERE (t.id = o.id)))',
    of18: ' SELECT id\n   FROM o\n  WHERE (EXISTS ( SELECT\n   FROM t\n  WHERE (t.id = o.id)))',
  },
  {
    name: 'a function of a schema that is called as the table is',
    of15: ' SELECT app.now() AS t,\n    app.id\n   FROM app',
    of18: ' SELECT app.now() AS t,\n    id\n   FROM app',
  },
  {
    name: 'the parts of a time',
    of15: ' SELECT EXTRACT(year FROM t.at) AS year\n   FROM public.t',
    of18: ' SELECT EXTRACT(year FROM at) AS year\n   FROM public.t',
  },
])('$name loses its table', ({ of15, of18 }) => {
  expect(unqualify(of15)).toBe(of18);
  expect(unqualify(of18)).toBe(of18);
});

test.each([
  ' SELECT z.more\n   FROM (public.zebra z\n     JOIN public.t ON ((t.id = z.id)))',
  ' SELECT a.id\n   FROM public.a,\n    public.b',
  ' SELECT a.id\n   FROM public.a\nUNION ALL\n SELECT b.id\n   FROM public.b',
  ' SELECT a.*::text AS a\n   FROM public.a',
  ' SELECT j.id\n   FROM (public.a\n     JOIN public.b USING (id)) j',
  ' SELECT 1 AS one',
])('all versions agree on this, so it stays: %j', (definition) => {
  expect(unqualify(definition)).toBe(definition);
});
