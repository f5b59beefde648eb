import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { startInbox } from '../../../emulators/inbox/inbox.ts';
import { startMidtransEmulator } from '../../../emulators/midtrans/emulator.ts';
import { buildApp } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config.ts';
import { jobHandlers } from '../../../src/jobs/handlers.ts';
import type { Handlers } from '../../../src/jobs/queue.ts';
import type { Mailer } from '../../../src/providers/mail/mailer.ts';
import { createMailer } from '../../../src/providers/mail/smtp.ts';
import { createOrderMails } from '../../../src/services/order-mails.ts';
import { wire } from '../../../src/wire.ts';
import { createTestDatabase, openAdminPool } from '../../support/test-database.ts';
import { createGate } from './gate.ts';
import { startHttpProxy } from './http-proxy.ts';
import { createOutside } from './outside.ts';
import { addShop } from './shop.ts';
import { startSmtpProxy } from './smtp-proxy.ts';
import { startSqlProxy } from './sql-proxy.ts';

export type World = Awaited<ReturnType<typeof startWorld>>;

/** How long Kassa waits for its provider here, and for it to confirm a notification. */
const settings = { PROVIDER_TIMEOUT_MS: '500', NOTIFICATION_CONFIRM_MS: '400' };
const mailTimeouts = {
  connectionTimeoutMs: 400,
  greetingTimeoutMs: 400,
  socketTimeoutMs: 400,
  deadlineMs: 2_000,
};

/**
 * The real app and the real handlers of its jobs in this process, over a real database, the Midtrans
 * emulator and the inbox; a proxy that can fail stands before each of the three.
 */
export async function startWorld() {
  const gate = createGate();
  const database = await createTestDatabase();
  const midtrans = await startMidtransEmulator({ port: 0, dataFile: ':memory:' });
  const inbox = await startInbox({ port: 0, smtpPort: 0, dataFile: ':memory:' });
  const isCounted = (name: string) => name !== 'kassa-listener';
  const app = await startSqlProxy({ url: database.app, gate, isCounted });
  const platform = await startSqlProxy({ url: database.platform, gate, isCounted });
  const provider = await startHttpProxy({ url: midtrans.url, gate });
  const post = await startSmtpProxy({ url: inbox.smtpUrl, gate });

  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = loadConfig({
    NODE_ENV: 'test',
    PUBLIC_URL: url,
    DATABASE_URL: app.url,
    DATABASE_PLATFORM_URL: platform.url,
    DATABASE_WORKER_URL: database.worker,
    MIDTRANS_BASE_URL: provider.url,
    ...settings,
  });
  const wiring = await wire({ config, log: pino({ level: 'silent' }), version: '0.0.0-test' });
  const { services, addresses, db } = wiring;
  server.on('request', serve(config, services));
  const admin = openAdminPool(database);
  await addShop(admin);

  function handlersWith(mailer: Mailer) {
    const { directory } = services;
    const { MAIL_FROM: mailFrom } = config;
    const mails = createOrderMails({ db, directory, mailer, addresses, mailFrom });
    return jobHandlers({ ...services, mails });
  }

  /** The handlers of the jobs, with a connection to the mail server that is as new as they are. */
  async function withHandlers<T>(use: (handlers: Handlers) => Promise<T>): Promise<T> {
    const mailer = createMailer({ smtpUrl: post.url, ...mailTimeouts });
    try {
      return await use(handlersWith(mailer));
    } finally {
      mailer.close();
    }
  }

  // Past the proxy and with connections that stay: greetings take their time.
  const settlingMailer = createMailer({ smtpUrl: inbox.smtpUrl });

  return {
    gate,
    url,
    admin,
    database,
    midtransUrl: midtrans.url,
    smtpUrl: inbox.smtpUrl,
    outside: createOutside({ midtransUrl: midtrans.url, inboxUrl: inbox.url, admin }),
    services,
    withHandlers,
    handlers: handlersWith(settlingMailer),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      settlingMailer.close();
      await wiring.close();
      await admin.end();
      for (const part of [app, platform, provider, post, inbox, midtrans]) await part.close();
      await database.drop();
    },
  };
}

function serve(
  config: ReturnType<typeof loadConfig>,
  services: Awaited<ReturnType<typeof wire>>['services'],
) {
  return buildApp({
    services,
    log: pino({ level: 'silent' }),
    trustedProxies: config.TRUSTED_PROXIES,
    tenantDomains: config.TENANT_DOMAINS,
    platformSubdomains: config.PLATFORM_SUBDOMAINS,
    hasDemo: false,
    isHttps: false,
  });
}
