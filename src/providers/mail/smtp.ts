import { createTransport } from 'nodemailer';
import { z } from 'zod';
import { type MailAddress, MailError, type Mailer, type MailMessage } from './mailer.ts';

export type SmtpMailerSettings = {
  /** `smtp://user:password@host:587`, or `smtps://` for TLS from the first byte. */
  readonly smtpUrl: string;
  readonly connectionTimeoutMs?: number | undefined;
  readonly greetingTimeoutMs?: number | undefined;
  readonly socketTimeoutMs?: number | undefined;
  /** Bounds the whole of one send, waiting for a free connection included. */
  readonly deadlineMs?: number | undefined;
};

const MAX_CONNECTIONS = 5;

export function createMailer(settings: SmtpMailerSettings): Mailer {
  const server = parseSmtpUrl(settings.smtpUrl);
  const deadlineMs = settings.deadlineMs ?? 20_000;
  const transport = createTransport({
    ...server,
    pool: true,
    maxConnections: MAX_CONNECTIONS,
    // One send is one try. The queue repeats it, and keeps count.
    maxRequeues: 0,
    dnsTimeout: settings.connectionTimeoutMs ?? 5_000,
    connectionTimeout: settings.connectionTimeoutMs ?? 5_000,
    greetingTimeout: settings.greetingTimeoutMs ?? 5_000,
    socketTimeout: settings.socketTimeoutMs ?? 10_000,
    socketCloseTimeout: 1_000,
    // A body is what we wrote, never a path or an address to read it from.
    disableFileAccess: true,
    disableUrlAccess: true,
  });

  async function send(message: MailMessage): Promise<{ messageId: string }> {
    const mail = checkMessage(message);
    try {
      const { messageId } = await transport.sendMail({
        ...mail,
        // Keeps holiday answers from coming back to the merchant.
        headers: { 'Auto-Submitted': 'auto-generated' },
        // The socket's own timeout restarts with every byte; only this one bounds a trickling server.
        signal: AbortSignal.timeout(deadlineMs),
      });
      return { messageId };
    } catch (error) {
      throw toMailError(error, server.auth);
    }
  }

  return { send, close: () => transport.close() };
}

type Login = { readonly user: string; readonly pass: string };

function parseSmtpUrl(smtpUrl: string) {
  const url = URL.parse(smtpUrl);
  // The address is not repeated in the message: it may hold a password.
  if (!url?.hostname || !['smtp:', 'smtps:'].includes(url.protocol) || url.search) {
    throw new Error('The SMTP address must look like smtp://user:password@host:port.');
  }
  const secure = url.protocol === 'smtps:';
  const auth: Login | undefined = url.username
    ? { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) }
    : undefined;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: url.port ? Number(url.port) : secure ? 465 : 587,
    secure,
    // A password must not cross a network in the clear because somebody removed STARTTLS on the way.
    requireTLS: !secure && auth !== undefined && !isLoopback(host),
    ...(auth && { auth }),
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

// No quoted local parts, groups or comments: what a shopper types is a plain address or a mistake.
const local = /[^\s@<>()[\],;:\\"\p{C}]{1,64}/u;
const label = /[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?/u;
const addressPattern = new RegExp(`^${local.source}@(?:${label.source}\\.)+${label.source}$`, 'u');
const Address = z.string().max(254).regex(addressPattern);
const MessageId = z.string().regex(/^<[^\s<>@]{1,128}@[^\s<>@]{1,128}>$/);

function checkMessage({ from, replyTo, to, subject, text, html, messageId }: MailMessage) {
  if (!MessageId.safeParse(messageId).success) throw invalid('message id');
  return {
    from: checkAddress(from, 'sender'),
    ...(replyTo && { replyTo: checkAddress({ name: '', ...replyTo }, 'reply address') }),
    to: checkAddress(to, 'recipient'),
    subject: oneLine(subject),
    text,
    html,
    messageId,
  };
}

function checkAddress({ name, address }: Partial<MailAddress>, role: string): MailAddress {
  const checked = Address.safeParse(address);
  if (!checked.success) throw invalid(role);
  return { name: oneLine(name ?? ''), address: checked.data };
}

function invalid(what: string): MailError {
  const message = `The mail was not sent: its ${what} is not valid.`;
  return new MailError(message, { code: 'EINVALID', retryable: false });
}

/** nodemailer would not let a line break out of its header; the reader should not see it either. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').trim();
}

const SmtpError = z.object({
  code: z.string().default('EUNKNOWN').catch('EUNKNOWN'),
  responseCode: z.number().optional().catch(undefined),
  response: z.string().optional().catch(undefined),
});

// Without an answer from the server these are faults of the mail or of our settings. All else, a
// closed connection or an error that we have never seen, may work later: the queue ends the tries.
const permanentCodes = ['EENVELOPE', 'EMESSAGE', 'EAUTH', 'ENOAUTH', 'ECONFIG', 'EMAXRECIPIENTS'];

function toMailError(error: unknown, login: Login | undefined): MailError {
  const { code, responseCode, response } = SmtpError.parse(error);
  if (responseCode !== undefined) {
    const words = code === 'EAUTH' ? 'the login was refused' : withoutLogin(response, login);
    return new MailError(`The mail server answered ${responseCode}: ${words}`, {
      code,
      retryable: responseCode < 500,
      responseCode,
    });
  }
  const retryable = !permanentCodes.includes(code);
  return new MailError(`The mail was not sent: ${reasons[code] ?? code}.`, { code, retryable });
}

const reasons: Record<string, string> = {
  EABORT: 'the mail server took longer than the deadline',
  ETIMEDOUT: 'the mail server did not answer in time',
  ECONNECTION: 'the connection to the mail server ended',
  ESOCKET: 'the connection to the mail server failed',
  EDNS: 'the mail server has no address',
  ETLS: 'no secure connection to the mail server could be made',
};

function withoutLogin(response: string | undefined, login: Login | undefined): string {
  const secrets = login
    ? [login.pass, login.user, ...[login.pass, login.user].map(toBase64)].filter(Boolean)
    : [];
  const clean = secrets.reduce((text, secret) => text.replaceAll(secret, '***'), response ?? '');
  return oneLine(clean).slice(0, 300);
}

function toBase64(text: string): string {
  return Buffer.from(text).toString('base64');
}
