import { localDate } from './local-time.ts';

/** Days of a tenant's own calendar, both included. */
export type ReconciliationWindow = { readonly from: string; readonly to: string };

export const maxWindowDays = 31;

const dayMs = 86_400_000;
/** For so long after its page was over a payment may be settled by its bank. */
const lateDays = 3;
/** A night's reconciliation begins so long after midnight: news of the evening has arrived. */
const nightHours = 3;

/**
 * What the last night reconciles: everything until yesterday whose page, or whose bank after that,
 * may still have had news yesterday.
 */
export function nightlyWindow(
  at: Date,
  tenant: { readonly timeZone: string; readonly paymentExpiryMinutes: number },
): ReconciliationWindow {
  const night = localDate(new Date(at.getTime() - nightHours * 3_600_000), tenant.timeZone).day;
  const to = addDays(night, -1);
  const pageDays = Math.ceil(tenant.paymentExpiryMinutes / 1_440);
  return { from: addDays(to, -pageDays - lateDays), to };
}

/** Why a window cannot be reconciled, by the field to mend; undefined when it can. */
export function faultIn(
  { from, to }: ReconciliationWindow,
  today: string,
): { readonly field: 'from' | 'to'; readonly message: string } | undefined {
  if (to > today) return { field: 'to', message: `must not be after today, ${today}` };
  if (from > to) return { field: 'from', message: 'must not be after "to"' };
  const days = (Date.parse(to) - Date.parse(from)) / dayMs + 1;
  return days > maxWindowDays
    ? { field: 'from', message: `must be at most ${maxWindowDays} days with "to"` }
    : undefined;
}

function addDays(day: string, days: number): string {
  return new Date(Date.parse(day) + days * dayMs).toISOString().slice(0, 10);
}
