import type { Clock } from './clock.ts';

/** Something that has work at moments of emulator time. */
type Source = {
  /** Does what is due. */
  run: (now: number) => void;
  /** The next moment after `after` with something to do. */
  nextAt: (after: number) => number | undefined;
};
type Parts = {
  clock: Clock;
  sources: readonly Source[];
  /** Resolves when the deliveries that are due have been tried. */
  idle: () => Promise<void>;
};

/** Node fires a longer timer at once. */
const longestTimerMs = 2 ** 31 - 1;

/** Does all work at its moment, both as the real clock runs and when the emulator's is advanced. */
export function createScheduler({ clock, sources, idle }: Parts) {
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let advancing: Promise<void> = Promise.resolve();

  function runDue(): void {
    if (isClosed) return;
    const now = clock.now();
    for (const source of sources) source.run(now);
    clearTimeout(timer);
    const next = nextAfter(now);
    if (next === undefined) return;
    timer = setTimeout(runDue, Math.min(Math.max(next - clock.now(), 1), longestTimerMs)).unref();
  }

  function nextAfter(now: number): number | undefined {
    const moments = sources
      .map((source) => source.nextAt(now))
      .filter((moment) => moment !== undefined);
    return moments.length > 0 ? Math.min(...moments) : undefined;
  }

  /**
   * Advances emulator time from deadline to deadline, so that things happen in the order and at the
   * times they would have. One advance waits for the one before it.
   */
  function advance(milliseconds: number): Promise<void> {
    const advanced = advancing.then(async () => {
      // What is due already comes first, so that its follow-ups are counted from before the jump.
      await settle();
      const target = clock.now() + milliseconds;
      for (;;) {
        const next = nextAfter(clock.now());
        if (next === undefined || next > target) break;
        clock.forwardTo(next);
        await settle();
      }
      clock.forwardTo(target);
      await settle();
    });
    // One that failed tells its caller, not the next one.
    advancing = advanced.catch(() => undefined);
    return advanced;
  }

  async function settle(): Promise<void> {
    runDue();
    await idle();
  }

  /** To be called when there may be new work; the caller's own commit is over by then. */
  function wake(): void {
    setImmediate(runDue);
  }

  function close(): void {
    isClosed = true;
    clearTimeout(timer);
  }

  return { runDue, advance, wake, close };
}
export type Scheduler = ReturnType<typeof createScheduler>;
