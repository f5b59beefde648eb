import type { Books } from './books.ts';

const jakartaOffsetMs = 7 * 3600_000;
const dayMs = 24 * 3600_000;
/** Card acquirers settle once a day; four in the afternoon is near what samples show. */
const settlementHourMs = 16 * 3600_000;

/** Emulator time: the real clock plus an offset that is kept in the books and only ever grows. */
export function createClock(books: Books, realNow: () => number) {
  let offsetMs = readOffset(books);

  function now(): number {
    return realNow() + offsetMs;
  }

  return {
    now,
    offsetMs: () => offsetMs,
    /** Moves the clock on to a moment; one that has passed already changes nothing. */
    forwardTo(moment: number): void {
      const missingMs = moment - now();
      if (missingMs <= 0) return;
      offsetMs += missingMs;
      books.run(
        `insert into settings (name, value) values ('clock.offset', ?)
         on conflict (name) do update set value = excluded.value`,
        String(offsetMs),
      );
    },
    /** To be called after the books were wiped, and with them the offset. */
    reload(): void {
      offsetMs = readOffset(books);
    },
  };
}
export type Clock = ReturnType<typeof createClock>;

function readOffset(books: Books): number {
  const row = books.get<{ value: string }>(
    `select value from settings where name = 'clock.offset'`,
  );
  return Number(row?.value ?? 0);
}

/** Midtrans writes Jakarta time without saying so: `2026-01-15 10:00:00`. */
export function jakartaTime(moment: number): string {
  return new Date(moment + jakartaOffsetMs).toISOString().slice(0, 19).replace('T', ' ');
}

/** Reads `2026-01-15 18:11:08 +0700`, the form in which merchants give a start time. */
export function parseOffsetTime(text: string): number | undefined {
  const parts = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}) ([+-]\d{2}):?(\d{2})$/.exec(text);
  if (!parts) return undefined;
  const moment = Date.parse(`${parts[1]}T${parts[2]}${parts[3]}:${parts[4]}`);
  return Number.isNaN(moment) ? undefined : moment;
}

/** A card that is captured today settles in tomorrow's run. */
export function nextSettlementRun(capturedAt: number): number {
  const midnight = Math.floor((capturedAt + jakartaOffsetMs) / dayMs) * dayMs - jakartaOffsetMs;
  return midnight + dayMs + settlementHourMs;
}
