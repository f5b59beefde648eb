import { pino } from 'pino';
import { z } from 'zod';
import { startInbox } from './inbox.ts';

const Port = z.coerce.number().int().min(0).max(65_535);

const Settings = z.object({
  NODE_ENV: z
    .string()
    .default('development')
    .refine((name) => name !== 'production', 'the mail inbox does not run in production'),
  INBOX_PORT: Port.default(4050),
  INBOX_SMTP_PORT: Port.default(4051),
  INBOX_DATA: z.string().min(1).default('.kassa/inbox.sqlite'),
});

const log = pino({ name: 'inbox' });

try {
  // biome-ignore lint/style/noProcessEnv: the only place of this process that reads its settings
  const settings = Settings.parse(process.env);
  const inbox = await startInbox({
    port: settings.INBOX_PORT,
    smtpPort: settings.INBOX_SMTP_PORT,
    dataFile: settings.INBOX_DATA,
    log,
  });
  const { url, smtpUrl } = inbox;

  const stop = () => void inbox.close().then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  // Without its parent nobody would end this process, and it would keep its ports.
  process.once('disconnect', stop);

  log.info({ url, smtpUrl }, 'inbox is ready');
  process.send?.({ ready: true, url, smtpUrl });
} catch (error) {
  log.fatal(error instanceof z.ZodError ? z.prettifyError(error) : reasonOf(error));
  process.exit(1);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
