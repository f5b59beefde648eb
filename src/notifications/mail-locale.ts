export const mailLocales = ['en', 'id', 'sv'] as const;
export type MailLocale = (typeof mailLocales)[number];

/** The language to write in: `sv-SE` is Swedish, and what we do not speak becomes English. */
export function mailLocaleOf(locale: string): MailLocale {
  const language = locale.toLowerCase().split(/[-_]/)[0];
  return mailLocales.find((known) => known === language) ?? 'en';
}

// British English: day before month and 24 hours, which nobody in these countries misreads.
const dateLocales: Record<MailLocale, string> = { en: 'en-GB', id: 'id', sv: 'sv' };

/** `20 November 2026 at 17:30 Western Indonesia Time`, always with the zone's name. */
export function formatInstant(at: Date, timeZone: string, locale: MailLocale): string {
  const write = (timeZoneName: 'short' | 'long') =>
    new Intl.DateTimeFormat(dateLocales[locale], {
      day: 'numeric',
      month: 'long',
      year: 'numeric',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      timeZone,
      timeZoneName,
    }).format(at);
  const short = write('short');
  // WIB and CET are names; an offset such as GMT+7 is none.
  return /GMT.\d/.test(short) ? write('long') : short;
}
