import type { Role } from '../domain/team.ts';
import { formatInstant, mailLocaleOf } from './mail-locale.ts';
import { plainName } from './plain-name.ts';
import { type TeamMailFacts, type TeamMailKind, teamMailWords } from './team-mail-words.ts';
import { type RenderedMail, renderTemplates, webAddress } from './templates.ts';

export type TeamMailInput = {
  readonly kind: TeamMailKind;
  readonly locale: string;
  /** The tenant's name, or Kassa's. */
  readonly place: string;
  /** Who gets the mail, as far as that is known. */
  readonly name: string;
  /** Who invites, or looks. */
  readonly person: string;
  readonly role?: Role | undefined;
  readonly until: Date;
  readonly timeZone: string;
  readonly url?: string | undefined;
  /** In the words of whoever looks. */
  readonly reason?: string | undefined;
};

/** The mail that invites somebody, or tells an owner that platform staff looks at the tenant. */
export function renderTeamMail(input: TeamMailInput): RenderedMail {
  return renderTemplates('team-mail', viewOf(input));
}

function viewOf(input: TeamMailInput) {
  const { kind, locale, role, timeZone, url } = input;
  const language = mailLocaleOf(locale);
  const words = teamMailWords[language];
  const kindWords = words.kinds[kind];
  const facts: TeamMailFacts = {
    place: plainName(input.place),
    person: plainName(input.person),
    role: role ? words.roles[role] : '',
    until: formatInstant(input.until, timeZone, language),
  };
  const paragraphs = kindWords.paragraphs(facts);
  const { labels } = words;
  const rows = [
    { label: labels.place, value: facts.place },
    { label: labels.role, value: facts.role },
    { label: labels.person, value: facts.person },
    { label: labels.reason, value: plainName(input.reason ?? '') },
    { label: labels.until, value: facts.until },
  ];
  return {
    language,
    place: facts.place,
    subject: kindWords.subject(facts),
    preheader: paragraphs[0] ?? '',
    heading: kindWords.heading(facts),
    greeting: words.greeting(plainName(input.name)),
    paragraphs,
    button: kindWords.button && url ? { label: kindWords.button, url: webAddress(url) } : undefined,
    facts: rows.filter(({ value }) => value),
    safety: words.safety,
    reason: kindWords.reason(facts),
  };
}
