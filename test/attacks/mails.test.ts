import { afterAll, beforeAll } from 'vitest';
import { type Inbox, startInbox } from '../../emulators/inbox/inbox.ts';
import { jobPayloads } from '../../src/domain/jobs.ts';
import { limits } from '../../src/domain/limits.ts';
import { MailError, type Mailer } from '../../src/providers/mail/mailer.ts';
import { createMailer } from '../../src/providers/mail/smtp.ts';
import { createOrderMails } from '../../src/services/order-mails.ts';
import { anOrder } from '../support/gateway.ts';
import { openMailDesk } from '../support/mail-desk.ts';
import { attack } from './support/attack.ts';
import { crlfTexts } from './support/payloads.ts';
import { openScene, type Shop } from './support/scene.ts';

// Addresses, names and subjects that want to be a second recipient or a header of their own.

const scene = await openScene();
const { gateway } = scene;
let inbox: Inbox;
let mailer: Mailer;

beforeAll(async () => {
  inbox = await startInbox({ port: 0, smtpPort: 0, dataFile: ':memory:' });
  mailer = createMailer({ smtpUrl: inbox.smtpUrl });
});

afterAll(async () => {
  mailer.close();
  await inbox.close();
});

type Mail = {
  readonly to: string;
  readonly subject: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
};

async function mails(): Promise<Mail[]> {
  return (await (await fetch(`${inbox.url}/_control/messages`)).json()) as Mail[];
}

/** Does the mail jobs of a shop, as the worker does. */
async function sendWaiting(shop: Shop): Promise<void> {
  const { db, addresses, services } = gateway.wiring;
  const { directory } = services;
  const orderMails = createOrderMails({
    db,
    addresses,
    mailer,
    directory,
    mailFrom: 'no-reply@kassa.example',
  });
  const tenant = await gateway.tenantOf(shop.slug);
  for (const { topic, payload } of await shop.rows<{ topic: string; payload: unknown }>('outbox')) {
    const job = jobPayloads['order-mail'].safeParse(payload);
    if (topic !== 'order-mail' || !job.success) continue;
    // What is no address after all is sent to nobody.
    await orderMails.send(tenant.id, job.data).catch(passHopeless);
  }
  await gateway.admin.query('delete from outbox where tenant_id = $1', [shop.id]);
}

function passHopeless(error: unknown): void {
  if (!(error instanceof MailError) || error.retryable) throw error;
}

const evil = 'evil@elsewhere.example';
const addresses: readonly string[] = [
  `a@shop.example,${evil}`,
  `a@shop.example;${evil}`,
  `a@shop.example ${evil}`,
  `a@shop.example\r\nBcc: ${evil}`,
  `a@shop.example\nRCPT TO:<${evil}>`,
  `a@shop.example\0${evil}`,
  `<${evil}>`,
  `<a@shop.example>,<${evil}>`,
  `a@shop.example<${evil}>`,
  `Friends: a@shop.example, ${evil};`,
  `"a, ${evil}"@shop.example`,
  `"a@shop.example"@elsewhere.example`,
  `"a\\" <${evil}>"@shop.example`,
  `a(${evil})@shop.example`,
  `a@shop.example(comment)`,
  `a@[127.0.0.1]`,
  `a@[IPv6:::1]`,
  `a@shop.example> SIZE=1`,
  `a@shop.example> ORCPT=rfc822;${evil}`,
  `=?utf-8?q?a=2C${evil}?=@shop.example`,
  `a%${evil}`,
  `a!${evil}`,
  `@elsewhere.example:a@shop.example`,
  `|/bin/sh@shop.example`,
  `-oQ/tmp@shop.example`,
  `a@shop.example\u2028Bcc: ${evil}`,
  `а@shop.example`,
  `a@shóp.example`,
  `a@shop..example`,
  `.a@shop.example`,
  `a+${'x'.repeat(60)}@shop.example`,
  `a@${'x'.repeat(64)}.example`,
  'a@shop',
  `mailto:${evil}`,
  `a@shop.example?bcc=${evil}`,
];
const people: readonly string[] = [
  ...crlfTexts,
  `A, ${evil}`,
  `A <${evil}>`,
  `"A" <${evil}>`,
  `A\r\nBcc: ${evil}`,
  `A\nTo: ${evil}`,
  `A\0`,
  `A; ${evil}`,
  `Friends: ${evil};`,
  `=?utf-8?q?=0D=0ABcc:_${evil}?=`,
  '"',
  '\\',
  '\\"',
  '<',
  '>',
  '()',
  '[]',
  'A'.repeat(255),
  '\u202e\u2066A',
];

