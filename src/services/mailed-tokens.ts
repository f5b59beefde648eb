import { randomBytes } from 'node:crypto';
import type { UserId } from '../domain/ids.ts';
import { Secret } from '../domain/secret.ts';
import { tokenTimes } from '../domain/sessions.ts';
import type { Auth } from './better-auth.ts';

/** What a link is for. The second word is what better-auth calls it. */
const purposes = { verify: 'verify-email', reset: 'reset-password' } as const;
type Purpose = keyof typeof purposes;

const seconds: Record<Purpose, number> = {
  verify: tokenTimes.verifyEmail,
  reset: tokenTimes.resetPassword,
};

/** Under this name a token is stored, hashed, and asked for. */
export function identifierOf(purpose: Purpose, token: string): string {
  return `${purposes[purpose]}:${token}`;
}

/** Makes a link's token at the moment when it is mailed: only its hash stays here. */
export async function issueToken(auth: Auth, purpose: Purpose, userId: UserId): Promise<Secret> {
  const token = randomBytes(32).toString('base64url');
  const { internalAdapter } = await auth.context;
  await auth.transact(async () => {
    await internalAdapter.createVerificationValue({
      identifier: identifierOf(purpose, token),
      value: userId,
      expiresAt: new Date(Date.now() + seconds[purpose] * 1_000),
    });
  });
  return new Secret(token);
}
