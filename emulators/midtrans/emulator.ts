import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Logger, pino } from 'pino';
import { createAccounts } from './accounts.ts';
import { buildApp } from './app.ts';
import { createSubjects } from './bodies.ts';
import { type Books, openBooks } from './books.ts';
import { createCardPayments } from './card-payments.ts';
import { createCheckouts } from './checkouts.ts';
import { createClock } from './clock.ts';
import { controlRoutes } from './control/routes.ts';
import { coreRoutes } from './core-routes.ts';
import { createFaults } from './faults.ts';
import { isAllowedHost } from './hosts.ts';
import { createDeliveries } from './notifications/deliveries.ts';
import { createNotifications } from './notifications/notifications.ts';
import { createPageAnswers } from './pages/answers.ts';
import { pageRoutes } from './pages/routes.ts';
import { createPageStates } from './pages/state.ts';
import { createPayments } from './payments.ts';
import { createRefundRules } from './refund-rules.ts';
import { createRefunds } from './refunds.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';
import { createSettings } from './settings.ts';
import { snapRoutes } from './snap-routes.ts';
import { createTransactions } from './transactions.ts';

export type EmulatorOptions = {
  /** 0 takes any free port. */
  readonly port: number;
  /** A path, or `:memory:` for books that end with the process. */
  readonly dataFile: string;
  /** Hosts besides loopback that notifications may go to. */
  readonly notifyHosts?: readonly string[];
  readonly logger?: Logger;
  readonly realNow?: () => number;
  readonly random?: () => number;
};
export type MidtransEmulator = { readonly url: string; close(): Promise<void> };

/** Starts an emulator of its own; several can run in one process, each on its books. */
export async function startMidtransEmulator(options: EmulatorOptions): Promise<MidtransEmulator> {
  const server = createServer();
  server.listen(options.port, '127.0.0.1');
  // A taken port makes this throw before any book was opened.
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // never a pipe: it listens on an address
  const url = `http://127.0.0.1:${port}`;
  try {
    const emulator = wire(url, options);
    server.on('request', emulator.app);
    emulator.scheduler.runDue();
    return { url, close: () => close(server, emulator) };
  } catch (error) {
    server.close();
    throw error;
  }
}

function wire(url: string, options: EmulatorOptions) {
  const logger = options.logger ?? pino({ level: 'silent' });
  const mayNotify = (hostname: string) => isAllowedHost(hostname, options.notifyHosts ?? []);
  const books = openBooks(options.dataFile);
  const clock = createClock(books, options.realNow ?? Date.now);
  const settings = createSettings(books);
  const accounts = createAccounts(books, clock, settings);
  const transactions = createTransactions(books, clock);
  const refunds = createRefunds(books);
  const checkouts = createCheckouts(books, clock, transactions);
  const faults = createFaults(books);
  const subjectOf = createSubjects({ accounts, checkouts, refunds });
  const rows = { books, clock, settings, accounts, transactions, refunds, checkouts, faults };

  const notifications = createNotifications({
    ...rows,
    subjectOf,
    isAllowedHost: mayNotify,
    wake: () => scheduler.wake(),
  });
  const deliveries = createDeliveries({
    ...rows,
    logger,
    isAllowedHost: mayNotify,
    random: options.random ?? Math.random,
  });
  const payments = createPayments({ ...rows, notifications });
  const cardPayments = createCardPayments({ ...rows, payments });
  const refundRules = createRefundRules({ ...rows, notifications });
  const scheduler: Scheduler = createScheduler({
    clock,
    sources: [payments, cardPayments, refundRules, deliveries],
    idle: deliveries.idle,
  });
  const rules = { ...rows, notifications, payments, cardPayments, refundRules };

  const app = buildApp({
    logger,
    runDue: scheduler.runDue,
    snap: snapRoutes({ ...rules, pageUrl: (token) => `${url}/snap/v3/redirection/${token}` }),
    core: coreRoutes({ ...rules, subjectOf }),
    page: pageRoutes({
      ...rules,
      stateOf: createPageStates(rules),
      answers: createPageAnswers(rules),
    }),
    control: controlRoutes({ ...rules, scheduler }),
  });
  return { app, scheduler, deliveries, books };
}

type Running = {
  readonly scheduler: Scheduler;
  readonly deliveries: { close(): Promise<void> };
  readonly books: Books;
};

async function close(server: Server, { scheduler, deliveries, books }: Running): Promise<void> {
  scheduler.close();
  const closed = once(server, 'close');
  server.close();
  // A stalled answer would keep the server open for ever.
  server.closeAllConnections();
  await Promise.all([closed, deliveries.close()]);
  books.close();
}
