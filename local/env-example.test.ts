import { readFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';
import { expect, test } from 'vitest';
import { variableNames as configNames, loadConfig } from '../src/config.ts';
import { readSettings, variableNames as settingNames } from './settings.ts';

const text = await readFile(new URL('../.env.example', import.meta.url), 'utf8');
const lines = text.split('\n');
const entries = [...text.matchAll(/^#? ?([A-Z][A-Z_]*)=(.*)$/gm)];
const listed = entries.map(([, name = '']) => name);

test('.env.example lists every variable that is read, once, and no other', () => {
  expect(listed.toSorted()).toEqual([...new Set([...configNames, ...settingNames])].sort());
});

test('each variable has a sentence above it that says what it is for', () => {
  for (const [entry] of entries) {
    const above = lines[lines.indexOf(entry) - 1] ?? '';
    expect(above, `above ${entry}`).toMatch(/^# .{15,}\.$/);
  }
});

test('the values that it shows are the defaults', () => {
  const shown = Object.fromEntries(entries.map(([, name = '', value = '']) => [name, value]));
  const required = {
    DATABASE_URL: 'postgresql://app@db/kassa',
    DATABASE_PLATFORM_URL: 'postgresql://platform@db/kassa',
    DATABASE_WORKER_URL: 'postgresql://worker@db/kassa',
    SESSION_SECRET: 'long enough to be one, but never used',
    MASTER_KEY_FILE: '/run/secrets/master-keys',
  };
  const ofConfig = Object.entries(shown).filter(([name]) => configNames.includes(name));

  const fromFile = loadConfig({ ...Object.fromEntries(ofConfig), ...required });

  expect(revealed(fromFile)).toEqual(revealed(loadConfig(required)));
  const ofDemo = Object.entries(shown).filter(([name]) => !configNames.includes(name));
  expect(readSettings(Object.fromEntries(ofDemo))).toEqual(readSettings({}));
});

test('copied as it is, it sets nothing', () => {
  expect(parseEnv(text)).toEqual({});
});

/** With the secrets readable, so that they can be compared. */
function revealed(config: ReturnType<typeof loadConfig>) {
  return { ...config, SMTP_URL: config.SMTP_URL.reveal() };
}
