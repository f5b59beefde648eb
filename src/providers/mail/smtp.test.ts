import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { SMTPServer } from 'smtp-server';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Inbox, startInbox } from '../../../emulators/inbox/inbox.ts';
import { MailError, type Mailer, type MailMessage } from './mailer.ts';
import { createMailer, type SmtpMailerSettings } from './smtp.ts';

let inbox: Inbox;
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  inbox = await startInbox({ port: 0, smtpPort: 0, dataFile: ':memory:' });
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  await inbox.close();
});

const message: MailMessage = {
  from: { name: 'Buatfilm', address: 'hello@buatfilm.test' },
  replyTo: { name: 'Buatfilm', address: 'owner@buatfilm.test' },
  to: { name: 'Budi', address: 'budi@example.com' },
  subject: 'Your order 1',
  text: 'Hello',
  html: '<p>Hello</p>',
  messageId: '<order-1.created@kassa.test>',
};

test('a mail arrives as it was given, under the message id of its caller', async () => {
  const sent = await mailer().send(message);

  expect(sent).toEqual({ messageId: '<order-1.created@kassa.test>' });
  const [mail] = await received();
  expect(mail).toMatchObject({
    from: 'Buatfilm <hello@buatfilm.test>',
    to: 'Budi <budi@example.com>',
    replyTo: 'Buatfilm <owner@buatfilm.test>',
    subject: 'Your order 1',
    text: 'Hello\n',
    html: '<p>Hello</p>\n',
  });
  expect(header(mail, 'Message-ID')).toEqual(['<order-1.created@kassa.test>']);
  expect(header(mail, 'Auto-Submitted')).toEqual(['auto-generated']);
});

test('line breaks in names and subject add neither a header nor a recipient', async () => {
  const evil = 'Budi\r\nBcc: thief@example.com\r\n\r\nbody';

  await mailer().send({
    ...message,
    from: { ...message.from, name: evil },
    replyTo: { name: evil, address: 'owner@buatfilm.test' },
    to: { ...message.to, name: evil },
    subject: evil,
  });

  const [mail] = await received();
  expect(header(mail, 'Delivered-To')).toEqual(['budi@example.com']);
  expect(header(mail, 'Bcc')).toEqual([]);
  expect(mail?.to).toBe('Budi Bcc: thief@example.com body <budi@example.com>');
  expect(mail?.subject).toBe('Budi Bcc: thief@example.com body');
  expect(mail?.text).toBe('Hello\n');
});

test('a comma or an address in a name adds no recipient', async () => {
  const name = 'Doe, Jane <thief@example.com>, thief@example.com';

  await mailer().send({ ...message, to: { name, address: 'jane@example.com' } });

  const [mail] = await received();
  expect(header(mail, 'Delivered-To')).toEqual(['jane@example.com']);
  expect(mail?.to).toBe(`${name} <jane@example.com>`);
});

test.each([
  '',
  'budi',
  'budi@localhost',
  'budi@example.com, thief@example.com',
  'budi@example.com,thief@example.com',
  'Budi <budi@example.com>',
  'budi@example.com\r\nRCPT TO:<thief@example.com>',
  '"budi thief@example.com"@example.com',
  'budi@exa mple.com',
  'budi@[127.0.0.1]',
  `${'a'.repeat(65)}@example.com`,
  `a@${'a.'.repeat(127)}com`,
])('the address %j is refused before anything is sent, for good', async (address) => {
  const sending = mailer();

  for (const role of ['from', 'to', 'replyTo'] as const) {
    const sent = sending.send({ ...message, [role]: { name: '', address } });
    await expect(sent).rejects.toMatchObject({ code: 'EINVALID', retryable: false });
  }
  expect(await received()).toEqual([]);
});

test.each(['åsa@exempel.se', 'o.brien+shop@mail.example.co.id', 'shop@räksmörgås.se'])(
  'the address %j is taken',
  async (address) => {
    await mailer().send({ ...message, to: { name: '', address } });

    expect(await received()).toHaveLength(1);
  },
);

test('a message id that could break its header is refused', async () => {
  const sent = mailer().send({ ...message, messageId: '<a@b>\r\nBcc: thief@example.com' });

  await expect(sent).rejects.toMatchObject({ code: 'EINVALID', retryable: false });
});

test('a body can never name a file to be read', async () => {
  const html = { path: '/etc/hostname' } as unknown as string;

  await expect(mailer().send({ ...message, html })).rejects.toBeInstanceOf(MailError);

  expect(await received()).toEqual([]);
});

test.each([
  ['temporary', { retryable: true, responseCode: 451 }],
  ['permanent', { retryable: false, responseCode: 550 }],
  ['refuse', { retryable: true, responseCode: undefined }],
  ['cut', { retryable: true, responseCode: undefined }],
])('what the server does as "%s" tells whether to try again', async (mode, expected) => {
  await putFault(mode);

  const error = await mailer().send(message).catch(mailError);

  expect(error).toMatchObject(expected);
});

test('one send is one try: after a cut the caller decides, and the message id tells the copies', async () => {
  const sending = mailer();
  await putFault('cut');

  await expect(sending.send(message)).rejects.toMatchObject({ retryable: true });
  const afterCut = await received();
  await sending.send(message);

  expect(afterCut).toHaveLength(1);
  const ids = (await received()).flatMap((mail) => header(mail, 'Message-ID'));
  expect(ids).toEqual([message.messageId, message.messageId]);
});

test('a server that stalls after the message ends in a timeout that may be tried again', async () => {
  await putFault('stall');

  const error = await mailer({ socketTimeoutMs: 1000 }).send(message).catch(mailError);
  await mailer().send(message);

  expect(error).toMatchObject({ code: 'ETIMEDOUT', retryable: true });
  expect(await received()).toHaveLength(1);
});

