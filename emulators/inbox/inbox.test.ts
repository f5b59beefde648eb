import { createTransport, type SendMailOptions } from 'nodemailer';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Inbox, startInbox } from './inbox.ts';
import { MAX_MESSAGES, openStore } from './store.ts';

let inbox: Inbox;

beforeEach(async () => {
  inbox = await startInbox({ port: 0, smtpPort: 0, dataFile: ':memory:' });
});

afterEach(() => inbox.close());

test('a mail can be read back with its names, parts and headers', async () => {
  await send({
    from: { name: 'Buatfilm', address: 'hello@buatfilm.test' },
    replyTo: { name: '', address: 'owner@buatfilm.test' },
    to: [
      { name: 'Åsa Öberg', address: 'asa@example.com' },
      { name: '', address: 'budi@example.com' },
    ],
    subject: 'Kvitto för order 1 🎬',
    text: 'Tack!',
    html: '<p>Tack!</p>',
    headers: { 'X-Kassa-Request': 'req-1' },
  });

  const [mail, ...others] = await messages();

  expect(others).toEqual([]);
  expect(mail).toMatchObject({
    from: 'Buatfilm <hello@buatfilm.test>',
    replyTo: 'owner@buatfilm.test',
    to: 'Åsa Öberg <asa@example.com>, budi@example.com',
    subject: 'Kvitto för order 1 🎬',
    text: 'Tack!\n',
    html: '<p>Tack!</p>\n',
  });
  expect(new Date(`${mail?.receivedAt}`).toISOString()).toBe(mail?.receivedAt);
  expect(mail?.headers).toContainEqual({ name: 'X-Kassa-Request', value: 'req-1' });
});

test('a receiver that no header names is shown as the envelope had it, and can be found', async () => {
  await send({ to: 'seen@example.com', bcc: 'hidden@example.com', subject: 'One' });

  const [mail] = await messages('?to=hidden@example.com');

  expect(mail?.to).toBe('seen@example.com');
  const delivered = mail?.headers.filter(({ name }) => name === 'Delivered-To');
  expect(delivered?.map(({ value }) => value)).toEqual(['seen@example.com', 'hidden@example.com']);
});

test('mails are listed newest first and filtered by receiver and subject, whatever the case', async () => {
  await send({ to: 'asa@example.com', subject: 'Order 1' });
  await send({ to: 'budi@example.com', subject: 'Order 2' });
  await send({ to: 'asa@example.com', subject: 'Återbetalning 3' });

  expect(await subjects()).toEqual(['Återbetalning 3', 'Order 2', 'Order 1']);
  expect(await subjects('?to=ASA@example.com')).toEqual(['Återbetalning 3', 'Order 1']);
  expect(await subjects('?subject=order')).toEqual(['Order 2', 'Order 1']);
  expect(await subjects('?subject=återBETALNING')).toEqual(['Återbetalning 3']);
  expect(await subjects('?to=asa&subject=order')).toEqual(['Order 1']);
  expect(await subjects('?limit=1')).toEqual(['Återbetalning 3']);
});

test('deleting empties the inbox', async () => {
  await send({});

  const deleted = await fetch(`${inbox.url}/_control/messages`, { method: 'DELETE' });

  expect(deleted.status).toBe(204);
  expect(await messages()).toEqual([]);
});

