import type { AccountMailKind } from '../domain/jobs.ts';
import { accountMailWords } from './account-mail-words.ts';
import { mailLocaleOf } from './mail-locale.ts';
import { plainName } from './plain-name.ts';
import { type RenderedMail, renderTemplates, webAddress } from './templates.ts';

type AccountMailInput = {
  readonly kind: AccountMailKind;
  readonly locale: string;
  readonly name: string;
  /** Where the button leads: a page of ours, with a token where the kind has one. */
  readonly url: string;
};

/** The mail that tells a user what became of the account, in the user's language. */
export function renderAccountMail({ kind, locale, name, url }: AccountMailInput): RenderedMail {
  const language = mailLocaleOf(locale);
  const words = accountMailWords[language];
  const { subject, heading, paragraphs, button } = words.kinds[kind];
  return renderTemplates('account-mail', {
    language,
    subject,
    preheader: paragraphs[0] ?? '',
    heading,
    greeting: words.greeting(plainName(name)),
    paragraphs,
    button: { label: button, url: webAddress(url) },
    safety: words.safety,
    reason: words.reason,
  });
}
