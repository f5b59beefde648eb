import { v7 as uuidv7 } from 'uuid';
import type { Db, PlatformTx } from '../db/database.ts';
import type { PlatformRole } from '../domain/access.ts';
import { platformChain } from '../domain/audit.ts';
import type { Origin } from '../domain/caller.ts';
import { UserId } from '../domain/ids.ts';
import type { Secret } from '../domain/secret.ts';
import * as audit from '../repositories/audit-entries.ts';
import * as platformMembers from '../repositories/platform-members.ts';
import * as platformOutbox from '../repositories/platform-outbox.ts';
import * as users from '../repositories/users.ts';
import { hashPassword, requireStrongPassword } from './passwords.ts';

type NewAdministrator = {
  readonly email: string;
  readonly name: string;
  readonly role: PlatformRole;
  /** Without one, a link to choose it is mailed. */
  readonly password: Secret | undefined;
};

export type Created = {
  /** `known`: somebody who has proved the address before keeps the password. */
  readonly user: 'made' | 'mailed' | 'known';
  readonly before: PlatformRole | undefined;
};

/** How the first superadmin comes to be, by whoever has the server's own environment. */
export function createAdministrators({ db }: { readonly db: Db }) {
  /**
   * Makes a user with a role on the platform; one whose address is proved gets the role, and keeps
   * the password.
   *
   * @throws Problem `password-weak`
   */
  async function create(origin: Origin, given: NewAdministrator): Promise<Created> {
    const { email, name, role, password } = given;
    if (password) requireStrongPassword('password', password.reveal(), given);
    const hash = password && (await hashPassword(password.reveal()));
    return db.withPlatform(async (tx) => {
      const id = UserId.parse(uuidv7());
      await users.insert(tx, { id, email, name, locale: 'en', isVerified: false });
      const user = await users.lockByEmail(tx, email);
      if (!user) throw new Error('A user who was just made or met is not there.');
      if (!user.isVerified) await settle(tx, user.id, { name, hash, origin });
      const before = await platformMembers.findRole(tx, user.id);
      await platformMembers.setRole(tx, user.id, role);
      await audit.append(tx, platformChain, origin, {
        action: 'staff.role-given',
        subject: { kind: 'user', id: user.id },
        ...(before && { before: { role: before } }),
        after: { role },
      });
      if (user.isVerified) return { user: 'known', before };
      return { user: hash ? 'made' : 'mailed', before };
    });
  }

  return { create };
}

type Choice = Pick<NewAdministrator, 'name'> & {
  readonly hash: string | undefined;
  readonly origin: Origin;
};

/**
 * Whoever signed up with this address has not proved that it is theirs: nothing of what they chose
 * or were mailed is left to those who get the role.
 */
async function settle(tx: PlatformTx, id: UserId, { name, hash, origin }: Choice): Promise<void> {
  await users.rename(tx, id, { name, locale: 'en' });
  await users.forgetPending(tx, id);
  await users.setPassword(tx, { id: uuidv7(), userId: id, hash });
  // Whoever makes it vouches for the address; a mailed link proves it.
  if (hash) await users.markVerified(tx, id);
  const payload = { userId: id, kind: 'set-password', requestId: origin.requestId } as const;
  if (!hash) await platformOutbox.add(tx, { topic: 'account-mail', payload });
}
