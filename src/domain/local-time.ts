/** Calendar facts of an instant in a time zone: `{ day: '2026-11-20', month: '2026-11' }`. */
export function localDate(at: Date, timeZone: string): { day: string; month: string } {
  // The Swedish locale writes ISO dates.
  const day = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short' }).format(at);
  return { day, month: day.slice(0, 7) };
}
