import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { loadConfig } from './config.ts';

const databases = {
  DATABASE_URL: 'postgresql://kassa_app:hunter2@db/kassa',
  DATABASE_PLATFORM_URL: 'postgres://kassa_platform:hunter2@db/kassa',
  DATABASE_WORKER_URL: 'postgresql://kassa_worker:hunter2@db/kassa',
  SESSION_SECRET: 'hunter2-hunter2-hunter2-hunter2-hunter2',
  MASTER_KEYS: 'k1:hunter2',
};
const production = {
  ...databases,
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://kassa.example',
  SMTP_URL: 'smtps://mail.example',
};

test('three databases and a master key are all that must be given', () => {
  expect(loadConfig(databases)).toMatchObject({
    NODE_ENV: 'development',
    HOST: '127.0.0.1',
    PORT: 3010,
    DATABASE_POOL_SIZE: 10,
    PUBLIC_URL: 'http://localhost:3010',
    TENANT_DOMAINS: ['localhost'],
    PLATFORM_SUBDOMAINS: ['www', 'admin', 'funnel', 'funnelstaging'],
    TRUSTED_PROXIES: ['127.0.0.0/8', '::1/128'],
    DEMO_MODE: false,
  });
});

test('what is given is read', () => {
  const config = loadConfig({
    ...databases,
    PORT: '8080',
    PUBLIC_URL: 'http://kassa.test/',
    TENANT_DOMAINS: ' Kassa.Test , ,pay.test',
    PLATFORM_SUBDOMAINS: 'WWW',
    TRUSTED_PROXIES: '10.0.0.7,10.1.0.0/16,fd00::/8',
    DEMO_MODE: 'true',
  });

  expect(config).toMatchObject({
    PORT: 8080,
    PUBLIC_URL: 'http://kassa.test',
    TENANT_DOMAINS: ['kassa.test', 'pay.test'],
    PLATFORM_SUBDOMAINS: ['www'],
    TRUSTED_PROXIES: ['10.0.0.7', '10.1.0.0/16', 'fd00::/8'],
    DEMO_MODE: true,
  });
  expect(config.DATABASE_URL.reveal()).toBe(databases.DATABASE_URL);
});

test('an empty variable counts as absent', () => {
  const config = loadConfig({ ...databases, PORT: '', MIDTRANS_BASE_URL: '' });

  expect(config.PORT).toBe(3010);
  expect(config.MIDTRANS_BASE_URL).toBeUndefined();
});

test('all faults are told at once, by name', () => {
  const bad = {
    DATABASE_URL: 'mysql://root:hunter2@db',
    DATABASE_WORKER_URL: databases.DATABASE_WORKER_URL,
    PORT: '70000',
    LOG_LEVEL: 'chatty',
    DATABASE_POOL_SIZE: 'many',
    PUBLIC_URL: 'kassa',
    TRUSTED_PROXIES: '10.0.0.7/',
    SESSION_SECRET: 'hunter2',
    PROVIDER_TIMEOUT_MS: '0',
    MAIL_FROM: 'nobody',
    DEMO_MODE: 'perhaps',
  };

  const message = messageOf(() => loadConfig(bad));

  expect(message).toContain('see .env.example');
  expect(message.match(/^ {2}[A-Z_]+/gm)?.map((line) => line.trim())).toEqual([
    'PORT',
    'LOG_LEVEL',
    'DATABASE_URL',
    'DATABASE_PLATFORM_URL',
    'DATABASE_POOL_SIZE',
    'PUBLIC_URL',
    'TRUSTED_PROXIES',
    'SESSION_SECRET',
    'PROVIDER_TIMEOUT_MS',
    'MAIL_FROM',
    'DEMO_MODE',
    'MASTER_KEYS',
  ]);
  expect(message).not.toContain('hunter2');
});

test.each([
  ['TRUSTED_PROXIES', 'proxy.example'],
  ['TRUSTED_PROXIES', '10.0.0.0/33'],
  ['PUBLIC_URL', 'ftp://kassa.example'],
  ['MIDTRANS_BASE_URL', 'javascript:alert(1)'],
  ['DATABASE_POOL_SIZE', '1'],
  ['DATABASE_POOL_SIZE', '2.5'],
  ['SWEEP_INTERVAL_SECONDS', '0'],
  ['NODE_ENV', 'Production'],
  ['SESSION_SECRET', 'abc123'.repeat(8)],
])('%s cannot be "%s"', (name, value) => {
  expect(() => loadConfig({ ...databases, [name]: value })).toThrow(`  ${name}`);
});

test('a configuration for production is accepted', () => {
  expect(loadConfig(production)).toMatchObject({ NODE_ENV: 'production' });
});

test.each([
  ['DEMO_MODE', { DEMO_MODE: 'true' }],
  ['RATE_LIMITS', { RATE_LIMITS: 'off' }],
  ['SESSION_SECRET', { SESSION_SECRET: 'a secret of tests, which nobody else may use' }],
  ['MIDTRANS_BASE_URL', { MIDTRANS_BASE_URL: 'http://127.0.0.1:4010' }],
  ['PUBLIC_URL', { PUBLIC_URL: 'http://kassa.example' }],
  ['PUBLIC_URL', { PUBLIC_URL: '' }],
  ['SMTP_URL', { SMTP_URL: '' }],
  ['SMTP_URL', { SMTP_URL: 'smtp://127.0.0.1:4051' }],
])('%s of the demo is refused in production: %j', (name, part) => {
  expect(() => loadConfig({ ...production, ...part })).toThrow(`  ${name}: `);
});

test.each([
  ['no master key', { MASTER_KEYS: '' }],
  ['two places for master keys', { MASTER_KEY_FILE: '/run/secrets/master-keys' }],
])('%s: the start is refused, and says what to set', (_, part) => {
  const message = messageOf(() => loadConfig({ ...databases, ...part }));

  expect(message).toContain('  MASTER_KEYS: set either this or MASTER_KEY_FILE');
  expect(message).toContain('openssl rand -base64 32');
  expect(message).not.toContain('hunter2');
});

test('all parts of the demo are named at once', () => {
  const demo = { ...databases, NODE_ENV: 'production', DEMO_MODE: 'true' };

  const message = messageOf(() => loadConfig(demo));

  expect(message.match(/^ {2}[A-Z_]+/gm)).toEqual(['  DEMO_MODE', '  SMTP_URL', '  PUBLIC_URL']);
});

test('printing a configuration prints no password', () => {
  const config = loadConfig({ ...databases, SMTP_URL: 'smtp://me:hunter2@mail.example' });

  expect(JSON.stringify(config)).not.toContain('hunter2');
  expect(inspect(config, { depth: 9, showHidden: true })).not.toContain('hunter2');
});

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('Nothing was refused.');
}
