import manifest from '../package.json' with { type: 'json' };
import { loadConfig, readEnvironment } from './config.ts';
import { createPool } from './db/pools.ts';
import { checkRole } from './db/role-check.ts';
import { jobHandlers } from './jobs/handlers.ts';
import { startLoop } from './jobs/loop.ts';
import { openQueue } from './jobs/queue.ts';
import { startRelay } from './jobs/relay.ts';
import { createLog } from './log.ts';
import { runUntilSignal } from './process.ts';
import { createMailer } from './providers/mail/smtp.ts';
import { createAccountMails } from './services/account-mails.ts';
import { createOrderMails } from './services/order-mails.ts';
import { createTeamMails } from './services/team-mails.ts';
import { wire } from './wire.ts';

const config = loadConfig(readEnvironment());
const log = createLog({ name: 'kassa-worker', level: config.LOG_LEVEL });

await runUntilSignal(log, async () => {
  const wiring = await wire({ config, log, version: manifest.version });
  const { services, addresses, db } = wiring;
  const url = config.DATABASE_WORKER_URL.reveal();
  const pool = createPool({ url, applicationName: 'kassa-relay', max: 2, log });
  await checkRole(pool, { login: 'kassa_worker' });
  const mailer = createMailer({ smtpUrl: config.SMTP_URL.reveal() });
  const { directory } = services;
  const mails = createOrderMails({
    db,
    directory,
    mailer,
    addresses,
    mailFrom: config.MAIL_FROM,
  });
  const teamMails = createTeamMails({
    ...services,
    db,
    mailer,
    addresses,
    mailFrom: config.MAIL_FROM,
  });
  const accountMails = createAccountMails({
    db,
    auth: services.auth,
    mailer,
    addresses,
    mailFrom: config.MAIL_FROM,
  });
  await services.sealing.sealPlain();
  const queue = await openQueue({ url, log });
  await queue.work(jobHandlers({ ...services, mails, accountMails, teamMails }));
  const relay = startRelay({ pool, queue, log });
  // Every worker sweeps: two at once ask a provider twice and change nothing twice.
  const sweepMs = config.SWEEP_INTERVAL_SECONDS * 1_000;
  const sweeper = startLoop({ name: 'sweep', pauseMs: sweepMs, log }, services.sweep);
  const forgetMs = 5 * 60_000;
  const forgetter = startLoop(
    { name: 'idempotency', pauseMs: forgetMs, log },
    services.idempotency.sweep,
  );
  const clearer = startLoop(
    { name: 'rate limits', pauseMs: forgetMs, log },
    services.rateLimits.sweep,
  );
  const leaver = startLoop({ name: 'sessions', pauseMs: forgetMs, log }, services.sessions.sweep);
  const nightlyMs = 10 * 60_000;
  const sealMs = 10 * 60_000;
  const nightly = startLoop({ name: 'reconciliation', pauseMs: nightlyMs, log }, () =>
    services.nightlyReconciliations.beginAll(new Date()),
  );
  const sealer = startLoop(
    { name: 'history seals', pauseMs: sealMs, log },
    services.historySeals.sealAll,
  );
  const keysMs = 60_000;
  const keys = startLoop({ name: 'keys', pauseMs: keysMs, log }, services.sealing.maintain);
  log.info('worker works');

  return async () => {
    const loops = [relay, sweeper, forgetter, clearer, leaver, nightly, sealer, keys];
    await Promise.all(loops.map((loop) => loop.stop()));
    await queue.close();
    mailer.close();
    await pool.end();
    await wiring.close();
  };
});
