import { vi } from 'vitest';

/** Waits until a claim holds, as long as `expect.poll` does: a busy machine may take its time. */
export function eventually<T>(claim: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(claim, { timeout: 20_000, interval: 20 });
}
