import { createServer, type Server } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { type Logger, pino } from 'pino';
import { buildInboxApp } from './app.ts';
import { createFaults } from './faults.ts';
import { createSmtpServer } from './smtp.ts';
import { openStore } from './store.ts';

const HOST = '127.0.0.1'; // it takes mail from anyone: never reachable from outside

export type InboxSettings = {
  readonly port: number;
  readonly smtpPort: number;
  readonly dataFile: string;
  readonly log?: Logger;
};

export type Inbox = {
  readonly url: string;
  readonly smtpUrl: string;
  close(): Promise<void>;
};

/** Starts the page and the SMTP server; port 0 takes a free one, ':memory:' keeps nothing. */
export async function startInbox({ port, smtpPort, dataFile, log }: InboxSettings): Promise<Inbox> {
  const logger = log ?? pino({ enabled: false });
  const faults = createFaults();
  const store = openStore(dataFile);
  const smtp = createSmtpServer({
    store,
    faults,
    onError: (error) => logger.debug({ err: error }, 'smtp connection failed'),
  });
  const http = createServer();

  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= end();
    return closing;
  };

  async function end() {
    await Promise.all([
      new Promise<void>((resolve) => smtp.close(resolve)),
      new Promise<void>((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
    ]);
    store.close();
  }

  try {
    const smtpAddress = await listen(smtp.server, smtpPort, 'INBOX_SMTP_PORT');
    const smtpUrl = `smtp://${HOST}:${smtpAddress.port}`;
    http.on('request', buildInboxApp({ store, faults, smtpUrl, log: logger }));
    const address = await listen(http, port, 'INBOX_PORT');
    return { url: `http://${HOST}:${address.port}`, smtpUrl, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function listen(server: Server | NetServer, port: number, setting: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      const hint = `Port ${port} is taken by another process: set ${setting} to a free one.`;
      reject(taken ? new Error(hint, { cause: error }) : error);
    };
    server.once('error', onError);
    server.listen(port, HOST, () => {
      server.off('error', onError);
      const address = server.address();
      if (address && typeof address === 'object') resolve(address);
      else reject(new Error(`The server has no port: ${address}`));
    });
  });
}
