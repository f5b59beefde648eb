/** Calendar facts of an instant in a time zone: `{ day: '2026-11-20', month: '2026-11' }`. */
export function localDate(at: Date, timeZone: string): { day: string; month: string } {
  // The Swedish locale writes ISO dates.
  const day = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short' }).format(at);
  return { day, month: day.slice(0, 7) };
}

/** The first and the last day of a span; undefined: without an end. */
export type Days = { readonly from?: string | undefined; readonly to?: string | undefined };

const usualDays = 30;

/** The span that was asked for, or the last 30 days, today among them. */
export function spanOf({ from, to }: Days, timeZone: string): { from: string; to: string } {
  if (from && to) return { from, to };
  const now = Date.now();
  const first = new Date(now - (usualDays - 1) * 86_400_000);
  return { from: localDate(first, timeZone).day, to: localDate(new Date(now), timeZone).day };
}

/** Every day from the first to the last, both ISO dates. */
export function daysBetween(from: string, to: string): string[] {
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000 + 1;
  return Array.from({ length: days }, (_, index) =>
    new Date(Date.parse(from) + index * 86_400_000).toISOString().slice(0, 10),
  );
}
