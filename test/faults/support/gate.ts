/** What Kassa needs from outside, each by way of a proxy of these tests. */
export type SeamKind = 'sql' | 'http' | 'mail';

/** Once through a seam: one statement, one call to the provider, one step of handing over a mail. */
export type Passage = { readonly kind: SeamKind; readonly name: string };

/** What can go wrong in a passage. `held`: nothing, but it waits for `strike`. */
export type FaultMode =
  | 'held'
  | 'held after effect'
  | 'before'
  | 'after'
  | 'cut'
  | 'refuse'
  | 'error 500'
  | 'error 500 after effect'
  | 'HTML 502'
  | 'too many 429'
  | 'stall'
  | 'stall after effect'
  | 'truncated'
  | 'broken JSON'
  | 'wrong shape'
  | 'refused for now'
  | 'refused for good';

/** How each seam is made to fail, at every one of its passages. */
export const faultModes: Readonly<Record<SeamKind, readonly FaultMode[]>> = {
  sql: ['before', 'after', 'cut'],
  http: [
    'refuse',
    'before',
    'after',
    'error 500',
    'error 500 after effect',
    'HTML 502',
    'too many 429',
    'stall',
    'stall after effect',
    'truncated',
    'broken JSON',
    'wrong shape',
  ],
  mail: ['refuse', 'before', 'after', 'cut', 'refused for now', 'refused for good', 'stall'],
};

export type Fault = {
  readonly mode: FaultMode;
  /** Done when the passage is at its worst moment, which lasts until this is over. */
  readonly strike?: () => Promise<void>;
};

export type Plan = Fault & {
  /** Which passage it befalls; `number` counts those of its kind. Only the first that fits. */
  readonly befalls: (passage: Passage, number: number) => boolean;
};

export type Watched = {
  readonly passages: readonly Passage[];
  /** The passage that the plan befell. */
  readonly hit: Passage | undefined;
};

export type Gate = ReturnType<typeof createGate>;
type Door = (isOpen: boolean) => void;

/** Counts what passes the proxies while it is watched, and says which passage goes wrong. */
export function createGate() {
  const doors = new Map<SeamKind, Door>();
  let passages: Passage[] | undefined;
  let plan: Plan | undefined;
  let hit: Passage | undefined;

  /** Called by a proxy for every passage, before anything of it goes on. */
  function pass(passage: Passage): Fault | undefined {
    if (!passages) return undefined;
    passages.push(passage);
    const fault = faultFor(passage, countOf(passage.kind));
    if (fault) hit = passage;
    moveDoor(passage.kind);
    return fault;
  }

  function faultFor(passage: Passage, number: number): Plan | undefined {
    return !hit && plan?.befalls(passage, number) ? plan : undefined;
  }

  function countOf(kind: SeamKind): number {
    return passages?.filter((passage) => passage.kind === kind).length ?? 0;
  }

  /** Nobody can refuse a connection after it was made, so the door is closed before it comes. */
  function moveDoor(kind: SeamKind): void {
    const next = faultFor({ kind, name: '' }, countOf(kind) + 1);
    doors.get(kind)?.(next?.mode !== 'refuse');
  }

  /** Does some work, and at most one fault to it; answers what passed meanwhile. */
  async function watch(work: () => Promise<unknown>, fault?: Plan): Promise<Watched> {
    const seen: Passage[] = [];
    passages = seen;
    plan = fault;
    hit = undefined;
    for (const kind of doors.keys()) moveDoor(kind);
    try {
      await work();
      return { passages: seen, hit };
    } finally {
      passages = undefined;
      plan = undefined;
      for (const door of doors.values()) door(true);
    }
  }

  return { pass, watch, guard: (kind: SeamKind, door: Door) => void doors.set(kind, door) };
}
