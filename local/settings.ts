import { z } from 'zod';

const port = (fallback: number) => z.coerce.number().int().min(1).max(65_535).default(fallback);

/** What `npm start` reads; the server and the worker read theirs in `src/config.ts`. */
const Environment = z.object({
  NODE_ENV: z.string().default('development'),
  KASSA_DIR: z.string().default('.kassa'),
  PORT: port(3010),
  MIDTRANS_EMULATOR_PORT: port(4010),
  INBOX_PORT: port(4050),
  INBOX_SMTP_PORT: port(4051),
  POSTGRES_PORT: port(4060),
  DATABASE_URL: z.string().optional(),
  DATABASE_OWNER_URL: z.string().optional(),
  DATABASE_PLATFORM_URL: z.string().optional(),
  DATABASE_WORKER_URL: z.string().optional(),
  SMTP_URL: z.string().optional(),
  MIDTRANS_EMULATOR: z.enum(['on', 'off']).default('on'),
});
export type Settings = z.infer<typeof Environment>;

/** @throws Error that lists every bad variable */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const given = Object.entries(environment).filter(([, value]) => value !== '');
  const parsed = Environment.safeParse(Object.fromEntries(given));
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new Error(`A setting is not valid; see .env.example.\n${faults.join('\n')}`);
  }
  if (parsed.data.NODE_ENV === 'production') {
    throw new Error(
      'npm start runs the demo, which must not run with NODE_ENV=production. ' +
        'In production PM2 runs src/server.ts and src/worker.ts.',
    );
  }
  return parsed.data;
}

/** The names in the schema, for the test that compares them with `.env.example`. */
export const variableNames = Object.keys(Environment.shape);
