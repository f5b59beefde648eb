import { v7 as uuidv7 } from 'uuid';
import type {
  InvitationAcceptReply,
  InvitationAcceptRequest,
  InvitationPreviewReply,
} from '../contracts/team.ts';
import type { Db, PlatformTx } from '../db/database.ts';
import { platformChain } from '../domain/audit.ts';
import type { Caller, Origin } from '../domain/caller.ts';
import { type TenantId, UserId } from '../domain/ids.ts';
import { type FieldError, Problem } from '../domain/problems.ts';
import { Secret } from '../domain/secret.ts';
import type { Tenant } from '../domain/tenant.ts';
import * as auditEntries from '../repositories/audit-entries.ts';
import type { Invitation } from '../repositories/invitations.ts';
import * as invitations from '../repositories/invitations.ts';
import * as sessions from '../repositories/sessions.ts';
import * as tenants from '../repositories/tenants.ts';
import * as users from '../repositories/users.ts';
import type { Auth } from './better-auth.ts';
import { circleOf } from './circles.ts';
import { hashOf } from './invitations.ts';
import { hashPassword, requireStrongPassword } from './passwords.ts';
import type { RateLimits } from './rate-limits.ts';

type Guest = { readonly caller: Caller; readonly origin: Origin };

/** Somebody without an account, or with one that nobody has claimed. */
type Newcomer = {
  readonly id: UserId;
  readonly name: string;
  readonly passwordHash: string;
  readonly isClaim: boolean;
};

type Dependencies = {
  readonly db: Db;
  readonly auth: Pick<Auth, 'inTurn'>;
  readonly limits: RateLimits;
};

export type Invited = ReturnType<typeof createInvited>;

/** What somebody does who holds an invitation's token: who has it reads the invited address. */
export function createInvited({ db, auth, limits }: Dependencies) {
  /** @throws Problem `invitation-not-usable` */
  async function preview(text: string): Promise<InvitationPreviewReply> {
    return db.withPlatform(async (tx) => {
      const { tenantId, invitation } = await getUsable(tx, hashOf(new Secret(text)));
      const { email, role, expiresAt } = invitation;
      const tenant = await findTenant(tx, tenantId);
      const known = await users.findByEmail(tx, email);
      return {
        success: true,
        invitation: {
          tenant: tenant ? { slug: tenant.slug, name: tenant.name } : null,
          email,
          role,
          expiresAt: expiresAt.toISOString(),
          hasAccount: known !== undefined && !isUnclaimed(known),
        },
      };
    });
  }

  /**
   * Takes an invitation up: for the signed-in user whose address was invited, or for an address
   * without an account, which gets one. The token proves the address.
   *
   * @throws Problem `invitation-not-usable`, `invitation-for-another`, `credentials-required`,
   *   `invalid-request`, `password-weak`, `too-many-requests`
   */
  async function accept(
    { token, name, password }: InvitationAcceptRequest,
    { caller, origin }: Guest,
  ): Promise<InvitationAcceptReply> {
    // As for every other way to prove an address: a new password costs more than it looks.
    await limits.take('sign-in-address', origin.address ?? '');
    const hash = hashOf(new Secret(token));
    const user = caller.kind === 'user' ? caller : undefined;
    const { tenantId, invitation, unclaimed } = await db.withPlatform(async (tx) => {
      const found = await getUsable(tx, hash);
      if (user) requireOwn(found.invitation, user.email);
      return { ...found, unclaimed: user ? undefined : await findUnclaimed(tx, found.invitation) };
    });
    // Outside of a transaction: a password takes its time.
    const guest = user
      ? { id: user.userId }
      : await auth.inTurn(() => prepare(invitation, { name, password, unclaimed }));
    return db.withPlatform(async (tx) => {
      const tenant = await findTenant(tx, tenantId);
      if (user && tenant) await sessions.setTenant(tx, user.sessionId, tenantId);
      const role = await join(tx, { tenantId, invitation, hash, guest, origin });
      return { success: true, tenant: tenant?.slug ?? null, role };
    });
  }

  return { preview, accept };
}

type Joining = {
  readonly tenantId: TenantId;
  readonly invitation: Invitation;
  readonly hash: Buffer;
  readonly guest: Newcomer | { readonly id: UserId };
  readonly origin: Origin;
};

/**
 * Makes the guest a member, once for a token; answers in which role. Who came in another way
 * meanwhile keeps the role that was given there.
 *
 * @throws Problem `invitation-not-usable`, `credentials-required`
 */
