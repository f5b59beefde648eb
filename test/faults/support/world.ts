import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { startInbox } from '../../../emulators/inbox/inbox.ts';
import { startMidtransEmulator } from '../../../emulators/midtrans/emulator.ts';
import { buildApp } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config.ts';
import { Slug } from '../../../src/domain/ids.ts';
import { jobHandlers } from '../../../src/jobs/handlers.ts';
import type { Handlers } from '../../../src/jobs/queue.ts';
import type { Mailer } from '../../../src/providers/mail/mailer.ts';
import { createMailer } from '../../../src/providers/mail/smtp.ts';
import { createAccountMails } from '../../../src/services/account-mails.ts';
import { createOrderMails } from '../../../src/services/order-mails.ts';
import { createTeamMails } from '../../../src/services/team-mails.ts';
import { wire } from '../../../src/wire.ts';
import { processEnvironment } from '../../support/process-environment.ts';
import { createTestDatabase, openAdminPool } from '../../support/test-database.ts';
import { createGate } from './gate.ts';
import { createOutside } from './outside.ts';
import { startProxies } from './proxies.ts';
import { addShop, shop } from './shop.ts';

export type World = Awaited<ReturnType<typeof startWorld>>;

/** How long Kassa waits for its provider here, and for it to confirm a notification. */
const timeouts = { PROVIDER_TIMEOUT_MS: '1200', NOTIFICATION_CONFIRM_MS: '1000' };
const mailTimeouts = {
  connectionTimeoutMs: 1_500,
  greetingTimeoutMs: 1_500,
  socketTimeoutMs: 1_500,
  deadlineMs: 6_000,
};

/**
 * The real app and the real handlers of its jobs in this process, over a real database, the Midtrans
 * emulator and the inbox; a proxy that can fail stands before each of the three.
 */
export async function startWorld() {
  const database = await createTestDatabase();
  const midtrans = await startMidtransEmulator({ port: 0, dataFile: ':memory:' });
  const inbox = await startInbox({ port: 0, smtpPort: 0, dataFile: ':memory:' });
  const parties = { database, midtransUrl: midtrans.url, smtpUrl: inbox.smtpUrl };
  const gate = createGate();
  const proxies = await startProxies(parties, gate);
  const app = await startApp(proxies);
  // Past the proxy and with connections that stay: greetings take their time.
  const mailer = createMailer({ smtpUrl: inbox.smtpUrl });
  const admin = openAdminPool(database);
  await addShop(admin);
  // Its first reader seals its key, which is no part of any flow.
  await app.services.directory.findBySlug(Slug.parse(shop.slug));

  /** The handlers of the jobs, with a connection to the mail server that is as new as they are. */
  async function withHandlers<T>(use: (handlers: Handlers) => Promise<T>): Promise<T> {
    const newMailer = createMailer({ smtpUrl: proxies.smtpUrl, ...mailTimeouts });
    try {
      return await use(app.handlersWith(newMailer));
    } finally {
      newMailer.close();
    }
  }

  return {
    ...parties,
    gate,
    admin,
    url: app.url,
    services: app.services,
    outside: createOutside({ midtransUrl: midtrans.url, inboxUrl: inbox.url, admin }),
    withHandlers,
    handlers: app.handlersWith(mailer),
    async close() {
      mailer.close();
      await app.close();
      await admin.end();
      for (const part of [proxies, inbox, midtrans]) await part.close();
      await database.drop();
    },
  };
}

async function startApp({ database, midtransUrl }: Awaited<ReturnType<typeof startProxies>>) {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const log = pino({ level: 'silent' });
  const config = loadConfig({
    ...processEnvironment(database),
    PUBLIC_URL: url,
    MIDTRANS_BASE_URL: midtransUrl,
    ...timeouts,
  });
  const wiring = await wire({ config, log, version: '0.0.0-test' });
  const { services, addresses, db } = wiring;
  const app = buildApp({
    services,
    log,
    publicUrl: config.PUBLIC_URL,
    trustedProxies: config.TRUSTED_PROXIES,
    tenantDomains: config.TENANT_DOMAINS,
    platformSubdomains: config.PLATFORM_SUBDOMAINS,
    hasDemo: false,
    isHttps: false,
  });
  server.on('request', app);

  function handlersWith(mailer: Mailer): Handlers {
    const { directory } = services;
    const { MAIL_FROM: mailFrom } = config;
    const mails = createOrderMails({ db, directory, mailer, addresses, mailFrom });
    const { auth } = services;
    const accountMails = createAccountMails({ db, auth, mailer, addresses, mailFrom });
    const teamMails = createTeamMails({ ...services, db, mailer, addresses, mailFrom });
    return jobHandlers({ ...services, mails, accountMails, teamMails });
  }

  async function close(): Promise<void> {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    await wiring.close();
  }

  return { url, services, handlersWith, close };
}
