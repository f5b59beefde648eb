import { z } from 'zod';

/**
 * What the SMTP side does to the next messages instead of taking them:
 * - `refuse`: hangs up before the greeting, or at MAIL FROM when the connection was already open;
 * - `temporary`: answers the recipient with 451, as a greylisting server does;
 * - `permanent`: answers the recipient with 550, as a server does for an unknown mailbox;
 * - `stall`: takes the whole message and never answers;
 * - `cut`: keeps the message, then hangs up before saying so. The sender cannot know.
 */
export const FaultMode = z.enum(['refuse', 'temporary', 'permanent', 'stall', 'cut']);
export type FaultMode = z.infer<typeof FaultMode>;

export const FaultPlan = z.union([
  z.strictObject({ mode: z.literal('none') }),
  z.strictObject({ mode: FaultMode, messages: z.int().min(1).max(100_000).default(1) }),
]);
export type FaultPlan = z.infer<typeof FaultPlan>;

/** The one plan in force; each message uses up one unit of it. */
export function createFaults() {
  let plan: FaultPlan = { mode: 'none' };

  function take(wanted?: FaultMode): FaultMode | undefined {
    if (plan.mode === 'none' || (wanted && plan.mode !== wanted)) return undefined;
    const { mode, messages } = plan;
    plan = messages > 1 ? { mode, messages: messages - 1 } : { mode: 'none' };
    return mode;
  }

  return {
    take,
    current: () => plan,
    replace: (next: FaultPlan) => {
      plan = next;
    },
  };
}
export type Faults = ReturnType<typeof createFaults>;
