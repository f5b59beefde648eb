import { describe, expect, test } from 'vitest';
import { mailLocales } from './mail-locale.ts';
import { renderTeamMail, type TeamMailInput } from './team-mail.ts';
import { teamMailKinds, teamMailWords } from './team-mail-words.ts';

const input = {
  place: 'Buat <Film>',
  name: 'Siti',
  person: 'Ayu Lestari',
  role: 'finance',
  until: new Date('2026-11-21T10:30:00Z'),
  timeZone: 'Asia/Jakarta',
  url: 'https://kassa.test/invitation#token=abc',
  reason: 'The merchant cannot find\norder 1187.',
} as const satisfies Omit<TeamMailInput, 'kind' | 'locale'>;

const until = {
  en: '21 November 2026 at 17:30 Western Indonesia Time',
  id: '21 November 2026 pukul 17.30 WIB',
  sv: '21 november 2026 kl. 17:30 västindonesisk tid',
};

const everyMail = teamMailKinds.flatMap((kind) => mailLocales.map((locale) => ({ kind, locale })));

describe.each(everyMail)('the mail "$kind" in $locale', ({ kind, locale }) => {
  const mail = renderTeamMail({ ...input, kind, locale });
  const words = teamMailWords[locale];

  test('says who, where, in which role and until when, in HTML and in plain text', () => {
    for (const [body, place] of [
      [mail.text, 'Buat <Film>'],
      [mail.html, 'Buat &lt;Film&gt;'],
    ] as const) {
      expect(body).toContain(place);
      expect(body).toContain('Ayu Lestari');
      expect(body).toContain('Siti');
      expect(body).toContain(words.roles.finance);
      expect(body).toContain(until[locale]);
      expect(body).toContain('The merchant cannot find order 1187.');
      expect(body).toContain(words.safety);
    }
    expect(mail.subject).toContain(kind === 'staff-invitation' ? 'Kassa' : 'Buat <Film>');
  });

  test('leads to the invitation, and from a notice nowhere', () => {
    const hasLink = kind !== 'support-grant';

    expect(mail.text.includes(input.url)).toBe(hasLink);
    expect(mail.html.includes(`href="${input.url}"`)).toBe(hasLink);
  });

  test('is written in its language and leaves nothing unrendered', () => {
    const everything = mail.subject + mail.text + mail.html;

    expect(mail.html).toContain(`<html lang="${locale}"`);
    expect(everything).not.toMatch(/\{\{|\}\}|\{%|%\}|undefined|\[object|NaN|Invalid Date/);
    expect(mail.text).not.toMatch(/&[a-z]+;|\n{4}/);
  });
});

test('the words differ from language to language', () => {
  const texts = mailLocales.map(
    (locale) => renderTeamMail({ ...input, kind: 'invitation', locale }).text,
  );

  expect(new Set(texts).size).toBe(mailLocales.length);
});

test('a link that is no web address is not mailed', () => {
  const mail = { ...input, kind: 'invitation', locale: 'en', url: 'javascript:alert(1)' } as const;

  expect(() => renderTeamMail(mail)).toThrow('web address');
});
