import { createHmac, randomUUID } from 'node:crypto';
import type { PlatformRole } from '../../src/domain/access.ts';
import { UserId } from '../../src/domain/ids.ts';
import { jobPayloads } from '../../src/domain/jobs.ts';
import type { MailMessage } from '../../src/providers/mail/mailer.ts';
import * as platformMembers from '../../src/repositories/platform-members.ts';
import * as users from '../../src/repositories/users.ts';
import { createAccountMails } from '../../src/services/account-mails.ts';
import { hashPassword } from '../../src/services/passwords.ts';
import type { Answer, Gateway } from './gateway.ts';

/** Of the pages of Kassa, as the tests' configuration has it. */
export const ownOrigin = 'http://localhost:3010';
export const goodPassword = 'four brave otters juggle';
/** At little cost: a test is about something else than how long a guess takes. */
const hash = hashPassword(goodPassword, { N: 1024, r: 8, p: 1 });

type Sent = { readonly method: string; readonly path: string; readonly body?: unknown };

/** A browser: it keeps cookies, and says which page it is on. */
export function browserIn(gateway: Gateway, page: Record<string, string> = { Origin: ownOrigin }) {
  const jar = new Map<string, string>();

  async function send({ method, path, body }: Sent): Promise<Answer> {
    const answer = await gateway.send(path, {
      method,
      headers: {
        ...page,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(jar.size > 0 && { Cookie: cookies() }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/Max-Age=0\b/.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  }

  function cookies(): string {
    return [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  return {
    jar,
    cookies,
    send,
    get: (path: string) => send({ method: 'GET', path }),
    delete: (path: string) => send({ method: 'DELETE', path }),
    post: (path: string, body?: unknown) => send({ method: 'POST', path, body }),
    /** Whether the session that this browser has is alive. */
    isSignedIn: async () =>
      (await send({ method: 'GET', path: '/api/auth/session' })).status === 200,
  };
}
export type Browser = ReturnType<typeof browserIn>;

type PersonOptions = {
  readonly role?: PlatformRole;
  readonly locale?: string;
  /** At the cost that it would have outside of tests. */
  readonly hash?: string;
};

/** A user with a proven address and `goodPassword`. */
export async function personIn(gateway: Gateway, options: PersonOptions = {}) {
  const { role, locale = 'en' } = options;
  const id = UserId.parse(randomUUID());
  const email = `${id.slice(0, 8)}@people.example`;
  const stored = options.hash ?? (await hash);
  await gateway.wiring.db.withPlatform(async (tx) => {
    await users.insert(tx, { id, name: 'Åsa Lind', email, locale, isVerified: true });
    await users.setPassword(tx, { id: randomUUID(), userId: id, hash: stored });
    if (role) await platformMembers.setRole(tx, id, role);
  });

  async function signIn(browser: Browser = browserIn(gateway)): Promise<Browser> {
    const answer = await browser.post('/api/auth/sign-in', { email, password: goodPassword });
    if (answer.status !== 200) throw new Error(`The sign-in answered ${answer.status}.`);
    return browser;
  }

  return {
    id,
    email,
    signIn,
    /** What the audit log says was done to this user, oldest first. */
    async history(): Promise<string[]> {
      const { rows } = await gateway.admin.query<{ action: string }>(
        `select action from audit_entries where subject_kind = 'user' and subject_id = $1
          order by seq`,
        [id],
      );
      return rows.map(({ action }) => action);
    },
  };
}
export type Person = Awaited<ReturnType<typeof personIn>>;

/** Turns the second factor on, and tells how to make its codes. */
export async function addSecondFactor(browser: Browser) {
  const begun = await browser.post('/api/auth/second-factor/begin', { password: goodPassword });
  const secret = secretIn(String(begun.body.uri));
  const recoveryCodes = begun.body.recoveryCodes as string[];
  // The code of half a minute ago, so that this one and the next are unused.
  const code = codeOf(secret, -1);
  const confirmed = await browser.post('/api/auth/second-factor/confirm', { code });
  if (confirmed.status !== 200) throw new Error(`The factor was answered ${confirmed.status}.`);
  return { recoveryCodes, code: (off = 0) => codeOf(secret, off) };
}

/** Does the mails that wait, as the worker would; those of others are lost. */
export async function mailsOf(gateway: Gateway): Promise<MailMessage[]> {
  const sent: MailMessage[] = [];
  const mailer = {
    async send(message: MailMessage) {
      sent.push(message);
      return { messageId: message.messageId };
    },
    close() {},
  };
  const { db, addresses, services } = gateway.wiring;
  const mailFrom = 'no-reply@kassa.example';
  const { auth } = services;
  const mails = createAccountMails({ db, auth, mailer, addresses, mailFrom });
  const { rows } = await gateway.admin.query<{ payload: unknown }>(
    `with waiting as (delete from platform_outbox where topic = 'account-mail'
       returning id, payload)
     select payload from waiting order by id`,
  );
  for (const { payload } of rows) await mails.send(jobPayloads['account-mail'].parse(payload));
  return sent;
}

/** The token of the link in a mail. */
export function tokenIn(mail: MailMessage | undefined): string {
  return /#token=([\w-]+)/.exec(mail?.text ?? '')?.[1] ?? '';
}

function secretIn(uri: string): Buffer {
  const text = new URL(uri).searchParams.get('secret') ?? '';
  const bits = [...text]
    .map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter))
    .map((value) => value.toString(2).padStart(5, '0'))
    .join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

/** RFC 6238, as an app computes it. */
function codeOf(secret: Buffer, off: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + off));
  const hash = createHmac('sha1', secret).update(counter).digest();
  const at = hash.readUInt8(19) & 15;
  return String((hash.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
