import type { Logger } from 'pino';
import type { Books } from '../books.ts';
import type { Clock } from '../clock.ts';
import type { SettingsStore } from '../settings.ts';
import { type Answer, send } from './sender.ts';

type QueuedRow = { number: number; lane: string };
type DeliveryRow = { number: number; url: string; body: string; retries: number };
type Parts = {
  books: Books;
  clock: Clock;
  settings: SettingsStore;
  logger: Logger;
  isAllowedHost: (hostname: string) => boolean;
  random: () => number;
};

const minuteMs = 60_000;
const retryDelaysMs = [2, 10, 30, 90, 210].map((minutes) => minutes * minuteMs);
const mostInFlight = 50;

/** How often Midtrans tries again after such an answer. */
export function retriesAfter({ code, isRefused }: Answer): number {
  if (isRefused) return 0;
  if (code === 500) return 1;
  if (code === 503) return 4;
  if (code === 400 || code === 404) return 2;
  if (code !== undefined && [301, 302, 303, 307, 308].includes(code)) return 0;
  return 5;
}

/**
 * Hands the queued notifications over. Deliveries of one order to one URL share a lane, and a lane
 * does one thing at a time: that keeps them in order, and one URL out of another's way.
 */
export function createDeliveries(parts: Parts) {
  const { books, clock, settings, logger } = parts;
  const inFlight = new Map<string, Promise<void>>();
  const closing = new AbortController();
  // What was under way when the process died is not known to have arrived, so it goes again.
  books.run(`update deliveries set state = 'queued' where state = 'sending'`);

  /** Starts whatever is due and has a free lane. */
  function run(now: number): void {
    if (closing.signal.aborted || inFlight.size >= mostInFlight) return;
    const due = books.all<QueuedRow>(
      `select number, lane from deliveries
        where state = 'queued' and next_at <= ? order by position limit 200`,
      now,
    );
    for (const queued of due) {
      if (inFlight.size >= mostInFlight) return;
      if (!inFlight.has(queued.lane)) start(queued);
    }
  }

  function start({ number, lane }: QueuedRow): void {
    const delivery = books.get<DeliveryRow>(
      `update deliveries set state = 'sending' where number = ?
       returning number, url, body, retries`,
      number,
    );
    if (!delivery) throw new Error('A queued delivery vanished between two statements.');
    const done = attempt(delivery).finally(() => {
      inFlight.delete(lane);
      run(clock.now());
    });
    inFlight.set(lane, done);
  }

  async function attempt(delivery: DeliveryRow): Promise<void> {
    const startedAt = performance.now();
    const timeout = AbortSignal.timeout(settings.all().notificationTimeoutMs);
    const answer = await send(delivery.url, delivery.body, {
      isAllowed: parts.isAllowedHost,
      signal: AbortSignal.any([timeout, closing.signal]),
    }).catch((error): Answer => ({ error: timeout.aborted ? 'timeout' : reasonOf(error) }));
    // The books are about to close; the row stays `sending` and goes out at the next start.
    if (closing.signal.aborted) return;
    record(delivery, answer, Math.round(performance.now() - startedAt));
  }

  function record(delivery: DeliveryRow, answer: Answer, durationMs: number): void {
    const isDelivered = isSuccess(answer);
    const delayMs = delivery.retries < retriesAfter(answer) && retryDelayMs(delivery.retries);
    const isAgain = !isDelivered && delayMs !== false;
    const state = isDelivered ? 'delivered' : isAgain ? 'queued' : 'failed';
    books.transaction(() => {
      const changed = books.run(
        'update deliveries set state = ?, retries = retries + ?, next_at = ? where number = ?',
        ...[state, isAgain ? 1 : 0, clock.now() + (delayMs || 0), delivery.number],
      );
      if (changed === 0) return; // cleared or wiped meanwhile
      books.run(
        `insert into attempts (delivery, at, url, code, error, duration_ms)
         values (?, ?, ?, ?, ?, ?)`,
        ...[delivery.number, clock.now(), delivery.url],
        ...[answer.code ?? null, answer.error ?? null, durationMs],
      );
    });
    logger.info({ delivery: delivery.number, state, ...answer, durationMs }, 'notification sent');
  }

  function retryDelayMs(retriesDone: number): number | false {
    const delayMs = retryDelaysMs[retriesDone];
    if (delayMs === undefined) return false;
    // Shifted by a quarter of a delay up to three quarters less, so that the first retry may come
    // after half a minute, as documented.
    const factor = settings.all().retryJitter ? 0.25 + parts.random() : 1;
    return Math.round(delayMs * factor);
  }

  function nextAt(after: number): number | undefined {
    const row = books.get<{ at: number | null }>(
      `select min(next_at) as at from deliveries where state = 'queued' and next_at > ?`,
      after,
    );
    return row?.at ?? undefined;
  }

  /** Resolves when everything that is due has been tried. */
  async function idle(): Promise<void> {
    run(clock.now());
    while (inFlight.size > 0) await Promise.all(inFlight.values());
  }

  async function close(): Promise<void> {
    closing.abort();
    await Promise.allSettled(inFlight.values());
  }

  return { run, nextAt, idle, close };
}

function isSuccess({ code, error }: Answer): boolean {
  return error === undefined && code !== undefined && code >= 200 && code < 300;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