async function join(tx: PlatformTx, joining: Joining): Promise<string> {
  const { tenantId, invitation, hash, guest, origin } = joining;
  const { id, email } = invitation;
  const circle = circleOf(tenantId);
  await circle.lock(tx);
  if (!(await invitations.accept(tx, tenantId, { id, hash, userId: guest.id }))) throw notUsable();
  if ('passwordHash' in guest) await addUser(tx, { ...guest, email, tenantId });
  await circle.add(tx, { userId: guest.id, role: invitation.role });
  const role = await circle.findRole(tx, guest.id);
  if (!role) throw new Error('Somebody who was just made a member is none.');
  const actor = { kind: 'user', id: guest.id, label: email } as const;
  await auditEntries.append(
    tx,
    tenantId,
    { ...origin, actor },
    { action: 'invitation.accepted', subject: { kind: 'invitation', id }, after: { email, role } },
  );
  return role;
}

/** @throws Problem `invitation-not-usable`, the same for whatever reason */
async function getUsable(
  tx: PlatformTx,
  hash: Buffer,
): Promise<{ readonly tenantId: TenantId; readonly invitation: Invitation }> {
  const found = await tenants.findInvitationByHash(tx, hash);
  const invitation = found && (await invitations.findOpen(tx, found.tenantId, found.id));
  if (!invitation) throw notUsable();
  return { tenantId: found.tenantId, invitation };
}

/** @throws Problem `invitation-for-another` */
function requireOwn({ email }: Invitation, own: string): void {
  if (email === own) return;
  throw new Problem('invitation-for-another', 'Sign in as whom the mail was sent to.');
}

/**
 * Somebody who has proved the address before has to sign in. An account that nobody has proved may
 * be a stranger's attempt on the address: whoever holds the token takes it over.
 *
 * @throws Problem `credentials-required`
 */
async function findUnclaimed(tx: PlatformTx, { email }: Invitation): Promise<UserId | undefined> {
  const known = await users.findByEmail(tx, email);
  if (known && !isUnclaimed(known)) throw signInFirst();
  return known?.id;
}

function isUnclaimed({ isVerified, isDisabled }: users.User): boolean {
  return !isVerified && !isDisabled;
}

type Choice = Pick<InvitationAcceptRequest, 'name' | 'password'> & {
  readonly unclaimed: UserId | undefined;
};

/** @throws Problem `invalid-request`, `password-weak` */
async function prepare(
  { email, name: givenName }: Invitation,
  { name = givenName, password, unclaimed }: Choice,
): Promise<Newcomer> {
  const faults: FieldError[] = [];
  if (name === undefined) faults.push({ field: 'name', message: 'is needed for a new account' });
  if (password === undefined) {
    faults.push({ field: 'password', message: 'is needed for a new account' });
  }
  if (name === undefined || password === undefined) {
    throw new Problem('invalid-request', 'Choose a name and a password.', { errors: faults });
  }
  requireStrongPassword('password', password, { email, name });
  const passwordHash = await hashPassword(password);
  return { id: unclaimed ?? UserId.parse(uuidv7()), name, passwordHash, isClaim: !!unclaimed };
}

type NewUser = Newcomer & { readonly email: string; readonly tenantId: TenantId };

/** @throws Problem `credentials-required` when somebody proved the address meanwhile */
async function addUser(tx: PlatformTx, user: NewUser): Promise<void> {
  const { id, email, name, passwordHash: hash, tenantId, isClaim } = user;
  const locale = (await findTenant(tx, tenantId))?.locale ?? 'en';
  const isTheirs = isClaim
    ? await users.claim(tx, { id, name })
    : await users.insert(tx, { id, email, name, isVerified: true, locale });
  if (!isTheirs) throw signInFirst();
  // What a stranger may have had mailed or begun.
  if (isClaim) await users.forgetPending(tx, id);
  await users.setPassword(tx, { id: uuidv7(), userId: id, hash });
}

/** Nothing for the platform. */
async function findTenant(tx: PlatformTx, tenantId: TenantId): Promise<Tenant | undefined> {
  return tenantId === platformChain ? undefined : tenants.findById(tx, tenantId);
}

function signInFirst(): Problem {
  return new Problem('credentials-required', 'Sign in as the invited address, then accept.');
}

function notUsable(): Problem {
  return new Problem(
    'invitation-not-usable',
    'It was used or revoked, or its time is up. Ask for another one.',
  );
}
