import { createHmac, timingSafeEqual } from 'node:crypto';
import { symmetricDecrypt } from 'better-auth/crypto';
import type { SecondFactorReply } from '../contracts/accounts.ts';
import type { PlatformTx } from '../db/database.ts';
import { platformChain } from '../domain/audit.ts';
import type { UserId } from '../domain/ids.ts';
import { Problem } from '../domain/problems.ts';
import * as audit from '../repositories/audit-entries.ts';
import * as platformOutbox from '../repositories/platform-outbox.ts';
import * as factors from '../repositories/second-factors.ts';
import * as users from '../repositories/users.ts';
import type { Auth } from './better-auth.ts';
import type { SessionSteps, Visitor } from './session-steps.ts';
import type { WithCookies } from './visits.ts';

type Dependencies = { readonly auth: Auth; readonly steps: SessionSteps };

type Proof = {
  readonly userId: UserId;
  readonly proof: { readonly code: string } | { readonly recoveryCode: string };
  readonly headers: Headers;
};

const stepMs = 30_000;
/** A clock may be half a minute off, either way; as better-auth has it. */
const drift = [-1n, 0n, 1n];

export type SecondFactors = ReturnType<typeof createSecondFactors>;

/** The second factor: codes of an app that change every 30 seconds, and codes for the day it is lost. */
export function createSecondFactors({ auth, steps }: Dependencies) {
  /**
   * Holds a code against the user's factor. Each counts once: of two requests with one code the
   * later one is refused.
   *
   * @throws APIError of better-auth, to be caught by `attempt`
   */
  async function verify(tx: PlatformTx, { userId, proof, headers }: Proof) {
    const factor = await factors.lock(tx, userId);
    if ('recoveryCode' in proof) {
      const body = { code: proof.recoveryCode };
      return auth.api.verifyBackupCode({ body, headers, returnHeaders: true });
    }
    const step = factor && (await unusedStep(factor, proof.code));
    // A code that was used is as wrong as any other, and counts as a try.
    const body = { code: step === undefined ? '' : proof.code };
    const answer = await auth.api.verifyTOTP({ body, headers, returnHeaders: true });
    if (step !== undefined) await factors.noteStep(tx, userId, step);
    return answer;
  }

  /** A secret for the app to hold; it is asked for once the first code was right. */
  async function begin(visitor: Visitor, password: string): Promise<SecondFactorReply> {
    return steps.run(visitor, {
      ask: (_tx, headers) =>
        auth.api.enableTwoFactor({ body: { password, method: 'totp' }, headers }),
      follow: async (tx, answer) => {
        if (answer.method !== 'totp') throw new Error('better-auth began another second factor.');
        await factors.forgetSteps(tx, visitor.caller.userId);
        return { success: true, uri: answer.totpURI, recoveryCodes: answer.backupCodes };
      },
    });
  }

  /** @throws Problem `second-factor-invalid`, `second-factor-not-on`, `second-factor-on-already` */
  async function confirm(visitor: Visitor, code: string): Promise<WithCookies<unknown>> {
    const { userId } = visitor.caller;
    return steps.run(visitor, {
      ask: async (tx, headers) => {
        const factor = await factors.lock(tx, userId);
        if (factor?.isVerified) {
          throw new Problem('second-factor-on-already', 'Turn it off first to set up another one.');
        }
        return verify(tx, { userId, proof: { code }, headers });
      },
      follow: (tx, answer) => change(tx, visitor, { headers: answer.headers, to: 'on' }),
    });
  }

  /** @throws Problem `password-wrong`, `second-factor-not-on` */
  async function disable(visitor: Visitor, password: string): Promise<WithCookies<unknown>> {
    return steps.run(visitor, {
      ask: async (tx, headers) => {
        const factor = await factors.lock(tx, visitor.caller.userId);
        if (!factor?.isVerified) {
          throw new Problem('second-factor-not-on', 'There is nothing to turn off.');
        }
        return auth.api.disableTwoFactor({ body: { password }, headers, returnHeaders: true });
      },
      follow: (tx, answer) => change(tx, visitor, { headers: answer.headers, to: 'off' }),
    });
  }

  /** @throws Problem `password-wrong`, `second-factor-not-on` */
  async function renewRecoveryCodes({ visit, caller }: Visitor, password: string) {
    return steps.run(
      { visit, caller },
      {
        ask: (_tx, headers) => auth.api.generateBackupCodes({ body: { password }, headers }),
        follow: async (tx, { backupCodes }) => {
          await audit.append(tx, platformChain, visit.origin, {
            action: 'user.recovery-codes-renewed',
            subject: { kind: 'user', id: caller.userId },
          });
          return { success: true, recoveryCodes: backupCodes };
        },
      },
    );
  }

  type Change = { readonly headers: Headers; readonly to: 'on' | 'off' };

  async function change(tx: PlatformTx, { visit, caller }: Visitor, { headers, to }: Change) {
    const { userId } = caller;
    const setCookies = await steps.moveOn(tx, caller, headers);
    await users.forgetPending(tx, userId);
    const kind = `second-factor-${to}` as const;
    const payload = { userId, kind, requestId: visit.origin.requestId };
    await platformOutbox.add(tx, { topic: 'account-mail', payload });
    await audit.append(tx, platformChain, visit.origin, {
      action: `user.${kind}`,
      subject: { kind: 'user', id: userId },
    });
    return { reply: { success: true }, setCookies };
  }

  /** The time that a right code stands for, when no code of that time or later was used yet. */
  async function unusedStep(factor: factors.SecondFactor, code: string) {
    const key = (await auth.context).secretConfig;
    const secret = await symmetricDecrypt({ key, data: factor.secret });
    const now = BigInt(Math.floor(Date.now() / stepMs));
    return drift
      .map((off) => now + off)
      .find((step) => isCodeOf(secret, step, code) && step > (factor.lastUsedStep ?? -1n));
  }

  return { verify, begin, confirm, disable, renewRecoveryCodes };
}

/** RFC 6238, whose hash is SHA-1 because the apps know no other. */
function isCodeOf(secret: string, step: bigint, code: string): boolean {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(step);
  const hash = createHmac('sha1', secret).update(counter).digest();
  const offset = hash.readUInt8(hash.length - 1) & 15;
  const number = (hash.readUInt32BE(offset) & 0x7fff_ffff) % 1_000_000;
  const expected = Buffer.from(String(number).padStart(6, '0'));
  const given = Buffer.from(code);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