attack('A43', 'a shopper who orders has one mail, at one address', async (tally) => {
  const shop = await scene.openShop();
  await sendWaiting(shop);
  const orders = [
    ...addresses.map((email) => ({ what: `mail ${email}`, order: anOrder({ email }) })),
    ...people.map((name, at) => ({
      what: `name ${JSON.stringify(name)}`,
      order: anOrder({ name, email: `p${at}@shop.example` }),
    })),
  ];
  for (const { what, order } of orders) {
    await fetch(`${inbox.url}/_control/messages`, { method: 'DELETE' });
    const { status } = await shop.create(order);
    await sendWaiting(shop);
    const expected = status === 200 ? order.email.trim() : undefined;
    tally.tried(
      what,
      faultOf(await mails(), expected) ?? (status >= 500 ? `${status}` : undefined),
    );
  }
});

attack('A43', 'a thousand resets for one address are a few mails to it', async (tally) => {
  const limited = await openScene({ RATE_LIMITS: 'on', TRUSTED_PROXIES: '127.0.0.0/8' });
  const desk = openMailDesk(limited.gateway);
  const { email } = await limited.newMember(limited.mine);
  const spellings = [email, email.toUpperCase(), ` ${email}`, `${email} `];
  // Of each of the two kinds.
  const points = 2 * limits['account-mail-account'].points;
  let taken = 0;
  for (let at = 0; at < 1_000; at += 1) {
    const { status } = await limited.client.ask({
      method: 'POST',
      path: at % 2 === 0 ? '/api/auth/password/forgot' : '/api/auth/verify-email/send',
      headers: [
        ...['Origin', limited.gateway.publicUrl, 'Content-Type', 'application/json'],
        // Somebody else each time, as far as addresses tell.
        ...['X-Forwarded-For', `203.0.${at % 250}.${1 + Math.floor(at / 250)}`],
      ],
      body: JSON.stringify({ email: spellings[Math.floor(at / 2) % spellings.length] }),
    });
    if (status < 300) taken += 1;
    const isBounded = taken <= points && [200, 400, 429].includes(status);
    tally.tried(`mail ${at}`, isBounded ? undefined : `${status}, ${taken} were taken`);
  }
  const sent = await desk.deliver();
  tally.tried('the mails', sent.length <= points ? undefined : `${sent.length} were sent`);
  tally.tried('a mail at all', sent.length > 0 ? undefined : 'none was sent');
  for (const { to } of sent) {
    tally.tried('a mail', to.address === email ? undefined : `it went to ${to.address}`);
  }
  tally.note(`${taken} of 1000 were taken, ${points} may be, and ${sent.length} mails were sent`);
});

attack('A43', 'the mailer itself takes one recipient, and no text as a header', async (tally) => {
  const message = {
    text: 'x',
    html: 'x',
    messageId: '<x@kassa>',
    from: { name: 'Kassa', address: 'no-reply@kassa.example' },
  };
  const plain = { name: 'A', address: 'a@shop.example' };
  const tries = [
    ...addresses.map((address) => ({ to: { name: 'A', address }, subject: 'x' })),
    ...people.map((name) => ({ to: { ...plain, name }, subject: 'x' })),
    ...people.map((subject) => ({ to: plain, subject })),
  ];
  for (const { to, subject } of tries) {
    await fetch(`${inbox.url}/_control/messages`, { method: 'DELETE' });
    const wasTaken = await mailer.send({ ...message, to, subject }).then(
      () => true,
      () => false,
    );
    const expected = wasTaken ? to.address : undefined;
    tally.tried(JSON.stringify({ to, subject }), faultOf(await mails(), expected));
  }
});

/** By the envelope, which the inbox writes on top of what it was sent. */
function faultOf(found: readonly Mail[], expected: string | undefined): string | undefined {
  const recipients = found.flatMap(({ headers }) =>
    headers.filter(({ name }) => name === 'Delivered-To').map(({ value }) => value),
  );
  // A quoted local part is the same mailbox as the bare one.
  const isOther = recipients.some((address) => normalise(address) !== normalise(expected ?? ''));
  if (isOther || recipients.length > 1) return `it went to ${recipients}, not to ${expected}`;
  const names = found.flatMap(({ headers }) => headers.map(({ name }) => name.toLowerCase()));
  const odd = names.find((name) => ['bcc', 'cc', 'x-injected', 'set-cookie'].includes(name));
  return odd && `it has a header ${odd}`;
}

function normalise(address: string): string {
  return address.toLowerCase().replaceAll('"', '');
}
