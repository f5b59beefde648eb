import { type Command, InvalidArgumentError } from 'commander';
import { v7 as uuidv7 } from 'uuid';
import { MailAddress } from '../contracts/accounts.ts';
import { byOperator } from '../domain/caller.ts';
import type { Tenant } from '../domain/tenant.ts';
import type { Wiring } from '../wire.ts';

type Options = { readonly tenant: string; readonly email: string };

type Surroundings = {
  readonly withWiring: (use: (wiring: Wiring) => Promise<void>) => Promise<void>;
  readonly getTenant: (directory: Wiring['services']['directory'], name: string) => Promise<Tenant>;
  readonly say: (line: string) => void;
};

/** `kassa owner …`: how a tenant gets the first of those who invite the others. */
export function addOwnerCommands(program: Command, surroundings: Surroundings): void {
  const { withWiring, getTenant, say } = surroundings;
  program
    .command('owner')
    .description('the owners of a tenant')
    .command('invite')
    .description('mails an invitation to be an owner; again, when there is one already')
    .requiredOption('--tenant <slug>', 'what to own')
    .requiredOption('--email <address>', 'where the owner is reached', toEmail)
    .action(async ({ tenant: slug, email }: Options) => {
      await withWiring(async ({ services }) => {
        const tenant = await getTenant(services.directory, slug);
        const origin = byOperator('kassa owner invite', uuidv7());
        const outcome = await services.invitations.inviteOwner(tenant, email, origin);
        const words = outcome === 'invited' ? 'is invited' : 'is invited again';
        say(`${email} ${words} to own ${slug}. The worker mails the link.`);
      });
    });
}

function toEmail(given: string): string {
  const email = MailAddress.safeParse(given);
  if (!email.success) throw new InvalidArgumentError('It must be a mail address.');
  return email.data;
}
