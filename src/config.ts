import { existsSync } from 'node:fs';
import { z } from 'zod';
import { Secret } from './domain/secret.ts';

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
);
const names = list.transform((items) => items.map((item) => item.toLowerCase()));
// Read once more by `trustProxies`; here a bad one is told beside the other faults.
const proxies = list.pipe(
  z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'must be addresses and networks')),
);
const secret = z
  .string()
  .min(1)
  .transform((text) => new Secret(text));
const postgresUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, 'must start with postgresql://')
  .transform((text) => new Secret(text));
const milliseconds = z.coerce.number().int().min(50).max(120_000);
const httpUrl = z.url({ protocol: /^https?$/ }).transform((text) => text.replace(/\/$/, ''));

/** Where the demo's mail inbox listens. */
const demoInbox = 'smtp://127.0.0.1:4051';

/** Every variable that Kassa reads. `.env.example` explains each; a test keeps the two equal. */
const Environment = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3010),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']).default('info'),

  DATABASE_URL: postgresUrl,
  DATABASE_PLATFORM_URL: postgresUrl,
  DATABASE_WORKER_URL: postgresUrl,
  DATABASE_POOL_SIZE: z.coerce.number().int().min(2).max(200).default(10),

  PUBLIC_URL: httpUrl.default('http://localhost:3010'),
  TENANT_DOMAINS: names.default(['localhost']),
  PLATFORM_SUBDOMAINS: names.default(['www', 'admin', 'funnel', 'funnelstaging']),
  TRUSTED_PROXIES: proxies.default(['127.0.0.0/8', '::1/128']),

  SESSION_SECRET: z
    .string()
    .min(32, { error: 'must have at least 32 characters', abort: true })
    // Of 32 random characters, hexadecimal ones at the least, hardly ever fewer are different.
    .refine(
      (text) => new Set(text).size >= 8,
      'must be random, as `openssl rand -base64 32` makes it',
    )
    .transform((text) => new Secret(text)),
  RATE_LIMITS: z.enum(['on', 'off']).default('on'),

  MIDTRANS_BASE_URL: httpUrl.optional(),
  PROVIDER_TIMEOUT_MS: milliseconds.default(8_000),
  NOTIFICATION_CONFIRM_MS: milliseconds.default(700),

  SMTP_URL: secret.default(new Secret(demoInbox)),
  MAIL_FROM: z.email().default('no-reply@kassa.example'),

  SWEEP_INTERVAL_SECONDS: z.coerce.number().int().min(1).max(3_600).default(30),
  DEMO_MODE: z.stringbool().default(false),

  MASTER_KEYS: secret.optional(),
  MASTER_KEY_FILE: z.string().optional(),
});

export type Config = Readonly<ReturnType<typeof loadConfig>>;

/**
 * The environment of this process, with what `.env` and other files add to it. What is set already
 * wins, and a file that is not there is none.
 */
export function readEnvironment(...files: readonly string[]): NodeJS.ProcessEnv {
  for (const file of [...files, '.env']) {
    if (existsSync(file)) process.loadEnvFile(file);
  }
  // biome-ignore lint/style/noProcessEnv: the one place that reads it.
  return process.env;
}

/**
 * Reads the environment once, at the start of a process.
 *
 * @throws Error that lists every bad variable, one per line
 */
export function loadConfig(environment: NodeJS.ProcessEnv) {
  // An empty variable is one that somebody left blank in .env, not an empty value.
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = Environment.safeParse(given);
  const faults = [
    ...(parsed.error?.issues ?? []).map(({ path, message }) => `  ${path.join('.')}: ${message}`),
    ...masterKeyFaults(given),
  ];
  if (!parsed.success || faults.length > 0) {
    throw new Error(`The configuration is not valid; see .env.example.\n${faults.join('\n')}`);
  }
  const config = parsed.data;
  if (config.NODE_ENV === 'production') refuseDemoParts(config);
  return config;
}

function masterKeyFaults({ MASTER_KEYS, MASTER_KEY_FILE }: NodeJS.ProcessEnv): string[] {
  if ((MASTER_KEYS === undefined) !== (MASTER_KEY_FILE === undefined)) return [];
  return [
    '  MASTER_KEYS: set either this or MASTER_KEY_FILE; a key is made with: echo "k1:$(openssl rand -base64 32)"',
  ];
}

function refuseDemoParts(config: z.infer<typeof Environment>): void {
  const faults = [
    config.DEMO_MODE && '  DEMO_MODE: must be off in production',
    config.RATE_LIMITS === 'off' && '  RATE_LIMITS: must be on in production',
    !/^[\w+/=-]+$/.test(config.SESSION_SECRET.reveal()) &&
      '  SESSION_SECRET: must be random in production, as `openssl rand -base64 32` makes it',
    config.MIDTRANS_BASE_URL && '  MIDTRANS_BASE_URL: an emulator cannot be used in production',
    config.SMTP_URL.reveal() === demoInbox && '  SMTP_URL: must be set in production',
    !config.PUBLIC_URL.startsWith('https://') && '  PUBLIC_URL: must be https in production',
  ].filter((fault) => typeof fault === 'string');
  if (faults.length > 0) {
    throw new Error(`This configuration is not for production.\n${faults.join('\n')}`);
  }
}

/** Where this process finds the keys that wrap data keys. */
export function masterKeySource({ MASTER_KEYS, MASTER_KEY_FILE }: Config) {
  if (MASTER_KEYS) return { keys: MASTER_KEYS };
  return { file: MASTER_KEY_FILE ?? '' };
}

/** The names in the schema, for the test that compares them with `.env.example`. */
export const variableNames = Object.keys(Environment.shape);