test('an unknown filter or fault is refused instead of being ignored', async () => {
  const filter = await fetch(`${inbox.url}/_control/messages?too=a`);
  const fault = await putFault({ mode: 'explode', messages: 1 });
  const broken = await fetch(`${inbox.url}/_control/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{',
  });

  expect([filter.status, fault.status, broken.status]).toEqual([400, 400, 400]);
  expect(filter.headers.get('content-type')).toContain('application/problem+json');
});

test.each([
  ['refuse', { code: 'ECONNECTION' }],
  ['temporary', { responseCode: 451 }],
  ['permanent', { responseCode: 550 }],
])('the fault "%s" hits the next messages and then ends', async (mode, failure) => {
  await putFault({ mode, messages: 2 });

  await expect(send({ subject: 'first' })).rejects.toMatchObject(failure);
  await expect(send({ subject: 'second' })).rejects.toMatchObject(failure);
  await send({ subject: 'third' });

  expect(await subjects()).toEqual(['third']);
});

test('the fault "refuse" also ends a connection that was already open', async () => {
  const pool = pooledTransport();
  await pool.sendMail({ ...mailToBudi, subject: 'opens the connection' });
  await putFault({ mode: 'refuse', messages: 1 });

  // The pool repeats over a new connection what it could not even begin to send.
  await pool.sendMail({ ...mailToBudi, subject: 'second try' });
  const left = await fetch(`${inbox.url}/_control/faults`).then((answer) => answer.json());
  pool.close();

  expect(left).toEqual({ mode: 'none' });
  expect(await subjects()).toEqual(['second try', 'opens the connection']);
});

test('a fault hits one message, not those that follow on the same connection', async () => {
  const pool = pooledTransport();
  await putFault({ mode: 'permanent', messages: 1 });

  const refused = await pool.sendMail(mailToBudi).catch((error) => error);
  await pool.sendMail({ ...mailToBudi, subject: 'next' });
  pool.close();

  expect(refused).toMatchObject({ responseCode: 550 });
  expect(await subjects()).toEqual(['next']);
});

test('the fault "stall" takes the message, never answers, and keeps nothing', async () => {
  await putFault({ mode: 'stall', messages: 1 });

  await expect(send({}, { socketTimeout: 1000 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  await send({ subject: 'next' });

  expect(await subjects()).toEqual(['next']);
});

test('the fault "cut" keeps the message but the sender never hears of it', async () => {
  await putFault({ mode: 'cut', messages: 1 });

  await expect(send({ subject: 'kept' })).rejects.toMatchObject({ code: 'ECONNECTION' });

  expect(await subjects()).toEqual(['kept']);
});

test('a fault can be taken back', async () => {
  await putFault({ mode: 'permanent', messages: 100 });
  await putFault({ mode: 'none' });

  await send({ subject: 'through' });

  expect(await subjects()).toEqual(['through']);
});

test('a message over the size limit is refused and not kept', async () => {
  const tooBig = 'x'.repeat(11 * 1024 * 1024);

  await expect(send({ text: tooBig })).rejects.toThrow(/size|large/i);

  expect(await messages()).toEqual([]);
});

test('a message that cannot be read is refused with the reason, and not kept', async () => {
  const nested = Array.from({ length: 300 }, (_, n) => {
    const opening = n > 0 ? `--b${n - 1}\r\n` : '';
    return `${opening}Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n`;
  });
  const envelope = { from: 'a@example.com', to: 'b@example.com' };

  const refused = await send({ envelope, raw: nested.join('') }).catch((error) => error);

  expect(refused).toMatchObject({ responseCode: 554 });
  expect(refused.response).toContain('cannot be read');
  expect(await messages()).toEqual([]);
});

test('any login is taken, so that settings with one work here as well', async () => {
  await send({ subject: 'with login' }, { auth: { user: 'merchant', pass: 'secret' } });

  expect(await subjects()).toEqual(['with login']);
});

test('only the newest 5000 mails are kept', () => {
  const store = openStore(':memory:');
  const message = { from: '', to: '', replyTo: '', subject: '', text: '', html: '', headers: [] };
  const receivedAt = new Date();

  for (let n = 1; n <= MAX_MESSAGES + 3; n += 1) {
    store.add({
      message: { ...message, subject: `${n}` },
      recipients: [],
      raw: Buffer.from(''),
      receivedAt,
    });
  }

  const kept = store.list({ limit: MAX_MESSAGES + 10 });
  expect(kept).toHaveLength(MAX_MESSAGES);
  expect([kept.at(0)?.subject, kept.at(-1)?.subject]).toEqual(['5003', '4']);
  store.close();
});

test('a taken port is named together with the setting that changes it', async () => {
  const smtpPort = Number(new URL(inbox.smtpUrl).port);
  const port = Number(new URL(inbox.url).port);

  await expect(startInbox({ port: 0, smtpPort, dataFile: ':memory:' })).rejects.toThrow(
    `Port ${smtpPort} is taken by another process: set INBOX_SMTP_PORT to a free one.`,
  );
  await expect(startInbox({ port, smtpPort: 0, dataFile: ':memory:' })).rejects.toThrow(
    `Port ${port} is taken by another process: set INBOX_PORT to a free one.`,
  );
});

type Listed = {
  from: string;
  to: string;
  subject: string;
  receivedAt: string;
  headers: { name: string; value: string }[];
};

async function messages(query = ''): Promise<Listed[]> {
  const answer = await fetch(`${inbox.url}/_control/messages${query}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Listed[];
}

async function subjects(query = '') {
  return (await messages(query)).map(({ subject }) => subject);
}

function putFault(plan: object) {
  return fetch(`${inbox.url}/_control/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(plan),
  });
}

async function send(mail: SendMailOptions, options = {}) {
  const { hostname: host, port } = new URL(inbox.smtpUrl);
  const transport = createTransport({ host, port: Number(port), ...options });
  await transport.sendMail({ from: 'a@example.com', to: 'b@example.com', text: 'Hello', ...mail });
}

const mailToBudi = { from: 'a@example.com', to: 'budi@example.com', text: 'Hello' };

function pooledTransport() {
  const { hostname: host, port } = new URL(inbox.smtpUrl);
  return createTransport({ pool: true, maxConnections: 1, host, port: Number(port) });
}
