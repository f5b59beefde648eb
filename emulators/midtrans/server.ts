import { pino } from 'pino';
import { z } from 'zod';
import { startMidtransEmulator } from './emulator.ts';

const Environment = z.object({
  NODE_ENV: z
    .string()
    .default('development')
    .refine((name) => name !== 'production', 'the emulator does not run in production'),
  MIDTRANS_EMULATOR_PORT: z.coerce.number().int().min(0).max(65_535).default(4010),
  MIDTRANS_EMULATOR_DATA: z.string().min(1).default('.kassa/midtrans.sqlite'),
  MIDTRANS_EMULATOR_NOTIFY_HOSTS: z
    .string()
    .default('')
    .transform((hosts) => hosts.split(',').map((host) => host.trim().toLowerCase()))
    .transform((hosts) => hosts.filter((host) => host !== '')),
});

const logger = pino({ name: 'midtrans-emulator' });

async function run(): Promise<void> {
  // biome-ignore lint/style/noProcessEnv: the only place where this process reads its settings
  const environment = Environment.safeParse(process.env);
  if (!environment.success) return giveUp(z.prettifyError(environment.error));
  const settings = environment.data;
  const port = settings.MIDTRANS_EMULATOR_PORT;
  const emulator = await startMidtransEmulator({
    port,
    dataFile: settings.MIDTRANS_EMULATOR_DATA,
    notifyHosts: settings.MIDTRANS_EMULATOR_NOTIFY_HOSTS,
    logger,
  }).catch((error: unknown) => giveUp(describeFailure(error, port)));

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void emulator.close().then(() => process.exit(0)));
  }
  logger.info({ url: emulator.url }, 'ready');
  process.send?.({ ready: true, url: emulator.url });
}

function describeFailure(error: unknown, port: number): string {
  if (!(error instanceof Error)) return 'The Midtrans emulator could not start.';
  if ('code' in error && error.code === 'EADDRINUSE') {
    return `Port ${port} is taken: set MIDTRANS_EMULATOR_PORT to another one (0 takes any).`;
  }
  return `The Midtrans emulator could not start: ${error.message}`;
}

function giveUp(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}

await run();
