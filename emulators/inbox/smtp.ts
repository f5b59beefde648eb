import type { Socket } from 'node:net';
import {
  SMTPServer,
  type SMTPServerDataStream,
  type SMTPServerError,
  type SMTPServerSession,
} from 'smtp-server';
import type { FaultMode, Faults } from './faults.ts';
import { readMessage, withTrace } from './message.ts';
import type { Store } from './store.ts';

const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;
const CLOSE_TIMEOUT_MS = 250; // a sender that keeps its connection open must not hold us

type SmtpParts = {
  readonly store: Store;
  readonly faults: Faults;
  readonly onError: (error: Error) => void;
};

/** A real SMTP server that takes every mail, from anyone, for anyone, and sends nothing on. */
export function createSmtpServer({ store, faults, onError }: SmtpParts) {
  const sockets = new Map<number, Socket>();
  const faultOf = new Map<string, FaultMode>();

  function hangUp(session: SMTPServerSession) {
    sockets.get(session.remotePort)?.destroy();
  }

  async function receive(stream: SMTPServerDataStream, session: SMTPServerSession) {
    const received = await collect(stream);
    if (stream.sizeExceeded || faultOf.get(session.id) === 'stall') return;
    const { mailFrom, rcptTo } = session.envelope;
    const recipients = rcptTo.map(({ address }) => address);
    const receivedAt = new Date();
    const envelope = { from: mailFrom ? mailFrom.address : '', to: recipients };
    const raw = withTrace(received, envelope, receivedAt);
    store.add({ message: await readMessage(raw), recipients, raw, receivedAt });
  }

  const smtp = new SMTPServer({
    name: 'kassa-inbox',
    disabledCommands: ['STARTTLS'], // the library's own certificate would be no security
    authOptional: true,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    logger: false,
    size: MAX_MESSAGE_BYTES,
    rejectOversized: true,
    maxClients: 200,
    maxRecipients: 100,
    closeTimeout: CLOSE_TIMEOUT_MS,
    onAuth: (auth, _session, callback) => callback(null, { user: auth.username ?? 'anyone' }),
    onConnect(session, callback) {
      if (faults.take('refuse')) return hangUp(session);
      callback();
    },
    onMailFrom(_address, session, callback) {
      const fault = faults.take();
      if (fault === 'refuse') return hangUp(session);
      if (fault) faultOf.set(session.id, fault);
      else faultOf.delete(session.id);
      callback();
    },
    onRcptTo(_address, session, callback) {
      callback(refusalOf(faultOf.get(session.id)));
    },
    onData(stream, session, callback) {
      receive(stream, session).then(
        () => {
          const fault = faultOf.get(session.id);
          if (fault === 'cut') hangUp(session);
          else if (fault !== 'stall') callback();
        },
        (error: Error) => callback(reply(554, `The message cannot be read: ${error.message}`)),
      );
    },
    onClose: (session) => faultOf.delete(session.id),
  });
  smtp.on('error', onError);
  // The server only listens on loopback, where the remote port alone names a connection.
  smtp.server.prependListener('connection', (socket) => {
    const port = socket.remotePort ?? 0;
    sockets.set(port, socket);
    socket.once('close', () => sockets.delete(port));
  });
  return smtp;
}

function refusalOf(fault: FaultMode | undefined): SMTPServerError | undefined {
  if (fault === 'temporary') return reply(451, 'Try again later (a fault that was asked for)');
  if (fault === 'permanent') return reply(550, 'No such mailbox (a fault that was asked for)');
  return undefined;
}

function reply(responseCode: number, message: string): SMTPServerError {
  return Object.assign(new Error(message), { responseCode });
}

async function collect(stream: SMTPServerDataStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    if (!stream.sizeExceeded) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
