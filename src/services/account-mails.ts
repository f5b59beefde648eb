import type { Db } from '../db/database.ts';
import type { UserId } from '../domain/ids.ts';
import type { AccountMailKind, JobPayload } from '../domain/jobs.ts';
import { renderAccountMail } from '../notifications/account-mail.ts';
import type { Mailer } from '../providers/mail/mailer.ts';
import * as users from '../repositories/users.ts';
import type { Addresses } from './addresses.ts';
import type { Auth } from './better-auth.ts';
import { issueToken } from './mailed-tokens.ts';

type Dependencies = {
  readonly db: Db;
  readonly auth: Auth;
  readonly mailer: Mailer;
  readonly addresses: Addresses;
  readonly mailFrom: string;
};

export type AccountMails = ReturnType<typeof createAccountMails>;

export function createAccountMails(dependencies: Dependencies) {
  const { db, auth, mailer, addresses, mailFrom } = dependencies;

  /**
   * Tells a user what became of the account. A link's token is made here and now: a job that waits,
   * or is kept as a dead letter, holds none.
   *
   * @throws MailError when the mail was not, or perhaps not, taken
   */
  async function send(job: JobPayload<'account-mail'>): Promise<void> {
    const { userId, kind } = job;
    const user = await db.withPlatformOnce((tx) => users.find(tx, userId));
    // Mails to nobody are asked for too, so that the asking takes equally long.
    if (!user || user.isDisabled || (kind === 'verify-email' && user.isVerified)) return;
    const url = await linkOf(kind, userId);
    // Whoever signs up with somebody else's address must not write to them by way of the name.
    const name = user.isVerified ? user.name : '';
    await mailer.send({
      ...renderAccountMail({ kind, locale: user.locale, name, url }),
      from: { name: 'Kassa', address: mailFrom },
      to: { name, address: user.email },
      // The same for every try, so that a mail that went out twice is known as one.
      messageId: `<${kind}.${userId}.${job.requestId ?? 'command'}@kassa>`,
    });
  }

  /** Of a mail that is sent again the last link counts, and those before it while they last. */
  async function linkOf(kind: AccountMailKind, userId: UserId): Promise<string> {
    switch (kind) {
      case 'verify-email':
        return addresses.accountUrl('verify-email', await issueToken(auth, 'verify', userId));
      case 'reset-password':
      case 'set-password':
        return addresses.accountUrl('reset-password', await issueToken(auth, 'reset', userId));
      case 'address-known':
        return addresses.accountUrl('sign-in');
      case 'password-changed':
      case 'second-factor-on':
      case 'second-factor-off':
        return addresses.accountUrl('forgot-password');
      default:
        return kind satisfies never;
    }
  }

  return { send };
}
