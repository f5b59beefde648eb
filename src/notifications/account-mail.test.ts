import { expect, test } from 'vitest';
import { accountMailKinds } from '../domain/jobs.ts';
import { renderAccountMail } from './account-mail.ts';
import { mailLocales } from './mail-locale.ts';

const url = 'https://kassa.example/reset-password?token=abc&x=1';
const cases = accountMailKinds.flatMap((kind) => mailLocales.map((locale) => ({ kind, locale })));

test.each(cases)('$kind in $locale is whole, as text and as page', ({ kind, locale }) => {
  const { subject, text, html } = renderAccountMail({ kind, locale, name: 'Åsa', url });

  expect(subject).toMatch(/\S/);
  expect(subject).not.toMatch(/[\r\n]/);
  expect(html).toContain(`<html lang="${locale}"`);
  for (const part of [text, html]) {
    expect(part).toContain('Åsa');
    expect(part).not.toMatch(/undefined|\[object|\{\{|\{%/);
  }
  expect(text).toContain(url);
  expect(html).toContain(url.replace('&', '&amp;'));
});

test('no two languages say the same', () => {
  for (const kind of accountMailKinds) {
    const subjects = mailLocales.map(
      (locale) => renderAccountMail({ kind, locale, name: 'Åsa', url }).text,
    );
    expect(new Set(subjects).size, kind).toBe(mailLocales.length);
  }
});

test('what somebody calls himself stays text, on one line', () => {
  const name = '<img src=x onerror=alert(1)>\r\nBcc: everybody@example.org';

  const { text, html, subject } = renderAccountMail({
    kind: 'verify-email',
    locale: 'en',
    name,
    url,
  });

  expect(html).not.toContain('<img');
  expect(text).toContain('Hi <img src=x onerror=alert(1)> Bcc: everybody@example.org,\n');
  expect(subject).not.toContain('Bcc');
});

test('a link runs nothing', () => {
  expect(() =>
    renderAccountMail({
      kind: 'verify-email',
      locale: 'en',
      name: 'Åsa',
      url: 'javascript:alert(1)',
    }),
  ).toThrow('web address');
});
