import type { Invariant } from '../../../local/own-books.ts';

type SeamCount = {
  readonly flow: string;
  readonly kind: string;
  readonly count: number;
  readonly hit: number;
  readonly runs: number;
};

/** What the tests of this suite have done and found; each hands its own to the reporter. */
export type Evidence = {
  /** How often each kind of fault was injected. */
  readonly faults: Record<string, number>;
  readonly seams: SeamCount[];
  readonly crashPoints: { flow: string; count: number; hit: number }[];
  readonly invariants: Record<string, { checked: number; violations: number }>;
};

declare module 'vitest' {
  // biome-ignore lint/style/useConsistentTypeDefinitions: merging into vitest's own needs one.
  interface TaskMeta {
    evidence?: Evidence;
  }
}

export function emptyEvidence(): Evidence {
  return { faults: {}, seams: [], crashPoints: [], invariants: {} };
}

export function count({ faults }: Evidence, fault: string): void {
  faults[fault] = (faults[fault] ?? 0) + 1;
}

export function addInvariants({ invariants }: Evidence, found: readonly Invariant[]): void {
  for (const { name, checked, violations } of found) {
    const sum = invariants[name] ?? { checked: 0, violations: 0 };
    invariants[name] = {
      checked: sum.checked + checked,
      violations: sum.violations + violations.length,
    };
  }
}
