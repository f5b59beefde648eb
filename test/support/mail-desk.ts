import { platformChain } from '../../src/domain/audit.ts';
import type { Topic } from '../../src/domain/jobs.ts';
import { jobHandlers } from '../../src/jobs/handlers.ts';
import type { Handlers } from '../../src/jobs/queue.ts';
import type { Mailer, MailMessage } from '../../src/providers/mail/mailer.ts';
import { createAccountMails } from '../../src/services/account-mails.ts';
import { createTeamMails } from '../../src/services/team-mails.ts';
import type { Gateway } from './gateway.ts';

/** The worker's part of mails that are no tenant's: what waits is mailed, and can be read here. */
export function openMailDesk(gateway: Gateway) {
  const { db, addresses, services } = gateway.wiring;
  const box: MailMessage[] = [];
  const mailer: Mailer = {
    async send(message) {
      box.push(message);
      return { messageId: message.messageId };
    },
    close() {},
  };
  const sending = { db, mailer, addresses, mailFrom: 'no-reply@kassa.example' };
  const handlers: Handlers = jobHandlers({
    ...services,
    mails: { send: async () => {} },
    accountMails: createAccountMails({ ...sending, auth: services.auth }),
    teamMails: createTeamMails({ ...sending, ...services }),
  });

  /** Does what waits in the outbox, as the worker would; answers the mails that came of it. */
  async function deliver(): Promise<readonly MailMessage[]> {
    const { rows } = await gateway.admin.query<{ topic: Topic; payload: unknown }>(
      'with moved as (delete from platform_outbox returning *) select * from moved order by id',
    );
    const before = box.length;
    for (const { topic, payload } of rows) {
      await handlers[topic](platformChain, payload as never);
    }
    return box.slice(before);
  }

  /** The token in the last mail to an address. */
  async function tokenFor(email: string): Promise<string> {
    await deliver();
    const mail = box.findLast(({ to }) => to.address === email.toLowerCase());
    const token = /#token=([\w-]+)/.exec(mail?.text ?? '')?.[1];
    if (!token) throw new Error(`No mail with a token went to ${email}.`);
    return token;
  }

  /** Somebody who has not signed in, on a page of ours. */
  const post = (path: string, body: unknown) =>
    gateway.send(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Origin: gateway.publicUrl },
      body: JSON.stringify(body),
    });

  return { box, deliver, tokenFor, post };
}