test('a server that never greets ends in a timeout that may be tried again', async () => {
  const smtpUrl = await listen(() => undefined);

  const error = await mailer({ smtpUrl, greetingTimeoutMs: 100 }).send(message).catch(mailError);

  expect(error).toMatchObject({ code: 'ETIMEDOUT', retryable: true });
});

test('a server that trickles, so that no socket timeout fires, is bounded by the deadline', async () => {
  const smtpUrl = await listen((socket) => {
    socket.write('220 slow\r\n');
    const drip = setInterval(() => socket.write('250-more\r\n'), 10);
    socket.on('close', () => clearInterval(drip));
  });

  const error = await mailer({ smtpUrl, deadlineMs: 200 }).send(message).catch(mailError);

  expect(error).toMatchObject({ code: 'EABORT', retryable: true });
});

test('a mail that waits behind a stalled one is bounded by the deadline too', async () => {
  await putFault('stall', 5);
  const sending = mailer({ deadlineMs: 300 });

  const errors = await Promise.all(
    Array.from({ length: 6 }, () => sending.send(message).catch(mailError)),
  );

  expect(errors).toEqual(Array(6).fill(expect.objectContaining({ code: 'EABORT' })));
});

test('nobody listening may be tried again', async () => {
  const { smtpUrl } = inbox;
  await inbox.close();

  const error = await mailer({ smtpUrl }).send(message).catch(mailError);

  expect(error).toMatchObject({ code: 'ESOCKET', retryable: true });
});

test('no error carries the login, even when the server repeats it', async () => {
  const pass = 'p@ss word';
  const echo = `bad mailer ${pass} ${Buffer.from(pass).toString('base64')}`;
  const refusing = await smtpServer({ onAuth: (_auth, _session, done) => done(new Error(echo)) });
  const echoing = await smtpServer({
    onAuth: (_auth, _session, done) => done(null, { user: 'mailer' }),
    onRcptTo: (_address, _session, done) => done(new Error(echo)),
  });

  for (const port of [refusing, echoing]) {
    const smtpUrl = `smtp://mailer:${encodeURIComponent(pass)}@127.0.0.1:${port}`;
    const error = await mailer({ smtpUrl }).send(message).catch(mailError);

    expect(error).toMatchObject({ retryable: false, responseCode: expect.any(Number) });
    const everything = inspect(error, { depth: 10, showHidden: true });
    expect(everything).not.toContain(pass);
    expect(everything).not.toContain(Buffer.from(pass).toString('base64'));
    expect(everything).not.toContain('mailer ');
  }
});

test('a login is not given to a distant server without TLS', async () => {
  const logins: unknown[] = [];
  const port = await smtpServer({
    onAuth(auth, _session, done) {
      logins.push(auth);
      done(null, { user: 'user' });
    },
  });
  // Any name but a loopback one counts as distant; this one still reaches the test's own server.
  const smtpUrl = `smtp://user:secret@0.0.0.0:${port}`;

  const error = await mailer({ smtpUrl }).send(message).catch(mailError);

  expect(error).toMatchObject({ code: 'ETLS' });
  expect(logins).toEqual([]);
});

test.each(['', 'mail.example.com', 'http://mail.example.com', 'smtp://u:secret@h?logger=true'])(
  'the server address %j is refused at once, without repeating it',
  (smtpUrl) => {
    expect(() => createMailer({ smtpUrl })).toThrow(/^The SMTP address must look like/);
  },
);

test('a closed mailer sends nothing more', async () => {
  const sending = mailer();
  await sending.send(message);

  sending.close();

  await expect(sending.send(message)).rejects.toMatchObject({ retryable: true });
  expect(await received()).toHaveLength(1);
});

function mailer(settings: Partial<SmtpMailerSettings> = {}): Mailer {
  const made = createMailer({ smtpUrl: inbox.smtpUrl, ...settings });
  cleanups.push(() => made.close());
  return made;
}

function mailError(error: unknown): MailError {
  expect(error).toBeInstanceOf(MailError);
  return error as MailError;
}

type Received = {
  to: string;
  subject: string;
  text: string;
  headers: { name: string; value: string }[];
};

async function received(): Promise<Received[]> {
  const answer = await fetch(`${inbox.url}/_control/messages`);
  return (await answer.json()) as Received[];
}

function header(mail: Received | undefined, name: string) {
  return mail?.headers.filter((line) => line.name === name).map(({ value }) => value);
}

async function putFault(mode: string, messages = 1) {
  const answer = await fetch(`${inbox.url}/_control/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ mode, messages }),
  });
  expect(answer.status).toBe(200);
}

async function listen(onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    onConnection(socket);
  }).listen(0, '127.0.0.1');
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, 'listening');
  return `smtp://127.0.0.1:${portOf(server.address())}`;
}

type Handlers = Pick<ConstructorParameters<typeof SMTPServer>[0] & object, 'onAuth' | 'onRcptTo'>;

async function smtpServer(handlers: Handlers): Promise<number> {
  const server = new SMTPServer({
    ...handlers,
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    disableReverseLookup: true,
    closeTimeout: 50,
    logger: false,
  });
  server.on('error', () => undefined);
  const listener = server.listen(0, '127.0.0.1');
  cleanups.push(() => new Promise<void>((resolve) => server.close(resolve)));
  await once(listener, 'listening');
  return portOf(listener.address());
}

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  if (address && typeof address === 'object') return address.port;
  throw new Error('The server has no port.');
}
