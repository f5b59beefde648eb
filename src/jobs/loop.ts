import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

type LoopOptions = { readonly name: string; readonly pauseMs: number; readonly log: Logger };
export type Loop = { stop(): Promise<void> };

/** Repeats a piece of work until stopped; its failures are logged and do not end the loop. */
export function startLoop({ name, pauseMs, log }: LoopOptions, work: () => Promise<unknown>): Loop {
  const stopping = new AbortController();

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await work();
      } catch (error) {
        log.error({ err: error, loop: name }, 'a loop failed and goes on');
      }
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
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
