import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { v7 as uuidv7 } from 'uuid';
import { MailAddress, PersonName } from '../contracts/accounts.ts';
import { type PlatformRole, platformRoles } from '../domain/access.ts';
import { byOperator } from '../domain/caller.ts';
import { Secret } from '../domain/secret.ts';
import type { Created } from '../services/administrators.ts';
import type { Wiring } from '../wire.ts';

type Options = {
  readonly email: string;
  readonly name: string;
  readonly role: PlatformRole;
  readonly passwordStdin?: true;
};

type Surroundings = {
  readonly withWiring: (use: (wiring: Wiring) => Promise<void>) => Promise<void>;
  readonly say: (line: string) => void;
};

/** `kassa admin …`: who runs the platform. */
export function addAdminCommands(program: Command, { withWiring, say }: Surroundings): void {
  program
    .command('admin')
    .description('the people who run the platform')
    .command('create')
    .description(
      'makes a user with a role on the platform. The password is asked for at a terminal; left empty, or without a terminal, a link to choose it is mailed. A user who is there gets the role.',
    )
    .requiredOption('--email <address>', 'where the user is reached', toEmail)
    .requiredOption('--name <name>', 'how the user is called', toName)
    .addOption(
      new Option('--role <role>', 'what the user may do')
        .choices(Object.keys(platformRoles))
        .default('superadmin'),
    )
    .option('--password-stdin', 'takes the password from the standard input')
    .action(async ({ passwordStdin, ...given }: Options) => {
      await withWiring(async ({ services }) => {
        const password = passwordStdin ? await readPassword() : await askPassword(say);
        const origin = byOperator('kassa admin create', uuidv7());
        const created = await services.administrators.create(origin, { ...given, password });
        for (const line of linesOf(created, given)) say(line);
      });
    });
}

function linesOf({ user, before }: Created, { email, role }: Options): string[] {
  const standing = before === role ? `is ${role} already` : `is ${role} now`;
  switch (user) {
    case 'made':
      return [`${email} ${standing}, and can sign in.`];
    case 'mailed':
      return [`${email} ${standing}. A link to choose a password is mailed by the worker.`];
    case 'known':
      return [`${email} has an account, whose password stays as it is.`, `${email} ${standing}.`];
    default:
      return user satisfies never;
  }
}

/** @throws Error when there is none: an empty pipe is a mistake, not a wish for a mail */
async function readPassword(): Promise<Secret> {
  const password = (await text(process.stdin)).replace(/\r?\n$/, '');
  if (password === '') throw new Error('There was no password on the standard input.');
  return new Secret(password);
}

/** Without echo, and twice; nothing where nobody can be asked or nothing is typed. */
async function askPassword(say: (line: string) => void): Promise<Secret | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    say('Password, or nothing to have a link mailed:');
    const first = await terminal.question('');
    if (first === '') return undefined;
    say('The same once more:');
    if ((await terminal.question('')) === first) return new Secret(first);
    throw new Error('The two passwords are not the same.');
  } finally {
    terminal.close();
  }
}

function toEmail(given: string): string {
  const email = MailAddress.safeParse(given);
  if (!email.success) throw new InvalidArgumentError('It must be a mail address.');
  return email.data;
}

function toName(given: string): string {
  const name = PersonName.safeParse(given);
  if (!name.success) throw new InvalidArgumentError('It must be 1 to 100 characters on one line.');
  return name.data;
}
