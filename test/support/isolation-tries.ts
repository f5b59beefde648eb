import { afterEach, expect } from 'vitest';

/** Where the wall between tenants is tried. */
export const isolationWays = ['matrix', 'pool', 'pgbouncer', 'http', 'job', 'canary'] as const;
export type IsolationWay = (typeof isolationWays)[number];

/** What one test tried; the reporter adds them up. */
export type IsolationTries = {
  readonly way: IsolationWay;
  readonly tried: number;
  readonly crossed: number;
  /** What made the choices of chance, where it made any. */
  readonly seed?: number | undefined;
};

declare module 'vitest' {
  // biome-ignore lint/style/useConsistentTypeDefinitions: merging into vitest's own needs one.
  interface TaskMeta {
    isolation?: IsolationTries;
  }
}

/** Counts what the tests of a file try to get across the wall. A test that got across fails. */
export function countTries(way: IsolationWay, seed?: number) {
  let tried = 0;
  let crossings: string[] = [];

  afterEach(({ task }) => {
    // What was tried while a file arranged its things counts with the test after it.
    task.meta.isolation = { way, seed, tried, crossed: crossings.length };
    const found = crossings;
    tried = 0;
    crossings = [];
    expect(found).toEqual([]);
  });

  return {
    /** One try; `crossing` says what came across. */
    count(crossing: string | undefined): void {
      tried += 1;
      if (crossing !== undefined) crossings.push(crossing);
    },
  };
}
export type TryCounter = ReturnType<typeof countTries>;
