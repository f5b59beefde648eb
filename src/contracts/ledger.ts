import { z } from 'zod';
import { ledgerAccounts } from '../domain/ledger.ts';

const Side = {
  account: z.enum(ledgerAccounts),
  currency: z.string(),
  /** In minor units, as all of these. */
  debits: z.int(),
  credits: z.int(),
};

/** The last day that counts, in the merchant's time zone; without it, all. */
export const BalancesQuery = z.object({ until: z.iso.date().optional() });

/** `GET /admin/ledger/balances` */
export const BalancesReply = z.object({
  success: z.literal(true),
  balances: z.array(z.object({ ...Side, /** Debits less credits. */ balance: z.int() })),
});
export type BalancesReply = z.infer<typeof BalancesReply>;

/** `GET /admin/ledger/days`: what was booked on each day, and how each account closed it. */
export const LedgerDaysReply = z.object({
  success: z.literal(true),
  timeZone: z.string(),
  days: z.array(z.object({ day: z.iso.date(), ...Side, closing: z.int() })),
});
export type LedgerDaysReply = z.infer<typeof LedgerDaysReply>;
