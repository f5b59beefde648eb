import { z } from 'zod';
import type { Books } from './books.ts';
import { tamperModes } from './notifications/tamper.ts';

const Count = z.int().min(0).max(1_000_000);

/** What the control API can switch; the defaults are how the sandbox behaves. */
export const Settings = z.strictObject({
  strictOrderIds: z.boolean().default(true),
  strictAccounts: z.boolean().default(false),
  stuckPending: z.boolean().default(false),
  retryJitter: z.boolean().default(false),
  challengeCards: z.boolean().default(false),
  reserveCards: z.boolean().default(false),
  authorizeLifeSeconds: z.int().min(1).max(31_536_000).default(604_800),
  refundConfirmSeconds: z.int().min(0).max(31_536_000).default(60),
  refuseRefunds: Count.default(0),
  notificationTimeoutMs: z.int().min(10).max(60_000).default(15_000),
  notificationDelaySeconds: z.int().min(0).max(86_400).default(0),
  holdNotifications: z.boolean().default(false),
  dropNotifications: Count.default(0),
  tamperMode: z.enum(tamperModes).default('wrong-signature'),
  tamperNotifications: Count.default(0),
});
export type Settings = z.infer<typeof Settings>;

/**
 * Only these may be changed: a plain `.partial()` would fill in the defaults of what is left out,
 * and so undo it.
 */
export const SettingsChange = z.strictObject(
  Object.fromEntries(
    Object.entries(Settings.shape).map(([name, schema]) => [name, schema.unwrap().optional()]),
  ),
);

export function createSettings(books: Books) {
  // Asked for many times per request, and written nowhere else: so they are read once.
  let current = read(books);

  function change(changes: Partial<Settings>): Settings {
    books.transaction(() => {
      for (const [name, value] of Object.entries(changes)) {
        if (value === undefined) continue;
        books.run(
          `insert into settings (name, value) values (?, ?)
           on conflict (name) do update set value = excluded.value`,
          `emulator.${name}`,
          JSON.stringify(value),
        );
      }
    });
    return reload();
  }

  /** To be called after the books were wiped. */
  function reload(): Settings {
    current = read(books);
    return current;
  }

  /** Uses up one of the "next n" of a counted setting; false when none is left. */
  function take(name: 'dropNotifications' | 'tamperNotifications' | 'refuseRefunds'): boolean {
    const left = current[name];
    if (left > 0) change({ [name]: left - 1 });
    return left > 0;
  }

  return { all: () => current, change, take, reload };
}
export type SettingsStore = ReturnType<typeof createSettings>;

function read(books: Books): Settings {
  const rows = books.all<{ name: string; value: string }>(
    `select name, value from settings where name like 'emulator.%'`,
  );
  const stored = rows.map(({ name, value }) => [name.slice('emulator.'.length), JSON.parse(value)]);
  return Settings.parse(Object.fromEntries(stored));
}
