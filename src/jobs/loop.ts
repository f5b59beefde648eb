import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

type LoopOptions = { readonly name: string; readonly pauseMs: number; readonly log: Logger };
const lastPauseMs = 10_000;

export type Loop = { stop(): Promise<void> };

/** Repeats a piece of work until stopped; its failures are logged and do not end the loop. */
export function startLoop({ name, pauseMs, log }: LoopOptions, work: () => Promise<unknown>): Loop {
  const stopping = new AbortController();

  async function run(): Promise<void> {
    let failures = 0;
    while (!stopping.signal.aborted) {
      try {
        await work();
        failures = 0;
      } catch (error) {
        failures += 1;
        log.error({ err: error, loop: name, failures }, 'a loop failed and goes on');
      }
      // Growing, so that a database that is away for an hour does not fill the log.
      const waitMs = Math.max(pauseMs, failures && Math.min(pauseMs * 2 ** failures, lastPauseMs));
      await sleep(waitMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
